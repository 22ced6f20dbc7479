"""A customer's message that is being answered in earnest: a turn with its conversation."""

from dataclasses import dataclass

from messaging.desk import Desk
from messaging.gates import Turn
from messaging.models import Conversation, Message


@dataclass(kw_only=True)
class LiveTurn(Turn):
    """A turn whose decision is carried out; the conversation's row is locked."""

    conversation: Conversation
    message: Message
    desk: Desk
