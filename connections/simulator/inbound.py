"""What customers write: kept, put into the vendor's form, and on its way to the business."""

import time
from collections.abc import Callable, Mapping, Sequence

from connections.simulator import errors, payloads, records, samples, stage
from connections.simulator.faults import UnableToRead
from connections.simulator.media import File
from connections.simulator.records import Customer, Json, Message, Number

MAX_MESSAGES = 1_000


def receive(
    number: Number, items: Sequence[Mapping[str, object]], *, batch: bool = False
) -> list[Message]:
    """Take customers' messages in their order and queue their webhooks.

    Each item has `from` (number or user id), and `text`, or `type` with that type's fields.
    With `batch` all of them travel in one webhook. Raises UnableToRead, and then none is taken.
    """
    if len(items) > MAX_MESSAGES:
        raise UnableToRead(f"At most {MAX_MESSAGES} messages at a time.")
    read = [_read(number, item) for item in items]
    received = [(_add(number, message), customer) for message, customer in read]
    # A blocked customer's message stays on the customer's phone.
    heard = [(m, c) for m, c in received if c.key not in number.blocked]
    if batch and heard:
        _queue(number, heard, lane="")
    elif heard:
        for message, customer in heard:
            _queue(number, [(message, customer)], lane=customer.key)
    return [message for message, _ in received]


def deliver_again(message: Message) -> None:
    """Queue the webhook of a message that was kept but perhaps never taken."""
    number, customer = (
        stage.world.number(message.phone_number_id),
        stage.world.customer(message.customer),
    )
    if number and customer:
        _queue(number, [(message, customer)], lane=customer.key)


def echo(number: Number, *, customer: Customer, text: str) -> Message:
    """The business answers on its own phone: the chat shows it and the app hears of it."""
    message = _add(
        number,
        Message(
            id=records.new_wamid(customer.wa_id),
            phone_number_id=number.phone_number_id,
            customer=customer.key,
            direction="echo",
            type="text",
            content={"text": {"body": text}},
            text=text,
            at=time.time(),
            status="delivered",
        ),
    )
    stage.deliveries.put(
        phone_number_id=number.phone_number_id,
        change=payloads.echo(number, message=message, customer=customer),
        kind="echo",
        ids=(message.id,),
        lane=customer.key,
    )
    return message


def _add(number: Number, message: Message) -> Message:
    # The same id again is the same message: it is told again, not shown twice.
    known = stage.world.message(number.phone_number_id, message.id)
    return known or stage.world.add(message)


def _queue(number: Number, received: Sequence[tuple[Message, Customer]], *, lane: str) -> None:
    stage.deliveries.put(
        phone_number_id=number.phone_number_id,
        change=payloads.inbound(number, received=received),
        kind="message",
        ids=tuple(m.id for m, _ in received),
        lane=lane,
    )


def _read(number: Number, item: Mapping[str, object]) -> tuple[Message, Customer]:
    sender = str(item.get("from") or "")
    if not records.USER_ID.match(sender) and not 7 <= len(records.digits(sender)) <= 15:
        raise UnableToRead("from is a phone number, or a user id such as NG.13491208655302741918.")
    kind = str(item.get("type") or ("text" if item.get("text") is not None else ""))
    if not kind:
        raise UnableToRead("A message has a text, or a type with that type's fields.")
    shape = _SHAPES.get(kind, _anything)
    kind, content, text = shape(number, kind, item)
    customer = stage.world.meet(
        sender, name=str(item.get("name") or ""), username=str(item.get("username") or "")
    )
    at = item.get("timestamp")
    message = Message(
        id=str(item.get("id") or records.new_wamid(customer.wa_id)),
        phone_number_id=number.phone_number_id,
        customer=customer.key,
        direction="in",
        type=kind,
        content=content,
        text=text,
        at=float(at) if isinstance(at, int | float) and at else time.time(),
        status="sent",
        context=str(item.get("context") or ""),
    )
    return message, customer


# --- One function for each type: (number, type, item) -> type, content, readable text ----------
_Shape = tuple[str, Json, str]


def _text(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    text = item.get("text")
    if isinstance(text, dict):
        text = text.get("body")
    if not isinstance(text, str) or not text:
        raise UnableToRead("text is a string that is not empty.")
    return "text", {"text": {"body": text}}, text


def _reply(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    """A tap on a button or on a row of a list."""
    content = item.get("interactive")
    if not isinstance(content, dict):
        is_row = kind == "list_reply"
        title = str(item.get("title") or "")
        reply: Json = {"id": str(item.get("reply_id") or ""), "title": title}
        if is_row and item.get("description"):
            reply["description"] = str(item["description"])
        name = "list_reply" if is_row else "button_reply"
        content = {"type": name, name: reply}
    answer = content.get(str(content.get("type")))
    title = str(answer.get("title", "")) if isinstance(answer, dict) else ""
    return "interactive", {"interactive": content}, title or "[interactive]"


def _template_button(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    content = item.get("button")
    if not isinstance(content, dict):
        title = str(item.get("title") or "OK")
        content = {"payload": str(item.get("payload") or title), "text": title}
    return "button", {"button": content}, str(content.get("text", ""))


def _reaction(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    content = item.get("reaction")
    if not isinstance(content, dict):
        content = {"message_id": str(item.get("message_id") or "")}
        if item.get("emoji"):  # no emoji takes the reaction back
            content["emoji"] = str(item["emoji"])
    return "reaction", {"reaction": content}, str(content.get("emoji", ""))


def _media(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    given = item.get(kind if kind != "voice" else "audio")
    name = "audio" if kind == "voice" else kind
    if isinstance(given, dict):
        content: Json = dict(given)
    else:
        content = _sample(number, name).in_webhook()
        if name == "audio":
            content["voice"] = True
        if name == "document":
            content["filename"] = "receipt.pdf"
        if name == "sticker":
            content["animated"] = False
        if item.get("caption"):
            content["caption"] = str(item["caption"])
    return (
        name,
        {name: content},
        str(content.get("caption") or content.get("filename") or f"[{name}]"),
    )


def _sample(number: Number, name: str) -> File:
    make: Callable[[], bytes]
    make, mime_type = {
        "image": (samples.photo, "image/png"),
        "audio": (samples.voice, "audio/ogg; codecs=opus"),
        "document": (samples.document, "application/pdf"),
        "sticker": (samples.sticker, "image/webp"),
        "video": (samples.photo, "video/mp4"),
    }[name]
    return stage.media.put(
        make(), mime_type=mime_type, phone_number_id=number.phone_number_id, days=7
    )


def _location(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    content = item.get("location")
    if not isinstance(content, dict):
        content = {
            "latitude": 6.4541,
            "longitude": 3.3947,
            "name": "Balogun Market",
            "address": "Lagos Island, Lagos",
        }
    return "location", {"location": content}, str(content.get("name") or "[location]")


def _contacts(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    content = item.get("contacts")
    if not isinstance(content, list):
        name = {"first_name": "Ngozi", "last_name": "Umeh", "formatted_name": "Ngozi Umeh"}
        phone = {"phone": "+234 803 555 0166", "wa_id": "2348035550166", "type": "CELL"}
        content = [{"name": name, "phones": [phone]}]
    names = [_formatted_name(contact) for contact in content]
    return "contacts", {"contacts": content}, ", ".join(filter(None, names)) or "[contact card]"


def _formatted_name(contact: object) -> str:
    name = contact.get("name") if isinstance(contact, dict) else None
    return str(name.get("formatted_name") or "") if isinstance(name, dict) else ""


def _unsupported(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    error = errors.in_webhook(131051)
    del error["href"]
    error["title"] = error["message"] = "Message type unknown"
    return "unsupported", {"errors": [error], "unsupported": {"type": "poll"}}, "A poll"


def _anything(number: Number, kind: str, item: Mapping[str, object]) -> _Shape:
    """Any other type travels as it is given: order, system, edit, revoke, …"""
    content: Json = {kind: item[kind]} if kind in item else {}
    return kind, content, f"[{kind}]"


_SHAPES: dict[str, Callable[[Number, str, Mapping[str, object]], _Shape]] = {
    "text": _text,
    "interactive": _reply,
    "button_reply": _reply,
    "list_reply": _reply,
    "button": _template_button,
    "reaction": _reaction,
    "image": _media,
    "audio": _media,
    "voice": _media,
    "video": _media,
    "document": _media,
    "sticker": _media,
    "location": _location,
    "contacts": _contacts,
    "unsupported": _unsupported,
}
