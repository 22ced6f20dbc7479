"""What waits, and for how long: over the whole house, and by workspace. Public tables only."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database

from workspaces import scope
from workspaces.models import Workspace


@dataclass(frozen=True)
class Ages:
    """How old the oldest of each queue is, in seconds; None when nothing waits there."""

    unanswered_seconds: int | None
    queues: dict[str, int | None]


@dataclass(frozen=True)
class Waiting:
    """A workspace in which something waits."""

    workspace: Workspace
    inbound_count: int
    oldest_inbound_at: datetime | None
    queued_count: int
    oldest_queued_at: datetime | None
    asked_count: int
    dead_count: int


# Each part reads the rows of one partial index: what is pending, not what ever came.
_AGES = """
SELECT (SELECT min(received_at) FROM connections_inboundevent
        WHERE state = 'pending' AND kind = 'message' AND workspace_id IS NOT NULL),
    (SELECT min(received_at) FROM connections_inboundevent
        WHERE state = 'pending' AND kind <> 'message' AND workspace_id IS NOT NULL),
    (SELECT min(j.due_at) FROM connections_outboundjob j
        JOIN connections_connection c ON c.id = j.connection_id
        JOIN workspaces_workspace w ON w.id = j.workspace_id
        WHERE j.state = 'queued' AND j.due_at <= %(now)s AND c.is_sending AND w.state = 'active'
          AND (c.slow_until IS NULL OR c.slow_until <= %(now)s)),
    (SELECT min(created_at) FROM ai_call WHERE used_at IS NULL AND purpose = 'choose')
"""


def ages(*, now: datetime) -> Ages:
    """Return how long the oldest message has waited for an answer, and the age of each queue."""
    with scope.system(), database.cursor() as cursor:
        cursor.execute(_AGES, {"now": now})
        message, news, send, call = (
            None if at is None else max(0, int((now - at).total_seconds()))
            for at in cursor.fetchone()
        )
    # A message that a model is asked about is out of the inbox, and not yet answered.
    unanswered = [age for age in (message, call) if age is not None]
    return Ages(
        unanswered_seconds=max(unanswered, default=None),
        queues={"messages": message, "news": news, "models": call, "sends": send},
    )


_BY_WORKSPACE = """
SELECT workspace_id, sum(inbound), min(oldest_inbound), sum(queued), min(oldest_queued),
    sum(asked), sum(dead)
FROM (
    SELECT workspace_id, count(*) FILTER (WHERE state = 'pending') AS inbound,
        min(received_at) FILTER (WHERE state = 'pending') AS oldest_inbound,
        0 AS queued, NULL::timestamptz AS oldest_queued, 0 AS asked,
        count(*) FILTER (WHERE state = 'dead') AS dead
    FROM connections_inboundevent
    WHERE state IN ('pending', 'dead') AND workspace_id IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT workspace_id, 0, NULL, count(*) FILTER (WHERE state = 'queued'),
        min(created_at) FILTER (WHERE state = 'queued'), 0, count(*) FILTER (WHERE state = 'dead')
    FROM connections_outboundjob WHERE state IN ('queued', 'dead') GROUP BY 1
    UNION ALL
    SELECT workspace_id, 0, min(created_at), 0, NULL, count(*), 0
    FROM ai_call WHERE used_at IS NULL AND purpose = 'choose' GROUP BY 1) AS parts
GROUP BY workspace_id
ORDER BY least(min(oldest_inbound), min(oldest_queued)) NULLS LAST, workspace_id LIMIT %s
"""


def by_workspace(*, limit: int = 50) -> list[Waiting]:
    """Return the workspaces in which something waits or lies dead, the longest wait first."""
    with scope.system():
        with database.cursor() as cursor:
            cursor.execute(_BY_WORKSPACE, [limit])
            rows = cursor.fetchall()
        spaces = Workspace.objects.in_bulk([row[0] for row in rows])
    return [
        Waiting(
            workspace=spaces[pk],
            inbound_count=int(inbound),
            oldest_inbound_at=oldest_inbound,
            queued_count=int(queued),
            oldest_queued_at=oldest_queued,
            asked_count=int(asked),
            dead_count=int(dead),
        )
        for pk, inbound, oldest_inbound, queued, oldest_queued, asked, dead in rows
        if pk in spaces
    ]
