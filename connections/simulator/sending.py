"""What happens to a send after it was found valid: accepted, then sent, delivered, read."""

import time

from connections.simulator import errors, payloads, records, stage, templates, validation
from connections.simulator.errors import GraphError
from connections.simulator.records import Json, Message, Number

SENT_AFTER, DELIVERED_AFTER, READ_AFTER = 0.04, 0.12, 0.4
FREE_REPLIES_A_MONTH = 1_000
WINDOW_HOURS = 24.0


def accept(number: Number, send: validation.Send) -> Message:
    """Accept a send and plan its statuses.

    Raises GraphError when the customer is blocked, or when the 24-hour window is closed and
    kept by the API.
    """
    now = time.time()
    customer = stage.world.meet(send.key)
    if customer.key in number.blocked:
        raise GraphError(131026, "The customer has been blocked by this number.")
    chat = (number.phone_number_id, customer.key)
    window = stage.faults.window(number.phone_number_id)
    is_closed = (
        window != "off" and send.type not in ("template", "reaction") and _is_closed(chat, now)
    )
    if is_closed and window == "api":
        raise GraphError(131047)
    message = stage.world.add(
        Message(
            id=records.new_wamid(customer.wa_id),
            phone_number_id=number.phone_number_id,
            customer=customer.key,
            direction="out",
            type=send.type,
            content=send.content,
            text=send.text,
            at=now,
            status="accepted",
            opaque=send.opaque,
            context=send.context,
            pricing=_pricing(number, send, now),
            addressed=send.addressed,
        )
    )
    trouble = stage.faults.take(number.phone_number_id, "fail")
    if is_closed:
        fail(message, 131047)
    elif trouble:
        fail(message, trouble.code, details=trouble.details)
    elif send.type == "reaction" and not _has_target(send, number):
        fail(message, 131009, details="The message to react to does not exist.")
    else:
        progress(message)
    return message


def answer(message: Message, send: validation.Send) -> Json:
    """Return the answer to an accepted send."""
    contact: Json = {"input": send.addressed}
    contact["user_id" if send.by_user_id else "wa_id"] = send.key
    accepted: Json = {"id": message.id}
    if send.type == "template":
        accepted["message_status"] = "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]}


def progress(message: Message) -> None:
    """Plan sent and delivered, and read where customers read at once."""
    stage.clock.after(SENT_AFTER, lambda: report(message, "sent"))
    stage.clock.after(DELIVERED_AFTER, lambda: report(message, "delivered"))
    if stage.faults.flag(message.phone_number_id, "auto_read"):
        stage.clock.after(READ_AFTER, lambda: report(message, "read"))


def fail(message: Message, code: int, *, details: str = "") -> None:
    """Plan the failure of an accepted message."""
    error = errors.in_webhook(code, details)
    stage.clock.after(DELIVERED_AFTER, lambda: report(message, "failed", error=error))


def report(message: Message, status: str, *, error: Json | None = None) -> None:
    """Move a message forward and tell the business, unless that report is to be lost."""
    owner = message.phone_number_id
    number, customer = stage.world.number(owner), stage.world.customer(message.customer)
    if number is None or customer is None or not stage.world.advance(message, status, error=error):
        return
    if stage.faults.drops(owner, status):
        return
    # Prices come with `sent` and with one of `delivered` and `read`.
    with_pricing = status in ("sent", "delivered") or (
        status == "read" and stage.faults.drops(owner, "delivered")
    )
    change = payloads.status(
        number,
        message=message,
        customer=customer,
        name=status,
        at=time.time(),
        with_pricing=with_pricing,
        error=error,
    )
    stage.deliveries.put(
        phone_number_id=owner,
        change=change,
        kind="status",
        ids=(message.id,),
        lane=f"status|{message.customer}",
    )


def read_all(number: Number, customer_key: str) -> int:
    """The customer looks at the chat: report every delivered message as read."""
    seen = [
        m
        for m in stage.world.conversation((number.phone_number_id, customer_key))
        if m.direction == "out" and m.status == "delivered"
    ]
    for message in seen:
        report(message, "read")
    return len(seen)


def mark_read(number: Number, message_id: str, *, with_typing: bool) -> None:
    """The business has seen a message and those before it; it may show that it is writing.

    Raises GraphError for an id that cannot be a message's.
    """
    if not message_id.startswith("wamid."):
        raise GraphError(131009, "The message id is not valid.")
    message = stage.world.message(number.phone_number_id, message_id)
    if message is None:
        return  # long forgotten here; the vendor would still know it
    for earlier in stage.world.conversation(message.chat):
        if earlier.direction == "in" and earlier.sequence <= message.sequence:
            stage.world.advance(earlier, "read")
    if with_typing:
        stage.world.show_typing(message.chat)


def _is_closed(chat: tuple[str, str], now: float) -> bool:
    hours = stage.faults.number(chat[0], "window_hours", WINDOW_HOURS)
    return now - stage.world.chat(chat).last_inbound_at >= hours * 3600


def _has_target(send: validation.Send, number: Number) -> bool:
    content = send.content["reaction"]
    target = content.get("message_id") if isinstance(content, dict) else None
    return stage.world.message(number.phone_number_id, str(target)) is not None


def _pricing(number: Number, send: validation.Send, now: float) -> Json:
    category, kind = "service", "regular"
    if send.type == "template":
        content = send.content["template"]
        category = templates.category(content if isinstance(content, dict) else {}, number=number)
    else:
        month = time.strftime("%Y-%m", time.gmtime(now))
        if stage.world.count_free(number.phone_number_id, month) < FREE_REPLIES_A_MONTH:
            kind = "free_customer_service"
    return {
        "billable": kind == "regular",
        "pricing_model": "PMP",
        "type": kind,
        "category": category,
    }
