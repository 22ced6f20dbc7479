"""Take a reply back that has not gone yet."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.dateparse import parse_datetime

from billing import metering, meters
from connections import outbox
from messaging import conversations, takeover
from messaging.models import Conversation, Message
from workspaces.models import User, Workspace

TOO_LATE = "Too late: it is on its way to the customer already. Write again to put it right."


class UnableToUndo(Exception):
    """The reply stays; the message is a sentence for the person."""


def undo(*, workspace: Workspace, message_id: int, user: User, now: datetime) -> Message:
    """Take an own reply back while it still waits, and return it, with its words.

    The conversation is again with whom it was, unless somebody has it since. Raises
    UnableToUndo, takeover.UnableToFindConversation.
    """
    found = Message.objects.filter(
        pk=message_id, author=Message.Author.MEMBER, author_id=user.pk
    ).first()
    if found is None:
        raise takeover.UnableToFindConversation
    with transaction.atomic(durable=True):
        conversation = takeover.in_hand(found.conversation_id)
        if not Message.objects.filter(pk=found.pk).exists():
            raise takeover.UnableToFindConversation  # a second click, a moment later
        # Whoever is first has it: the sender that claims it, or this.
        if not outbox.cancel(workspace=workspace, key=f"message:{found.pk}"):
            raise UnableToUndo(TOO_LATE)
        metering.release(workspace=workspace, meter=meters.MESSAGES_SENT, day_of=found.created_at)
        Message.objects.filter(pk=found.pk).delete()
        _restore(conversation, found, now)
    return found


def _restore(conversation: Conversation, message: Message, now: datetime) -> None:
    before = message.content.get("before")
    said = Message.objects.filter(conversation=conversation).aggregate(at=Max("provider_at"))["at"]
    conversation.last_message_at = said or conversation.opened_at
    if isinstance(before, dict) and takeover.mark_of(conversation) == str(message.author_id):
        since = parse_datetime(str(before.get("needs") or ""))
        conversation.needs_person, conversation.needs_person_since = bool(since), since
        held = str(before.get("held"))
        if held == takeover.BOT:
            conversation.holder = Conversation.Holder.BOT
            conversation.held_by_id = conversation.held_until = None
        else:
            conversation.held_by_id = int(held) if held.isdigit() else None
    conversations.keep([conversation])
