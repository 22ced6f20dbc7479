"""News of a Cloud API webhook that is neither a message nor a status -> one Update each.

Calls, marketing preferences, and what Meta tells about the account: quality, review,
templates, restrictions, the phone app's history and address book.
"""

import json
from dataclasses import replace
from typing import Any

from connections.events import Kind, Sender, Update
from connections.providers import cloud_effects, cloud_people, untrusted, update_keys
from connections.providers.cloud_place import Place, errors_of

_MAX_WORD = 60
_MAX_SUMMARY = 300
_MAX_DETAIL = 2_000  # characters of JSON; what is longer is in `raw`


def call(place: Place, item: dict[str, Any]) -> Update:
    """Translate a voice call event, or the status of a call."""
    event = untrusted.text_of(item, "event", "status").lower()[:_MAX_WORD]
    direction = untrusted.text_of(item, "direction").lower()[:_MAX_WORD]
    sides = (
        cloud_people.person(
            untrusted.text_of(item, name), user_id=untrusted.text_of(item, user_id_name)
        )
        for name, user_id_name in _CALL_SIDES.get(direction, _INCOMING)
    )
    told = next((side for side in sides if side.key and side.phone != place.our_phone), Sender())
    who = cloud_people.complete(told, place.profiles, alone=place.is_alone)
    identifier = untrusted.text_of(item, "id")
    if not (identifier or event):
        return place.unsupported(item)
    return place.update(
        item,
        kind=Kind.CALL,
        key=place.key("call", item, identifier, event, person=told.key),
        data={
            "field": place.field or "calls",
            "event": event,
            "text": f"{direction.replace('_', ' ') or 'a'} call: {event}",
            "sender": cloud_people.as_data(who),
            "direction": direction,
            "status": untrusted.text_of(item, "status").lower()[:_MAX_WORD],
            "duration_seconds": untrusted.number_of(item, "duration"),
            "opaque": untrusted.text_of(item, "biz_opaque_callback_data")[:512],
            "errors": errors_of(item),
        },
        subject=identifier,
        who=who,
    )


# Where the customer stands in a call, most likely first: (id, user id).
_RECIPIENT = ("recipient_id", "recipient_user_id")
_FROM, _TO = ("from", "from_user_id"), ("to", "to_user_id")
_INCOMING = (_FROM, _TO, _RECIPIENT)
_CALL_SIDES = {"business_initiated": (_TO, _FROM, _RECIPIENT), "user_initiated": _INCOMING}


def preference(place: Place, item: dict[str, Any]) -> Update:
    """Translate one of `user_preferences`: marketing messages stopped or resumed."""
    who = cloud_people.person(
        untrusted.text_of(item, "wa_id", "from"), user_id=untrusted.text_of(item, "user_id")
    )
    who = cloud_people.complete(who, place.profiles, alone=place.is_alone)
    if not who.key:
        return place.unsupported(item, "preference.without_sender")
    return place.update(
        item,
        kind=Kind.PREFERENCE,
        key=place.key("preference", item, ""),
        data={
            "sender": cloud_people.as_data(who),
            "category": untrusted.text_of(item, "category").lower()[:_MAX_WORD],
            "value": untrusted.text_of(item, "value").lower()[:_MAX_WORD],
        },
        who=who,
    )


# What an account field calls its news, most telling first.
_EVENT_NAMES = (
    "event",
    "decision",
    "new_quality_score",
    "new_category",
    "alert_type",
    "action",
    "status",
    "type",
)


def account(place: Place, item: dict[str, Any], event: str = "") -> Update:
    """Translate news about the account: quality, review, templates, restrictions, sync."""
    named = event or untrusted.text_of(item, *_EVENT_NAMES)
    return place.update(
        item,
        kind=Kind.ACCOUNT,
        key=place.key("account", [place.field, place.told_at, item], ""),
        data={
            "field": place.field,
            "event": named[:_MAX_WORD],
            "errors": errors_of(item),
            "text": _summary(item),
            "effect": cloud_effects.of(item) if place.field == "account_update" else "",
            "details": {
                name: value for name, value in item.items() if len(json.dumps(value)) <= _MAX_DETAIL
            },
        },
    )


def _summary(item: dict[str, Any]) -> str:
    """Say in one line what the news holds, for the number's log."""
    return ", ".join(
        f"{name.replace('_', ' ')}: {value}"
        for name, value in item.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    )[:_MAX_SUMMARY]


def account_errors(place: Place, item: dict[str, Any]) -> Update:
    """Translate `value.errors`: something is wrong with the number or the account.

    `item` is {errors, about}: the id of the one message beside them, if there is one.
    """
    told = account(place, item, "errors")
    titles = [error["title"] for error in told.data["errors"]]
    told.data["text"] = ", ".join(titles)[:_MAX_SUMMARY]
    return replace(told, subject=untrusted.cap(item["about"], update_keys.MAX_SUBJECT))


def history(place: Place, item: dict[str, Any]) -> Update:
    """Translate one chunk of the phone app's history: counted and kept, not answered."""
    chunk = untrusted.dict_of(item, "metadata")
    threads = untrusted.dicts_of(item, "threads")
    counts = {
        **{name: untrusted.number_of(chunk, name) for name in ("phase", "chunk_order", "progress")},
        "threads_count": len(threads),
        "messages_count": sum(len(untrusted.list_of(thread, "messages")) for thread in threads),
    }
    kept = account(place, item, "history")
    return replace(kept, data={**kept.data, "details": counts})


def contact_sync(place: Place, item: dict[str, Any]) -> Update:
    """Translate one line of the phone app's address book."""
    kind = untrusted.text_of(item, "type") or "entry"
    return account(place, item, f"{kind}.{untrusted.text_of(item, 'action')}")
