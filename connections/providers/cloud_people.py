"""Who a Cloud API update is about: phone, business-scoped user id, or whatever was given.

Since 2026 a phone number may be missing, empty, or replaced by a user id. The ids inside a
message count; the `contacts` block beside it adds a name, and a second id only when it
agrees with the message about the first.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from connections.events import Sender
from connections.providers import untrusted
from lib import phones

# `NG.13491208655302741918`, and for a parent `NG.ENT.11815799212886844830`.
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PARENT_ID = re.compile(r"[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}")
_MAX_ID = 190
_MAX_NAME = 200
_MAX_USERNAME = 100


@dataclass(frozen=True)
class Profile:
    """One entry of `contacts`."""

    person: Sender
    name: str
    username: str


def person(identifier: str, *, user_id: str = "", parent_user_id: str = "") -> Sender:
    """Return who `identifier` (a phone, a user id or something else) and the user ids name."""
    identifier = identifier.strip()
    user_id, parent_user_id = user_id.strip(), parent_user_id.strip()
    phone = phones.from_whatsapp(identifier)
    address = ""
    if not phone and identifier:
        if _USER_ID.fullmatch(identifier):
            user_id = user_id or identifier
        elif _PARENT_ID.fullmatch(identifier):
            parent_user_id = parent_user_id or identifier
        else:
            address = identifier
    if not (phone or user_id or address):
        address = parent_user_id  # better than nobody
    return Sender(
        phone=phone,
        user_id=untrusted.cap(user_id, _MAX_ID) or None,
        parent_user_id=untrusted.cap(parent_user_id, _MAX_ID) or None,
        address=untrusted.cap(address, _MAX_ID) or None,
    )


@dataclass(frozen=True)
class Profiles:
    """The `contacts` of one webhook value, found by any id (a hostile list may be long)."""

    only: Profile | None = None
    by_id: dict[tuple[str, str], Profile] = field(default_factory=dict)

    def of(self, who: Sender) -> Profile | None:
        """Return the entry that shares an id with `who`."""
        return next((self.by_id[key] for key in _ids(who) if key in self.by_id), None)


def profiles(value: Any) -> Profiles:
    """Return the `contacts` of a webhook value."""
    found = []
    for contact in untrusted.dicts_of(value, "contacts"):
        about = untrusted.dict_of(contact, "profile")
        found.append(
            Profile(
                person=person(
                    untrusted.text_of(contact, "wa_id"),
                    user_id=untrusted.text_of(contact, "user_id"),
                    parent_user_id=untrusted.text_of(contact, "parent_user_id"),
                ),
                name=untrusted.text_of(about, "name").strip()[:_MAX_NAME],
                username=untrusted.text_of(about, "username").strip()[:_MAX_USERNAME],
            )
        )
    by_id = {key: profile for profile in reversed(found) for key in _ids(profile.person)}
    return Profiles(only=found[0] if len(found) == 1 else None, by_id=by_id)


def complete(who: Sender, known: Profiles, *, alone: bool) -> Sender:
    """Return `who` with the name and further ids that `known` has for them.

    `alone` says that the update is the only one beside these contacts: then a single contact
    is the same person even if the ids differ (Brazil writes some numbers in two ways), but
    its ids are not taken over.
    """
    profile = known.of(who)
    if profile is None and (alone or not who.key):
        profile = known.only
    if profile is None:
        return who
    other = Sender() if _contradicts(who, profile.person) else profile.person
    return Sender(
        phone=who.phone or other.phone,
        user_id=who.user_id or other.user_id,
        parent_user_id=who.parent_user_id or other.parent_user_id,
        address=who.address or other.address,
        name=profile.name,
        username=profile.username,
    )


def as_data(who: Sender) -> dict[str, Any]:
    """Return a person as the plain JSON that `Update.data` holds."""
    return {
        "phone": who.phone,
        "user_id": who.user_id,
        "parent_user_id": who.parent_user_id,
        "address": who.address,
        "name": who.name,
        "username": who.username,
    }


def _ids(who: Sender) -> list[tuple[str, str]]:
    told = (("phone", who.phone), ("user_id", who.user_id), ("address", who.address))
    return [(name, value) for name, value in told if value]


def _contradicts(one: Sender, other: Sender) -> bool:
    pairs = (
        (one.phone, other.phone),
        (one.user_id, other.user_id),
        (one.address, other.address),
    )
    return any(ours and theirs and ours != theirs for ours, theirs in pairs)
