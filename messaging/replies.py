"""Say something to a customer: message, trace, allowance and outbox row in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from billing import metering, meters, plans
from connections import manners, outbox
from connections.events import Button, Outbound, OutboundKind, Sender
from lib import sql
from messaging import contacts, conversations, rows
from messaging.models import Conversation, Message
from workspaces.models import Workspace

TEXT_LIMIT = 4096  # WhatsApp's, in characters
BUTTONS_BODY_LIMIT = 1024
BUTTON_TITLE_LIMIT = 20


@dataclass(frozen=True)
class Reply:
    """A message of ours that is decided and not yet in the tables."""

    message: Message  # unsaved
    to: Sender
    buttons: Sequence[Button]
    expires_at: datetime | None
    chat: str | None = None  # where the customer wrote last, in the provider's own words
    not_before: datetime | None = None  # whoever wrote it may take it back until then


def draft(
    *,
    conversation: Conversation,
    text: str,
    author: str,
    now: datetime,
    correlation: str,
    author_id: int | None = None,
    answers: Message | None = None,
    buttons: Sequence[Button] = (),
    content: dict[str, object] | None = None,
    to: Sender | None = None,
    not_before: datetime | None = None,
) -> Reply:
    """Write `text` (with up to three reply buttons) to the conversation's customer, unsaved.

    Moves the conversation's clocks, unsaved. With the window known to be open and the
    allowance reserved; `put` lays it into the tables.
    """
    message = Message(
        conversation=conversation,
        direction=Message.Direction.OUT,
        author=author,
        author_id=author_id,
        kind="buttons" if buttons else "text",
        text=text,
        content={**(content or {}), **({"buttons": [b.title for b in buttons]} if buttons else {})},
        status=Message.Status.QUEUED,
        answers=answers,
        correlation=correlation,
        provider_at=now,
        created_at=now,
    )
    expires_at = conversations.window_ends_at(conversation)
    conversations.move_clocks(conversation=conversation, message=message, at=now)
    address = to if to is not None and to.key else contacts.address_of(conversation.contact)
    chat = _chat_of(answers) if answers is not None else _last_chat(conversation)
    return Reply(message, address, buttons, expires_at, chat, not_before)


def _chat_of(message: Message) -> str | None:
    """Return the provider's own address of where a message came from, where it told one."""
    chat = message.content.get("chat")
    return chat if isinstance(chat, str) else None


def _last_chat(conversation: Conversation) -> str | None:
    """Return the same of what the customer wrote last."""
    if not manners.is_linked(conversation.connection_id):
        return None
    received = Message.objects.filter(conversation=conversation, direction=Message.Direction.IN)
    last = received.order_by("-provider_at", "-id").only("content").first()
    return _chat_of(last) if last is not None else None


_COLUMNS = {
    "id": "bigint", "conversation_id": "bigint", "direction": "text", "author": "text", "author_id": "bigint",
    "kind": "text", "text": "text", "content": "jsonb", "text_digest": "text",
    "provider_message_id": "text", "reply_to_provider_id": "text", "answers_id": "bigint",
    "status": "text", "sent_at": "timestamptz", "error_code": "text", "error": "text",
    "is_deleted": "boolean", "is_edited": "boolean", "waiting_since": "timestamptz",
    "correlation": "text", "provider_at": "timestamptz", "created_at": "timestamptz",
}  # fmt: skip


TABLE = "messaging_message"


def put(
    *,
    workspace: Workspace,
    replies: Sequence[Reply],
    now: datetime,
    sheet: sql.Sheet,
    ids: Sequence[int] = (),
    received: Sequence[Message] = (),
) -> None:
    """Put replies on the sheet, and queue them to be sent: message and outbox row go together.

    They get the `ids`, rising, that the caller has drawn with the conversations locked, and
    more if those do not suffice. `received`, which have theirs, are saved by the same statement.
    """
    if len(ids) < len(replies):
        ids = [*ids, *rows.draw({TABLE: len(replies) - len(ids)})[TABLE]]
    for reply, pk in zip(replies, ids, strict=False):
        reply.message.pk = pk
    messages = [*received, *(reply.message for reply in replies)]
    rows.insert(
        sheet, TABLE, _COLUMNS, [[getattr(one, name) for name in _COLUMNS] for one in messages]
    )
    for message in messages:
        message._state.adding = False
    typed = {reply.message.pk: _types_first(reply, now) for reply in replies}
    outbox.write(
        sheet=sheet,
        workspace=workspace,
        items=[mark for mark, _ in filter(None, typed.values()) if mark]
        + [
            outbox.Item(
                connection_id=reply.message.conversation.connection_id,
                key=f"message:{reply.message.pk}",
                message=Outbound(
                    kind=OutboundKind.BUTTONS if reply.buttons else OutboundKind.TEXT,
                    to_phone=reply.to.phone,
                    to_user_id=reply.to.user_id if not reply.to.phone else None,
                    to_lid=reply.to.lid,
                    to_address=reply.chat,
                    text=reply.message.text,
                    buttons=tuple(reply.buttons),
                ),
                conversation_key=conversations.key_of(reply.to),
                correlation=reply.message.correlation,
                message_id=reply.message.pk,
                expires_at=reply.expires_at,
                not_before=_when(reply, typed[reply.message.pk]),
            )
            for reply in replies
        ],
        now=now,
    )


def _types_first(reply: Reply, now: datetime) -> tuple[outbox.Item | None, datetime] | None:
    """Return the typing sign of a linked phone and when its text may follow; None for others."""
    message = reply.message
    if not manners.is_linked(message.conversation.connection_id):
        return None
    seconds = manners.typing_seconds(message.text)
    asked = message.answers
    mark = None
    if seconds and asked is not None and asked.provider_message_id:
        mark = replace(_mark(asked, OutboundKind.TYPING, reply.to), key=f"typing-for:{message.pk}")
    return mark, now + timedelta(seconds=seconds)


def _when(reply: Reply, typed: tuple[outbox.Item | None, datetime] | None) -> datetime | None:
    """Return when it may go at the earliest; None: now."""
    moments = [moment for moment in (reply.not_before, typed and typed[1]) if moment]
    return max(moments, default=None)


def show_typing(
    *, workspace: Workspace, messages: Sequence[Message], now: datetime, sheet: sql.Sheet
) -> None:
    """Mark customers' messages as read and show "typing…" while something is worked out."""
    known = [one for one in messages if one.provider_message_id]
    addresses = _addresses(known)
    outbox.write(
        sheet=sheet,
        workspace=workspace,
        items=[
            _mark(one, OutboundKind.TYPING, addresses.get(one.conversation.contact_id))
            for one in known
        ],
        now=now,
    )


def mark_read(*, workspace: Workspace, message: Message, now: datetime) -> None:
    """Show the customer that the message has been read (a person opened it)."""
    if message.provider_message_id:
        address = _addresses([message]).get(message.conversation.contact_id)
        item = _mark(message, OutboundKind.READ, address)
        outbox.put_all(workspace=workspace, items=[item], now=now)


def _addresses(messages: Sequence[Message]) -> dict[int, Sender]:
    """Return where the customers of linked phones are; others need no address for a mark."""
    linked = [one for one in messages if manners.is_linked(one.conversation.connection_id)]
    return contacts.addresses_of(one.conversation.contact for one in linked) if linked else {}


def _mark(message: Message, kind: OutboundKind, to: Sender | None = None) -> outbox.Item:
    return outbox.Item(
        connection_id=message.conversation.connection_id,
        key=f"{kind}:{message.pk}",
        message=Outbound(
            kind=kind,
            to_phone=to.phone if to else None,
            to_lid=to.lid if to else None,
            to_address=_chat_of(message),
            message_id=message.provider_message_id,
        ),
        # A lane of its own: a read mark must never hold an answer up.
        conversation_key=f"marks:{message.conversation_id}",
        correlation=message.correlation,
    )


class Purse:
    """The places of a plan's day that a batch may use: taken once, the rest is given back."""

    def __init__(self, *, workspace: Workspace, standing: plans.Standing, now: datetime) -> None:
        self._workspace = workspace
        self._per_day = standing.per_day(meters.MESSAGES_SENT)
        self._now = now
        self._left = 0
        self._is_empty = False

    def take(self, *, likely: int = 1) -> bool:
        """Take one place; False when the day is used up. `likely` more may be wanted."""
        if self._per_day is None:
            return True
        if self._left == 0 and not self._is_empty:
            self._left = metering.reserve_many(
                workspace=self._workspace,
                meter=meters.MESSAGES_SENT,
                per_day=self._per_day,
                quantity=max(1, likely),
                now=self._now,
            )
            self._is_empty = self._left < likely
        if self._left == 0:
            return False
        self._left -= 1
        return True

    def close(self) -> None:
        """Give back what was not used, in the same transaction."""
        if self._left:
            metering.release(
                workspace=self._workspace,
                meter=meters.MESSAGES_SENT,
                day_of=self._now,
                quantity=self._left,
            )
            self._left = 0


def take_place(*, workspace: Workspace, standing: plans.Standing, now: datetime) -> None:
    """Count a person's message against the day without refusing it."""
    if standing.per_day(meters.MESSAGES_SENT) is not None:
        metering.reserve(workspace=workspace, meter=meters.MESSAGES_SENT, per_day=None, now=now)
