"""Say something to a customer: message, trace, allowance and outbox row in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from billing import metering, meters, plans
from connections import outbox
from connections.events import Button, Outbound, OutboundKind, Sender
from messaging import contacts, conversations
from messaging.models import Conversation, Message
from workspaces.models import Workspace

TEXT_LIMIT = 4096  # WhatsApp's, in characters
BUTTONS_BODY_LIMIT = 1024
BUTTON_TITLE_LIMIT = 20


def say(
    *,
    workspace: Workspace,
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
    saves_clocks: bool = True,
) -> Message:
    """Queue `text` (with up to three reply buttons) to the conversation's customer.

    Call inside a transaction, with the window known to be open and the allowance reserved.
    """
    to = to if to is not None and to.key else contacts.address_of(conversation.contact)
    message = Message.objects.create(
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
    outbox.put(
        workspace=workspace,
        connection_id=conversation.connection_id,
        key=f"message:{message.pk}",
        message=Outbound(
            kind=OutboundKind.BUTTONS if buttons else OutboundKind.TEXT,
            to_phone=to.phone,
            to_user_id=to.user_id if not to.phone else None,
            text=text,
            buttons=tuple(buttons),
        ),
        conversation_key=conversations.key_of(to),
        correlation=correlation,
        message_id=message.pk,
        expires_at=conversations.window_ends_at(conversation),
        now=now,
    )
    clocks = conversations.move_clocks(conversation=conversation, message=message, at=now)
    if saves_clocks:
        conversation.save(update_fields=clocks)
    return message


def show_typing(
    *, workspace: Workspace, conversation: Conversation, message: Message, now: datetime
) -> None:
    """Mark the customer's message as read and show "typing…" while something is worked out."""
    _mark(workspace, conversation, message, OutboundKind.TYPING, now)


def mark_read(
    *, workspace: Workspace, conversation: Conversation, message: Message, now: datetime
) -> None:
    """Show the customer that the message has been read (a person opened it)."""
    _mark(workspace, conversation, message, OutboundKind.READ, now)


def _mark(
    workspace: Workspace,
    conversation: Conversation,
    message: Message,
    kind: OutboundKind,
    now: datetime,
) -> None:
    if not message.provider_message_id:
        return
    outbox.put(
        workspace=workspace,
        connection_id=conversation.connection_id,
        key=f"{kind}:{message.pk}",
        message=Outbound(kind=kind, message_id=message.provider_message_id),
        # A lane of its own: a read mark must never hold an answer up.
        conversation_key=f"marks:{conversation.pk}",
        correlation=message.correlation,
        now=now,
    )


def reserve(*, workspace: Workspace, standing: plans.Standing, now: datetime) -> bool:
    """Take one of the day's messages; False when the plan's allowance is used up."""
    per_day = standing.per_day(meters.MESSAGES_SENT)
    if per_day is None:
        return True
    return metering.reserve(
        workspace=workspace, meter=meters.MESSAGES_SENT, per_day=per_day, now=now
    )


def take_place(*, workspace: Workspace, standing: plans.Standing, now: datetime) -> None:
    """Count a person's message against the day without refusing it."""
    if standing.per_day(meters.MESSAGES_SENT) is not None:
        metering.reserve(workspace=workspace, meter=meters.MESSAGES_SENT, per_day=None, now=now)
