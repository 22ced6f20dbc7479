"""The first real message after going live: received, answered, delivered, as it happens."""

from dataclasses import dataclass
from datetime import datetime

from messaging.models import Message

_KINDS = ("text", "interactive", "button", "image", "audio", "video", "document")


@dataclass(frozen=True)
class Hello:
    """How far the newest message is on its way there and back."""

    message_id: int = 0
    is_answered: bool = False
    is_sent: bool = False
    is_delivered: bool = False
    is_failed: bool = False
    milliseconds: int | None = None  # from its arrival to the reply's leaving

    @property
    def is_received(self) -> bool:
        return bool(self.message_id)

    @property
    def mark(self) -> str:
        """Return what changes when anything of it does."""
        return f"{self.message_id}-{self.is_answered:d}{self.is_sent:d}{self.is_delivered:d}{self.is_failed:d}"


def latest(*, since: datetime) -> Hello:
    """Return the newest message of a customer since a moment, in the workspace in scope."""
    asked = (
        Message.objects.filter(
            created_at__gte=since, direction=Message.Direction.IN, kind__in=_KINDS
        )
        .order_by("-created_at", "-pk")
        .first()
    )
    if asked is None:
        return Hello()
    reply = Message.objects.filter(answers=asked, author=Message.Author.BOT).order_by("pk").first()
    if reply is None:
        return Hello(asked.pk)
    status = Message.Status
    took = reply.sent_at - asked.created_at if reply.sent_at else None
    return Hello(
        asked.pk,
        is_answered=True,
        is_sent=reply.status in (status.SENT, status.DELIVERED, status.READ),
        is_delivered=reply.status in (status.DELIVERED, status.READ),
        is_failed=reply.status == status.FAILED,
        milliseconds=round(took.total_seconds() * 1000) if took else None,
    )
