"""Where an item of a Cloud API webhook was found, and how it becomes an Update there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connections.events import Kind, Sender, Update
from connections.providers import cloud_errors, untrusted, update_keys
from connections.providers.cloud_people import Profiles


@dataclass(frozen=True)
class Place:
    """Whose number an item belongs to, in which field it stood, and who is known beside it."""

    field: str = ""
    number_id: str = ""
    account_id: str = ""
    our_phone: str | None = None
    at: datetime | None = None  # the entry's clock; items mostly have their own
    profiles: Profiles = Profiles()
    is_alone: bool = False  # the only item of its list: the contacts beside it are its own

    @property
    def told_at(self) -> str:
        """The entry's clock: part of the key of news that may come again in the same words."""
        return self.at.isoformat() if self.at else ""

    def alone(self) -> "Place":
        """Return this place as that of the only item of its list."""
        return Place(
            field=self.field,
            number_id=self.number_id,
            account_id=self.account_id,
            our_phone=self.our_phone,
            at=self.at,
            profiles=self.profiles,
            is_alone=True,
        )

    def key(self, what: str, raw: Any, identifier: str, *parts: str, person: str = "") -> str:
        """Return an item's key: by its id when it has one, else by its content.

        Without a number an id is not known to be unique, so account and person join it.
        """
        if not identifier:
            return update_keys.of_content(what, self.number_id, self.account_id, raw)
        if self.number_id:
            return update_keys.of_id(what, self.number_id, identifier, *parts)
        return update_keys.of_id(what, "", self.account_id, identifier, *parts, person)

    def update(
        self,
        raw: Any,
        *,
        kind: Kind,
        key: str,
        data: dict[str, Any],
        subject: str = "",
        who: Sender | None = None,
    ) -> Update:
        """Return the Update that `raw` is, here."""
        person = who.key if who else ""
        return Update(
            kind=kind,
            key=key,
            number_id=self.number_id,
            account_id=self.account_id,
            subject=untrusted.cap(subject, update_keys.MAX_SUBJECT),
            conversation_key=untrusted.cap(person, update_keys.MAX_CONVERSATION_KEY),
            at=untrusted.time_of(raw, "timestamp") or self.at,
            data=data,
            raw=raw,
        )

    def unsupported(
        self, raw: Any, event: str = "", *, seen: dict[str, Any] | None = None
    ) -> Update:
        """Return an Update that keeps what nobody understands, and what was `seen` in it."""
        is_own = untrusted.text_of(raw, "id", "timestamp")
        return self.update(
            raw,
            kind=Kind.UNSUPPORTED,
            key=self.key("unsupported", [self.field, "" if is_own else self.told_at, raw], ""),
            data={"field": self.field, "event": event, "seen": seen or {}},
            subject=untrusted.text_of(raw, "id"),
        )


def errors_of(holder: Any) -> list[dict[str, Any]]:
    """Return the `errors` of an item as [{code, title, details}]; code is a number or None."""
    found = []
    for error in untrusted.dicts_of(holder, "errors")[:_MAX_ERRORS]:
        details = untrusted.text_of(untrusted.dict_of(error, "error_data"), "details")
        found.append(
            {
                "code": cloud_errors.number(error.get("code")),
                "title": untrusted.text_of(error, "title", "message")[:500],
                "details": (details or untrusted.text_of(error, "details", "message"))[:2_000],
            }
        )
    return found


_MAX_ERRORS = 20
