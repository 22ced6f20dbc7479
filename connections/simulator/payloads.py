"""Webhook bodies in the vendor's form, down to the escaping of slashes and letters."""

import json
import time
from collections.abc import Iterable, Sequence

from connections.simulator.records import Customer, Json, Message, Number

Change = tuple[str, Json]  # field and value


def contact(customer: Customer) -> Json:
    """Return the `contacts[]` item; a customer who hides the number has only a user id."""
    profile: Json = {"name": customer.name}
    if customer.username:
        profile["username"] = customer.username
    shown: Json = {"profile": profile}
    if customer.wa_id:
        shown["wa_id"] = customer.wa_id
    shown["user_id"] = customer.user_id
    return shown


def _value(number: Number, **parts: object) -> Json:
    return {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.digits,
            "phone_number_id": number.phone_number_id,
        },
        **parts,
    }


def inbound(number: Number, *, received: Sequence[tuple[Message, Customer]]) -> Change:
    """Return the change that carries customers' messages, one or up to a thousand."""
    contacts = {
        customer.key: contact(customer)
        for message, customer in received
        if message.type != "system"
    }
    parts: Json = {"contacts": list(contacts.values())} if contacts else {}
    parts["messages"] = [message_item(m, c, number) for m, c in received]
    return "messages", _value(number, **parts)


def message_item(message: Message, customer: Customer, number: Number) -> Json:
    """Return one `messages[]` item."""
    item: Json = {}
    if message.context:
        item["context"] = {"from": number.digits, "id": message.context}
    if customer.wa_id:
        item["from"] = customer.wa_id
    item["from_user_id"] = customer.user_id
    item |= {"id": message.id, "timestamp": str(int(message.at)), "type": message.type}
    return item | message.content


def echo(number: Number, *, message: Message, customer: Customer) -> Change:
    """Return the change for a message that the business typed on its own phone."""
    item: Json = {"from": number.digits}
    if customer.wa_id:
        item["to"] = customer.wa_id
    item |= {"to_user_id": customer.user_id, "id": message.id, "timestamp": str(int(message.at))}
    item |= {"type": message.type} | message.content
    return "smb_message_echoes", _value(number, contacts=[contact(customer)], message_echoes=[item])


def status(
    number: Number,
    *,
    message: Message,
    customer: Customer,
    name: str,
    at: float,
    with_pricing: bool,
    error: Json | None = None,
) -> Change:
    """Return the change that reports how far a message of the business came."""
    item: Json = {"id": message.id, "status": name, "timestamp": str(int(at))}
    if customer.wa_id:
        item["recipient_id"] = customer.wa_id
    item["recipient_user_id"] = customer.user_id
    if message.opaque:
        item["biz_opaque_callback_data"] = message.opaque
    if with_pricing and message.pricing:
        item["pricing"] = message.pricing
    if error:
        item["errors"] = [error]
    return "messages", _value(number, contacts=[contact(customer)], statuses=[item])


def envelope(changes: Iterable[tuple[str, Change]]) -> bytes:
    """Return the body of one webhook: changes with the business account each belongs to."""
    entries: dict[str, list[Json]] = {}
    for waba_id, (field, value) in changes:
        entries.setdefault(waba_id, []).append({"value": value, "field": field})
    body = {
        "object": "whatsapp_business_account",
        "entry": [
            {"id": waba_id, "time": int(time.time()), "changes": parts}
            for waba_id, parts in entries.items()
        ],
    }
    # The vendor escapes letters beyond ASCII and slashes: a receiver that signs its own
    # re-serialised copy instead of the bytes shall fail here too.
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()
