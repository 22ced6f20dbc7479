"""What a Cloud API message says: one reader per message type, looked up in a table.

A type that nobody documented is read by the same rules as far as they carry: its text or
caption is kept, the rest stays in `raw`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connections.providers import untrusted
from connections.providers.base import UnableToRead

MAX_TEXT = 65_536
_MAX_FIELD = 4_096
_MAX_TYPE = 40
_MAX_ITEMS = 100


@dataclass(frozen=True)
class Content:
    """The text of a message and what else it holds."""

    text: str = ""
    content: dict[str, Any] = field(default_factory=dict)


def type_of(message: dict[str, Any]) -> str:
    """Return the message's type word; guessed from its blocks when it names none."""
    word = untrusted.text_of(message, "type").strip().lower()[:_MAX_TYPE]
    if not word:
        word = next((name for name in _READERS if message.get(name)), "unknown")
    return _SYNONYMS.get(word, word)


def read(message: dict[str, Any]) -> Content:
    """Return what the message says."""
    word = type_of(message)
    found = _READERS.get(word, _other)(message)
    context = untrusted.dict_of(message, "context")
    content = {**found.content, "forwarded": _is_forwarded(context)}
    if product := untrusted.dict_of(context, "referred_product"):
        content["referred_product"] = _fields(product, "catalog_id", "product_retailer_id")
    if group_id := untrusted.text_of(message, "group_id"):
        content["group_id"] = group_id[:_MAX_FIELD]
    return Content(text=found.text[:MAX_TEXT], content=content)


def _is_forwarded(context: dict[str, Any]) -> bool:
    return any(untrusted.flag_of(context, name) for name in ("forwarded", "frequently_forwarded"))


def _field(holder: Any, *names: str) -> str:
    return untrusted.text_of(holder, *names)[:_MAX_FIELD]


def _fields(holder: Any, *names: str) -> dict[str, Any]:
    return {name: _field(holder, name) for name in names}


# --- One reader per type -------------------------------------------------------------------


def _text(message: dict[str, Any]) -> Content:
    # A plain string where the object belongs: some relays flatten it.
    return Content(
        untrusted.text_of(untrusted.dict_of(message, "text"), "body")
        or untrusted.text_of(message, "text")
    )


def _media(message: dict[str, Any]) -> Content:
    name = untrusted.text_of(message, "type").strip().lower()
    media = untrusted.dict_of(message, name) or untrusted.dict_of(message, type_of(message))
    return Content(
        untrusted.text_of(media, "caption"),
        {
            "media_id": _field(media, "id"),
            **_fields(media, "mime_type", "sha256", "filename"),
            "voice": untrusted.flag_of(media, "voice") or name == "voice",
        },
    )


def _location(message: dict[str, Any]) -> Content:
    place = untrusted.dict_of(message, "location")
    return Content(
        "",
        {
            "latitude": untrusted.number_of(place, "latitude"),
            "longitude": untrusted.number_of(place, "longitude"),
            **_fields(place, "name", "address", "url"),
        },
    )


def _contacts(message: dict[str, Any]) -> Content:
    cards = []
    for card in untrusted.dicts_of(message, "contacts")[:_MAX_ITEMS]:
        numbers = untrusted.dicts_of(card, "phones")[:_MAX_ITEMS]
        cards.append(
            {
                "name": _field(untrusted.dict_of(card, "name"), "formatted_name", "first_name"),
                "phones": [_field(number, "phone", "wa_id") for number in numbers],
            }
        )
    return Content("", {"contacts": cards})


def _interactive(message: dict[str, Any]) -> Content:
    interactive = untrusted.dict_of(message, "interactive")
    word = _field(interactive, "type")[:_MAX_TYPE]
    word = word or next((name for name in _REPLIES if name in interactive), "")
    reply = untrusted.dict_of(interactive, word)
    extra = _INTERACTIVE.get(word, _no_extra)(reply)
    title = _field(reply, "title", "body")
    return Content(
        title,
        {
            "interactive": word,
            "reply_id": _field(reply, "id"),
            "title": title,
            "description": _field(reply, "description"),
            **extra,
        },
    )


def _no_extra(reply: dict[str, Any]) -> dict[str, Any]:
    return {}


def _flow_answers(reply: dict[str, Any]) -> dict[str, Any]:
    """A form's answers arrive as JSON inside a string, which may be broken or null."""
    written = untrusted.text_of(reply, "response_json")[:MAX_TEXT]
    try:
        answers = untrusted.parse(written.encode()) if written else {}
    except UnableToRead:
        answers = {}
    return {"answers": answers if isinstance(answers, dict) else {}}


def _call_permission(reply: dict[str, Any]) -> dict[str, Any]:
    return {"response": _field(reply, "response")}


def _button(message: dict[str, Any]) -> Content:
    button = untrusted.dict_of(message, "button")
    title = untrusted.text_of(button, "text") or untrusted.text_of(message, "button")
    return Content(title, {"reply_id": _field(button, "payload"), "title": title[:_MAX_FIELD]})


def _reaction(message: dict[str, Any]) -> Content:
    reaction = untrusted.dict_of(message, "reaction")
    emoji = _field(reaction, "emoji")
    return Content(
        "", {"message_id": _field(reaction, "message_id"), "emoji": emoji, "removed": not emoji}
    )


def _order(message: dict[str, Any]) -> Content:
    order = untrusted.dict_of(message, "order")
    items = [
        {
            **_fields(item, "product_retailer_id", "currency"),
            "quantity": untrusted.number_of(item, "quantity"),
            "item_price": untrusted.number_of(item, "item_price"),
        }
        for item in untrusted.dicts_of(order, "product_items")[:_MAX_ITEMS]
    ]
    content = {"catalog_id": _field(order, "catalog_id"), "items": items}
    return Content(untrusted.text_of(order, "text"), content)


def _edit(message: dict[str, Any]) -> Content:
    edit = untrusted.dict_of(message, "edit")
    inner = untrusted.dict_of(edit, "message")
    # An edit inside an edit does not exist; reading one would recurse.
    word = type_of(inner)
    reader = _other if word == "edit" else _READERS.get(word, _other)
    found = reader(inner)
    target = {"original_id": _field(edit, "original_message_id"), "edited_type": word}
    return Content(found.text, {**found.content, **target})


def _revoke(message: dict[str, Any]) -> Content:
    revoke = untrusted.dict_of(message, "revoke")
    return Content("", {"original_id": _field(revoke, "original_message_id")})


def _unsupported(message: dict[str, Any]) -> Content:
    kind = _field(untrusted.dict_of(message, "unsupported"), "type")[:_MAX_TYPE]
    return Content(_text(message).text, {"unsupported_type": kind})


def _other(message: dict[str, Any]) -> Content:
    block = untrusted.dict_of(message, untrusted.text_of(message, "type"))
    return Content(_text(message).text or untrusted.text_of(block, "body", "text", "caption"))


_READERS: dict[str, Callable[[dict[str, Any]], Content]] = {
    "text": _text,
    "image": _media,
    "audio": _media,
    "video": _media,
    "document": _media,
    "sticker": _media,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "edit": _edit,
    "revoke": _revoke,
    "unsupported": _unsupported,
}
_REPLIES = ("button_reply", "list_reply", "nfm_reply", "call_permission_reply")
_INTERACTIVE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "nfm_reply": _flow_answers,
    "call_permission_reply": _call_permission,
}
_SYNONYMS = {"voice": "audio", "ptt": "audio", "contact": "contacts"}
