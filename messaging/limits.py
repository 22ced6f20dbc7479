"""How much is too much: messages a minute, and two machines talking to each other."""

from datetime import datetime, timedelta

from django.conf import settings

from messaging.models import Conversation, Message


def workspace_rate(*, now: datetime) -> int:
    """Return how many messages the workspace in scope received in the last minute."""
    return Message.objects.filter(
        direction=Message.Direction.IN, created_at__gt=now - timedelta(minutes=1)
    ).count()


def contact_rate(*, conversation: Conversation, now: datetime) -> int:
    """Return how many messages the customer sent in the last minute."""
    return Message.objects.filter(
        conversation=conversation,
        direction=Message.Direction.IN,
        created_at__gt=now - timedelta(minutes=1),
    ).count()


def like_texts(*, conversation: Conversation, digest: str, now: datetime) -> int:
    """Return how many messages like this one the customer sent within the loop guard's time."""
    if not digest:
        return 0
    return Message.objects.filter(
        conversation=conversation,
        direction=Message.Direction.IN,
        text_digest=digest,
        created_at__gt=now - timedelta(seconds=settings.LOOP_GUARD_SECONDS),
    ).count()
