"""Conversations: at most one open per contact; messages in order; the 24-hour window."""

import hashlib
import re
import unicodedata
from datetime import datetime, timedelta

from connections.events import Sender
from messaging.models import Contact, Conversation, Message

WINDOW = timedelta(hours=24)
# Providers repeat a message for up to seven days. An older stamp is no delivery time but a
# clock that is wrong, so ours counts.
_CREDIBLE = timedelta(days=8)

Holder = Conversation.Holder


def open_for(*, contact: Contact, connection_id: int, now: datetime) -> Conversation:
    """Return the contact's open conversation, making one when there is none.

    Call while holding the workspace's line (a drain does): the constraint that allows one open
    conversation is the last word, not the usual way.
    """
    conversation = Conversation.objects.filter(
        contact=contact, state=Conversation.State.OPEN
    ).first()
    if conversation is None:
        return Conversation.objects.create(
            contact=contact, connection_id=connection_id, last_message_at=now, opened_at=now
        )
    if conversation.connection_id != connection_id:
        # The customer wrote to another number of the business: it answers from there.
        conversation.connection_id = connection_id
        conversation.save(update_fields=["connection_id"])
    return conversation


def credible(moment: datetime | None, *, received_at: datetime) -> datetime:
    """Return the provider's time of a message, or ours when theirs cannot be right."""
    if moment is None or moment > received_at + timedelta(minutes=5):
        return received_at
    return moment if received_at - moment <= _CREDIBLE else received_at


def window_ends_at(conversation: Conversation) -> datetime | None:
    """Return when the 24-hour window closes; None when the customer never wrote."""
    return conversation.last_inbound_at + WINDOW if conversation.last_inbound_at else None


def key_of(sender: Sender) -> str:
    """Return the key under which this person's events and sends keep their order."""
    return sender.key[:200]


def like_digest(text: str) -> str:
    """Return a digest that is alike for texts that differ in case, digits, signs or spaces only."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    bare = re.sub(r"\d+", "0", "".join(c for c in folded if c.isalnum() or c.isspace()))
    bare = " ".join(bare.split())
    return hashlib.sha256(bare.encode(errors="replace")).hexdigest()[:32] if bare else ""


def touch(*, conversation: Conversation, message: Message, at: datetime) -> None:
    """Move the conversation's clocks forward for a message of the customer or of ours."""
    fields = move_clocks(conversation=conversation, message=message, at=at)
    conversation.save(update_fields=fields)


def move_clocks(*, conversation: Conversation, message: Message, at: datetime) -> list[str]:
    """Do what `touch` does without saving; return the names of the changed fields."""
    conversation.last_message_at = max(conversation.last_message_at, at)
    fields = ["last_message_at"]
    if message.direction == Message.Direction.IN:
        previous = conversation.last_inbound_at
        conversation.last_inbound_at = max(previous, at) if previous else at
        fields.append("last_inbound_at")
    return fields


def flag_for_person(*, conversation: Conversation, now: datetime) -> None:
    """Say that a person should look at the conversation."""
    if not conversation.needs_person:
        conversation.needs_person = True
        conversation.needs_person_since = now
        conversation.save(update_fields=["needs_person", "needs_person_since"])
