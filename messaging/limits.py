"""How much is too much: messages a minute, and two machines talking to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database

from messaging.models import Message


@dataclass
class Rates:
    """What a customer sent lately: messages in the last minute, and like texts by digest."""

    minute: int = 0
    alike: dict[str, int] = field(default_factory=dict)

    def add(self, digest: str) -> None:
        """Count one more message."""
        self.minute += 1
        if digest:
            self.alike[digest] = self.alike.get(digest, 0) + 1


def workspace_rate(*, now: datetime) -> int:
    """Return how many messages the workspace in scope received in the last minute."""
    return Message.objects.filter(
        direction=Message.Direction.IN, created_at__gt=now - timedelta(minutes=1)
    ).count()


def rates(*, conversation_ids: Sequence[int], now: datetime) -> dict[int, Rates]:
    """Return what came in lately in each of these conversations; one query for all."""
    found = {pk: Rates() for pk in conversation_ids}
    if not found:
        return found
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT conversation_id, text_digest, count(*) FILTER (WHERE created_at > %s),"
            " count(*) FILTER (WHERE created_at > %s) FROM messaging_message"
            " WHERE conversation_id = ANY(%s) AND direction = 'in' AND created_at > %s"
            " GROUP BY conversation_id, text_digest",
            [
                now - timedelta(minutes=1),
                now - timedelta(seconds=settings.LOOP_GUARD_SECONDS),
                list(found),
                now - timedelta(seconds=max(60, settings.LOOP_GUARD_SECONDS)),
            ],
        )
        for conversation_id, digest, minute, alike in cursor.fetchall():
            found[conversation_id].minute += minute
            if digest:
                found[conversation_id].alike[digest] = alike
    return found
