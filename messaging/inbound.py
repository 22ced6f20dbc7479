"""Take updates out of the inbox and do what they ask: messages, echoes, news about contacts."""

from collections.abc import Callable, Sequence
from datetime import datetime

from connections import account_news
from connections.events import Kind
from connections.models import Connection, InboundEvent
from messaging import contacts, conversations, customers, takeover, trace
from messaging.desk import Desk
from messaging.models import Contact, Conversation, Message
from messaging.update import Update


def handle_all(
    desk: Desk, events: Sequence[InboundEvent], *, is_careful: bool = False
) -> list[int]:
    """Deal with updates of different conversations in the caller's transaction.

    A message that is there already under another key is looked for only if `is_careful` is set:
    that is so rare that else the desk's sheet fails with IntegrityError. Returns the ids of
    those dealt with. One that turns out to be of the same customer as another before it is left
    for the next time, so that their order holds.
    """
    messages = [Update.of(event) for event in events if event.kind == Kind.MESSAGE]
    left = customers.take(desk, messages, is_careful=is_careful)
    for event in events:
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(desk, Update.of(event), desk.now)
    return [event.pk for event in events if event.pk not in left]


def _connection(desk: Desk, update: Update) -> Connection | None:
    return desk.connection(update.event.connection_id)


def _echo(desk: Desk, update: Update, now: datetime) -> None:
    """The business wrote from its phone app: keep it, and let that person have the talk."""
    event = update.event
    connection = _connection(desk, update)
    if connection is None or (
        event.subject and Message.objects.filter(provider_message_id=event.subject).exists()
    ):
        return
    attached = contacts.attach(
        workspace=desk.workspace, sender=contacts.sender_from(update.part("sender")), now=now
    )
    if attached is None:
        return
    kind = update.kind
    if kind in ("edit", "revoke") and customers.amend(update, kind, attached.contact, "out"):
        return
    conversation = conversations.open_one(contact=attached.contact, number=connection.pk, now=now)
    at = conversations.credible(update.at, received_at=event.received_at)
    message = Message.objects.create(
        conversation=conversation,
        direction=Message.Direction.OUT,
        author=Message.Author.PHONE,
        kind=kind,
        text=update.text("text"),
        content=customers.content_of(update),
        provider_message_id=event.subject,
        status=Message.Status.SENT,
        sent_at=at,
        correlation=event.correlation,
        provider_at=at,
        created_at=event.received_at,
    )
    conversations.move_clocks(conversation=conversation, message=message, at=at)
    desk.hold_for_team(conversation)
    takeover.answered(conversation)
    desk.note(
        message,
        [
            trace.acted(
                "person",
                "phone_app",
                "Written on the business's phone; that person has the conversation.",
            )
        ],
        received_at=event.received_at,
    )


def _system(desk: Desk, update: Update, now: datetime) -> None:
    """WhatsApp says that a customer's number or user id changed."""
    current = contacts.sender_from(update.part("sender"))
    previous = contacts.sender_from(update.part("previous"))
    contact = contacts.rename(workspace=desk.workspace, previous=previous, current=current, now=now)
    connection = _connection(desk, update)
    if contact is None or connection is None or update.text("event") == "lid_mapping":
        return  # whose hidden number it is was learnt; nothing has changed for the customer
    conversation = Conversation.objects.filter(
        contact=contact, state=Conversation.State.OPEN
    ).first()
    if conversation is not None:
        at = conversations.credible(update.at, received_at=update.event.received_at)
        message = Message.objects.create(
            conversation=conversation,
            direction=Message.Direction.IN,
            author=Message.Author.SYSTEM,
            kind="system",
            text=update.text("text"),
            content={"event": update.text("event")},
            provider_message_id=update.event.subject,
            status=Message.Status.RECEIVED,
            correlation=update.event.correlation,
            provider_at=at,
            created_at=update.event.received_at,
        )
        desk.note(
            message,
            [
                trace.Verdict(
                    "identity",
                    "note",
                    "identity_changed",
                    "The customer's number or user id changed; the contact stays the same.",
                )
            ],
            received_at=update.event.received_at,
        )


def _preference(desk: Desk, update: Update, now: datetime) -> None:
    """The customer stopped or resumed marketing messages."""
    attached = contacts.attach(
        workspace=desk.workspace, sender=contacts.sender_from(update.part("sender")), now=now
    )
    if attached is not None and update.text("value") in ("stop", "resume"):
        Contact.objects.filter(pk=attached.contact.pk).update(
            is_marketing_opted_out=update.text("value") == "stop"
        )


def _account(desk: Desk, update: Update, now: datetime) -> None:
    """News about the number or its account: into the connection's log."""
    connection = _connection(desk, update)
    if connection is not None:
        account_news.take(connection=connection, data=update.data, now=now)


_HANDLERS: dict[str, Callable[[Desk, Update, datetime], None]] = {
    Kind.ECHO: _echo,
    Kind.SYSTEM: _system,
    Kind.PREFERENCE: _preference,
    Kind.ACCOUNT: _account,
    Kind.CALL: _account,
    Kind.UNSUPPORTED: _account,
}
