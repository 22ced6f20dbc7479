"""The body of a send, checked as the Graph API checks it, and read into one Send."""

from collections.abc import Callable
from dataclasses import dataclass

from connections.simulator import interactive, records, templates
from connections.simulator.errors import GraphError
from connections.simulator.records import Json, Number

TYPES = (
    "audio", "contacts", "document", "image", "interactive", "location", "reaction", "sticker",
    "template", "text", "video",
)  # fmt: skip
_CAPTIONED = ("image", "video", "document")


@dataclass(frozen=True)
class Send:
    """A valid send: `addressed` is what the caller wrote, `key` whom it means."""

    addressed: str
    key: str
    by_user_id: bool
    type: str
    content: Json
    text: str
    context: str
    opaque: str


def required(path: str) -> GraphError:
    """Return the error for a missing top-level parameter."""
    return GraphError(100, message=f"(#100) The parameter {path} is required.")


def check(body: Json, *, number: Number, is_media: Callable[[str], bool]) -> Send:
    """Read the body of `POST /{phone_number_id}/messages`. Raises GraphError as the vendor does.

    `is_media` says whether a media id is known.
    """
    product = body.get("messaging_product")
    if product is None:
        raise required("messaging_product")
    if product != "whatsapp":
        raise GraphError(
            100,
            message="(#100) Param messaging_product must be one of {WHATSAPP} - got "
            f'"{product}".',
        )
    addressed, key, by_user_id = _recipient(body, number)
    kind = body.get("type", "text")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        known = ", ".join(name.upper() for name in TYPES)
        raise GraphError(
            100, message=f'(#100) Param type must be one of {{{known}}} - got "{kind}".'
        )
    kind = kind.lower()
    opaque = body.get("biz_opaque_callback_data", "")
    if not isinstance(opaque, str) or len(opaque) > 512:
        raise GraphError(
            100,
            message="(#100) Param biz_opaque_callback_data must be at most 512 characters long.",
        )
    context = body.get("context") or {}
    if not isinstance(context, dict) or not isinstance(context.get("message_id", ""), str):
        raise GraphError(100, message="(#100) Param context['message_id'] must be a string.")
    return Send(
        addressed=addressed,
        key=key,
        by_user_id=by_user_id,
        type=kind,
        content={kind: body.get(kind)},
        text=_content(kind, body.get(kind), number, is_media),
        context=str(context.get("message_id", "")),
        opaque=opaque,
    )


def _recipient(body: Json, number: Number) -> tuple[str, str, bool]:
    to, recipient = body.get("to"), body.get("recipient")
    if to not in (None, ""):  # `to` goes before `recipient` when both are there
        addressed = str(to)
        phone = records.digits(addressed)
        written = addressed.replace(" ", "").strip("+-()")
        if not 7 <= len(phone) <= 15 or any(c.isalpha() for c in written):
            raise GraphError(131009, f"The recipient phone number is not valid: {addressed[:40]}")
        if phone == number.digits:
            raise GraphError(131021)
        return addressed, phone, False
    if recipient in (None, ""):
        raise required("to")
    if not isinstance(recipient, str) or not records.USER_ID.match(recipient):
        raise GraphError(131009, "The recipient is not a valid business-scoped user ID.")
    return recipient, recipient, True


def _content(kind: str, content: object, number: Number, is_media: Callable[[str], bool]) -> str:
    if kind == "text" and not (isinstance(content, dict) and content.get("body")):
        raise required("text['body']")
    if kind == "contacts":
        return _contacts(content)
    if not isinstance(content, dict):
        raise GraphError(131008, f"The parameter {kind} is missing or is not an object.")
    if kind == "text":
        return _text(content)
    if kind == "interactive":
        return interactive.check(content)
    if kind == "template":
        return templates.check(content, number=number)
    if kind == "reaction":
        return _reaction(content)
    if kind == "location":
        return _location(content)
    return _media(kind, content, is_media)


def _text(content: Json) -> str:
    body = content["body"]
    if not isinstance(body, str):
        raise GraphError(100, message="(#100) Param text['body'] must be a string.")
    if len(body) > 4096:
        raise GraphError(
            100, message="(#100) Param text['body'] must be at most 4096 characters long."
        )
    if not body.strip():
        raise GraphError(131009, "Text body must not be blank.")
    return body


def _media(kind: str, content: Json, is_media: Callable[[str], bool]) -> str:
    identifier, link = content.get("id"), content.get("link")
    if not identifier and not link:
        raise GraphError(131008, f"The parameter {kind}['id'] or {kind}['link'] is missing.")
    if identifier and link:
        raise GraphError(131009, f"Only one of {kind}['id'] and {kind}['link'] can be given.")
    if identifier and not is_media(str(identifier)):
        raise GraphError(131009, f"Media ID {str(identifier)[:40]} was not found or has expired.")
    if link and not (isinstance(link, str) and link.startswith(("https://", "http://"))):
        raise GraphError(131009, f"{kind}['link'] is not a valid URL.")
    caption = content.get("caption", "")
    if caption and kind not in _CAPTIONED:
        raise GraphError(131009, f"Messages of type {kind} cannot have a caption.")
    if not isinstance(caption, str) or len(caption) > 1024:
        raise GraphError(
            100, message=f"(#100) Param {kind}['caption'] must be at most 1024 characters long."
        )
    return caption or str(content.get("filename") or f"[{kind}]")


def _location(content: Json) -> str:
    for name, limit in (("latitude", 90), ("longitude", 180)):
        value = content.get(name)
        if value is None:
            raise GraphError(131008, f"The parameter location['{name}'] is missing.")
        try:
            is_there = abs(float(str(value))) <= limit
        except ValueError:
            is_there = False
        if not is_there:
            raise GraphError(131009, f"location['{name}'] is not a valid coordinate.")
    return str(content.get("name") or content.get("address") or "[location]")


def _reaction(content: Json) -> str:
    target, emoji = content.get("message_id"), content.get("emoji")
    if not isinstance(target, str) or not target:
        raise GraphError(131008, "The parameter reaction['message_id'] is missing.")
    if not isinstance(emoji, str):
        raise GraphError(131008, "The parameter reaction['emoji'] is missing.")
    if len(emoji) > 16:
        raise GraphError(131009, "reaction['emoji'] is not a single emoji.")
    return emoji


def _contacts(content: object) -> str:
    if not isinstance(content, list) or not content:
        raise GraphError(131008, "The parameter contacts is missing or is not a list.")
    names = []
    for index, contact in enumerate(content):
        name = contact.get("name") if isinstance(contact, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise GraphError(131008, f"contacts[{index}]['name']['formatted_name'] is missing.")
        names.append(str(name["formatted_name"]))
    return ", ".join(names)
