"""Messages of a Cloud API webhook -> Updates: a customer's, the phone app's, and the system's.

Each function takes a cleaned item, always an object, and where it was found.
"""

from dataclasses import replace
from typing import Any

from connections.events import Kind, Sender, Update
from connections.providers import cloud_content, cloud_people, untrusted, update_keys
from connections.providers.cloud_place import Place, errors_of

_MAX_WORD = 60


def message(place: Place, item: dict[str, Any]) -> Update:
    """Translate one of `messages`: a customer's message, or a system message about one."""
    if cloud_content.type_of(item) == "system":
        return _system(place, item)
    who = cloud_people.person(
        untrusted.text_of(item, "from"),
        user_id=untrusted.text_of(item, "from_user_id"),
        parent_user_id=untrusted.text_of(item, "from_parent_user_id"),
    )
    return _said(place, item, Kind.MESSAGE, "msg", who)


def echo(place: Place, item: dict[str, Any]) -> Update:
    """Translate one of `message_echoes`: the business wrote from its phone app."""
    customer = cloud_people.person(
        untrusted.text_of(item, "to"),
        user_id=untrusted.text_of(item, "to_user_id"),
        parent_user_id=untrusted.text_of(item, "to_parent_user_id"),
    )
    if customer.phone and customer.phone == place.our_phone:
        # Seen in the wild: the two sides the wrong way round. Never a chat with ourselves.
        customer = cloud_people.person(untrusted.text_of(item, "from"))
    return _said(place, item, Kind.ECHO, "echo", customer)


def standby(place: Place, item: dict[str, Any]) -> Update:
    """Translate a message that another agent of Meta's answers: kept for reading only."""
    seen = message(place, item)
    return replace(
        seen,
        kind=Kind.UNSUPPORTED,
        key=update_keys.of_id("standby", seen.key),  # it may still come to us as a message
        data={"field": place.field, "event": "standby", "seen": seen.data},
    )


def _said(place: Place, item: dict[str, Any], kind: Kind, what: str, told: Sender) -> Update:
    who = cloud_people.complete(told, place.profiles, alone=place.is_alone)
    word = cloud_content.type_of(item)
    said = cloud_content.read(item)
    identifier = untrusted.text_of(item, "id")
    # An edit under its original's id would be taken for a second delivery of it.
    if said.content.get("original_id") == identifier:
        identifier = ""
    data = {
        "type": word,
        "text": said.text,
        "sender": cloud_people.as_data(who),
        "content": said.content,
        "reply_to": untrusted.text_of(untrusted.dict_of(item, "context"), "id")[
            : update_keys.MAX_SUBJECT
        ],
        "referral": untrusted.dict_of(item, "referral"),
        "errors": errors_of(item),
    }
    if not who.key:
        return place.unsupported(item, f"{kind}.without_sender", seen=data)
    return place.update(
        item,
        kind=kind,
        # The contacts block may differ between deliveries; only what the item says counts.
        key=place.key(what, item, identifier, person=told.key),
        data=data,
        subject=identifier,
        who=who,
    )


def _system(place: Place, item: dict[str, Any]) -> Update:
    system = untrusted.dict_of(item, "system")
    previous = cloud_people.person(
        untrusted.text_of(item, "from") or untrusted.text_of(system, "customer"),
        user_id=untrusted.text_of(system, "previous_user_id"),
        parent_user_id=untrusted.text_of(system, "previous_parent_user_id"),
    )
    current = cloud_people.person(
        untrusted.text_of(system, "wa_id", "new_wa_id"),
        user_id=untrusted.text_of(system, "user_id") or untrusted.text_of(item, "from_user_id"),
        parent_user_id=untrusted.text_of(system, "parent_user_id"),
    )
    if not current.key:  # something else than their ids has changed
        current, previous = previous, Sender()
    current = cloud_people.complete(current, place.profiles, alone=False)
    if not current.key:
        return place.unsupported(item, "system.without_sender")
    identifier = untrusted.text_of(item, "id")
    return place.update(
        item,
        kind=Kind.SYSTEM,
        key=place.key("system", item, identifier, person=previous.key or current.key),
        data={
            "event": untrusted.text_of(system, "type")[:_MAX_WORD],
            "sender": cloud_people.as_data(current),
            "previous": cloud_people.as_data(previous),
            "text": untrusted.text_of(system, "body")[: cloud_content.MAX_TEXT],
        },
        subject=identifier,
        who=current,
    )
