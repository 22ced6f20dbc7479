"""Take one update out of the inbox and do what it asks: message, echo, status, account news."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing import metering, meters, plans
from connections import manager
from connections.events import Kind
from connections.models import Connection, InboundEvent
from messaging import (
    commands,
    contacts,
    conversations,
    pipeline,
    replies,
    statuses,
    takeover,
    trace,
    words,
)
from messaging.gates import Turn
from messaging.models import BotSettings, Contact, ContactIdentity, Conversation, Message
from workspaces.models import Workspace


@dataclass
class Desk:
    """What a batch of updates of one workspace shares."""

    workspace: Workspace
    bot: BotSettings
    standing: plans.Standing
    connections: dict[int, Connection]
    workspace_rate: int
    started_at: datetime
    usages: list[metering.Usage] = field(default_factory=list)  # of the whole batch
    used_entries: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Update:
    """An inbox row, read back."""

    event: InboundEvent
    data: dict[str, Any]
    at: datetime | None

    @classmethod
    def of(cls, event: InboundEvent) -> "Update":
        """Read a row; a payload of another shape reads as empty."""
        payload = event.payload if isinstance(event.payload, dict) else {}
        data = payload.get("data")
        stamp = payload.get("at")
        try:
            at = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
        except ValueError:
            at = None
        if at is not None and at.tzinfo is None:
            at = None
        return cls(event, data if isinstance(data, dict) else {}, at)

    def part(self, name: str) -> dict[str, Any]:
        """Return an inner object of the data, or an empty one."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def text(self, name: str) -> str:
        """Return an inner text, or an empty one."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""


def handle(desk: Desk, event: InboundEvent, now: datetime) -> None:
    """Deal with one update in the caller's transaction. Raises statuses.NotYet to wait."""
    update = Update.of(event)
    handler = _HANDLERS.get(event.kind)
    if handler is not None:
        handler(desk, update, now)


def _connection(desk: Desk, update: Update) -> Connection | None:
    return desk.connections.get(update.event.connection_id or 0)


def _message(desk: Desk, update: Update, now: datetime) -> None:
    """A customer wrote."""
    event = update.event
    connection = _connection(desk, update)
    if connection is None:
        return
    attached = contacts.attach(
        workspace=desk.workspace, sender=contacts.sender_from(update.part("sender")), now=now
    )
    if attached is None:
        return
    if event.subject and (
        known := Message.objects.filter(provider_message_id=event.subject).first()
    ):
        again = trace.stopped(
            "received", "duplicate", "WhatsApp delivered this message again; it counts once."
        )
        trace.write(
            message=known, verdicts=[again], received_at=known.created_at, now=now, later=True
        )
        return
    kind = (update.text("type") or "unsupported")[:20]
    if kind in ("edit", "revoke") and _amend(update, kind, attached.contact, "in"):
        return
    conversation = conversations.open_for(
        contact=attached.contact, connection_id=connection.pk, now=now
    )
    conversation.contact = attached.contact
    text = update.text("text")
    digest = conversations.like_digest(text)
    provider_at = conversations.credible(update.at, received_at=event.received_at)
    message = Message.objects.create(
        conversation=conversation,
        direction=Message.Direction.IN,
        author=Message.Author.CONTACT,
        kind=kind,
        text=text,
        content=_content(update),
        text_digest=digest,
        provider_message_id=event.subject,
        reply_to_provider_id=update.text("reply_to")[:200],
        status=Message.Status.RECEIVED,
        correlation=event.correlation,
        provider_at=provider_at,
        created_at=event.received_at,
    )
    # Saved once, after the decision: a reply moves the clocks too.
    conversations.move_clocks(conversation=conversation, message=message, at=provider_at)
    desk.usages.append(
        metering.Usage(
            meters.MESSAGES_RECEIVED, message.pk, event.received_at, connection_id=connection.pk
        )
    )
    desk.workspace_rate += 1
    first = trace.passed("received", "Received for the first time, and kept.")
    if attached.in_conflict:
        first = trace.Verdict(
            "received", "note", "identity_conflict",
            "The phone number and the user id belong to two contacts; both are kept. Please check.",
        )  # fmt: skip
    if commands.confirm(
        workspace=desk.workspace,
        text=text,
        contact_id=attached.contact.pk,
        phone=attached.contact.phone,
        now=now,
    ):
        verdicts = [first, *_confirmed(desk, conversation, message, now)]
    else:
        turn = Turn(
            workspace=desk.workspace,
            bot=desk.bot,
            standing=desk.standing,
            now=now,
            text=text,
            kind=kind,
            content=update.part("content"),
            errors=update.data.get("errors") or [],
            connection=connection,
            conversation=conversation,
            message=message,
            is_commander=bool(commands.recognise(text))
            and commands.is_commander(
                workspace=desk.workspace,
                contact_id=attached.contact.pk,
                identity_values=_values(attached.contact),
            ),
            workspace_rate=desk.workspace_rate,
            text_digest=digest,
            tapped_entry_id=pipeline.choice_of(conversation, text, update.part("content")),
            sender=contacts.sender_from(update.part("sender")),
            is_first=attached.is_new,
            usages=desk.usages,
            used_entries=desk.used_entries,
        )
        _note_consent(attached.contact, text)
        verdicts = [first, *pipeline.decide(turn)]
        desk.bot.refresh_from_db(fields=["is_on"]) if turn.is_commander else None
    conversation.save(update_fields=["last_message_at", "last_inbound_at"])
    trace.write(message=message, verdicts=verdicts, received_at=event.received_at, now=now)


def _note_consent(contact: Contact, text: str) -> None:
    """Keep a STOP or START even where no gate comes to it: a person holds, the bot is off.

    In the row only: what the gates say of this very message is decided by what was before.
    """
    said = words.bare(text)
    if said in words.STOP_WORDS or said in words.START_WORDS:
        Contact.objects.filter(pk=contact.pk).update(is_opted_out=said in words.STOP_WORDS)


def _values(contact: Contact) -> list[str]:
    return list(ContactIdentity.objects.filter(contact=contact).values_list("value", flat=True))


def _confirmed(
    desk: Desk, conversation: Conversation, message: Message, now: datetime
) -> list[trace.Verdict]:
    replies.take_place(workspace=desk.workspace, standing=desk.standing, now=now)
    replies.say(
        workspace=desk.workspace,
        conversation=conversation,
        text=f"Confirmed. {commands.HELP}",
        author=Message.Author.BOT,
        answers=message,
        correlation=message.correlation,
        now=now,
    )
    return [
        trace.acted(
            "command", "number_confirmed", "A team member's number was confirmed by its code."
        )
    ]


def _content(update: Update) -> dict[str, Any]:
    content = dict(update.part("content"))
    for name in ("errors", "referral"):
        if update.data.get(name):
            content[name] = update.data[name]
    return content


def _amend(update: Update, kind: str, contact: Contact, direction: str) -> bool:
    """An own message was edited or deleted: mark the original; the words stay for the team."""
    target = str(update.part("content").get("original_id") or update.text("reply_to") or "")
    changes: dict[str, bool] = {"is_deleted": True} if kind == "revoke" else {"is_edited": True}
    if not target:
        return False
    originals = Message.objects.filter(
        provider_message_id=target, conversation__contact=contact, direction=direction
    )
    return bool(originals.update(**changes))


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
    kind = (update.text("type") or "unsupported")[:20]
    if kind in ("edit", "revoke") and _amend(update, kind, attached.contact, "out"):
        return
    conversation = conversations.open_for(
        contact=attached.contact, connection_id=connection.pk, now=now
    )
    at = conversations.credible(update.at, received_at=event.received_at)
    message = Message.objects.create(
        conversation=conversation,
        direction=Message.Direction.OUT,
        author=Message.Author.PHONE,
        kind=kind,
        text=update.text("text"),
        content=_content(update),
        provider_message_id=event.subject,
        status=Message.Status.SENT,
        sent_at=at,
        correlation=event.correlation,
        provider_at=at,
        created_at=event.received_at,
    )
    conversations.touch(conversation=conversation, message=message, at=at)
    takeover.from_phone_app(conversation=conversation, now=now)
    trace.write(
        message=message,
        verdicts=[
            trace.acted(
                "person",
                "phone_app",
                "Written on the business's phone; that person has the conversation.",
            )
        ],
        received_at=event.received_at,
        now=now,
    )


def _status(desk: Desk, update: Update, now: datetime) -> None:
    statuses.record(
        workspace=desk.workspace,
        connection=_connection(desk, update),
        subject=update.event.subject,
        data=update.data,
        at=update.at,
        received_at=update.event.received_at,
        now=now,
    )


def _receipt(desk: Desk, update: Update, now: datetime) -> None:
    statuses.record_receipt(
        workspace=desk.workspace,
        connection_id=update.event.connection_id,
        data=update.data,
        received_at=update.event.received_at,
        now=now,
    )


def _system(desk: Desk, update: Update, now: datetime) -> None:
    """WhatsApp says that a customer's number or user id changed."""
    current = contacts.sender_from(update.part("sender"))
    previous = contacts.sender_from(update.part("previous"))
    contact = contacts.rename(workspace=desk.workspace, previous=previous, current=current, now=now)
    connection = _connection(desk, update)
    if contact is None or connection is None:
        return
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
        trace.write(
            message=message,
            verdicts=[
                trace.Verdict(
                    "identity",
                    "note",
                    "identity_changed",
                    "The customer's number or user id changed; the contact stays the same.",
                )
            ],
            received_at=update.event.received_at,
            now=now,
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
        manager.note_account_news(connection=connection, data=update.data, now=now)


_HANDLERS: dict[str, Callable[[Desk, Update, datetime], None]] = {
    Kind.MESSAGE: _message,
    Kind.ECHO: _echo,
    Kind.STATUS: _status,
    Kind.RECEIPT: _receipt,
    Kind.SYSTEM: _system,
    Kind.PREFERENCE: _preference,
    Kind.ACCOUNT: _account,
    Kind.CALL: _account,
    Kind.UNSUPPORTED: _account,
}
