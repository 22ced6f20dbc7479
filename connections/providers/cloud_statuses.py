"""Statuses of a Cloud API webhook -> Updates: what became of something we sent."""

from typing import Any

from connections.events import Kind, StatusWord, Update
from connections.providers import cloud_news, cloud_people, untrusted
from connections.providers.cloud_place import Place, errors_of

_MAX_WORD = 60

# A voice note that was played was read. Words that are not here are handed on as they came.
_STATUS_WORDS = {
    "sent": StatusWord.SENT,
    "delivered": StatusWord.DELIVERED,
    "read": StatusWord.READ,
    "played": StatusWord.READ,
    "failed": StatusWord.FAILED,
}


def status(place: Place, item: dict[str, Any]) -> Update:
    """Translate one of `statuses`: what became of something we sent."""
    if place.field == "calls" or untrusted.text_of(item, "type") == "call":
        return cloud_news.call(place, item)
    vendor_word = untrusted.text_of(item, "status").strip().lower()[:_MAX_WORD]
    word: str = _STATUS_WORDS.get(vendor_word, vendor_word)
    identifier = untrusted.text_of(item, "id")
    opaque = untrusted.text_of(item, "biz_opaque_callback_data")
    if not (word and (identifier or opaque)):
        return place.unsupported(item, "status.unclear")
    told = cloud_people.person(
        untrusted.text_of(item, "recipient_id"),
        user_id=untrusted.text_of(item, "recipient_user_id"),
        parent_user_id=untrusted.text_of(item, "recipient_parent_user_id"),
    )
    is_group = untrusted.text_of(item, "recipient_type") == "group"
    # In a group the contact beside the status is a reader, not whom it went to.
    who = told if is_group else cloud_people.complete(told, place.profiles, alone=place.is_alone)
    reader = untrusted.text_of(item, "recipient_participant_user_id", "recipient_participant_id")
    errors = errors_of(item)
    parts = [vendor_word]
    if word == StatusWord.FAILED:
        parts.append(str(errors[0]["code"]) if errors and errors[0]["code"] is not None else "")
    if reader:
        parts.append(reader)
    data = {
        "status": str(word),
        "word": vendor_word,
        "recipient": cloud_people.as_data(who),
        "opaque": opaque[:512],
        "errors": errors,
        "pricing": untrusted.dict_of(item, "pricing"),
    }
    return place.update(
        item,
        kind=Kind.STATUS,
        key=place.key("status", item, identifier, *parts, person=told.key),
        data=data,
        subject=identifier,
        who=who,
    )
