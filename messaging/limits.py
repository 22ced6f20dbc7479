"""How much is too much: messages a minute, and two machines talking to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from lib import sql


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


_EVERYBODY = (
    "SELECT 0, '', count(*), 0 FROM messaging_message WHERE created_at > %s AND direction = 'in'"
)
_EACH = (
    " UNION ALL SELECT conversation_id, text_digest, count(*) FILTER (WHERE created_at > %s),"
    " count(*) FILTER (WHERE created_at > %s) FROM messaging_message"
    " WHERE conversation_id = ANY(%b::bigint[]) AND direction = 'in' AND created_at > %s"
    " GROUP BY conversation_id, text_digest"
)


def rates(*, conversation_ids: Sequence[int], now: datetime) -> tuple[int, dict[int, Rates]]:
    """Return what the workspace in scope received in the last minute, and what came in lately
    in each of these conversations; one query for all."""
    found = {pk: Rates() for pk in conversation_ids}
    minute = now - timedelta(minutes=1)
    guarded = now - timedelta(seconds=settings.LOOP_GUARD_SECONDS)
    asked, values = _EVERYBODY, list[Any]([minute])
    if found:
        asked += _EACH
        values += [minute, guarded, list(found), min(minute, guarded)]
    everybody = 0
    for conversation_id, digest, count, alike in sql.fetch(asked, values):
        if conversation_id == 0:
            everybody = count
            continue
        found[conversation_id].minute += count
        if digest:
            found[conversation_id].alike[digest] = alike
    return everybody, found
