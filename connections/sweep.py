"""Ask what is due: finds what a lost wake-up, a crash or a dead broker left behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from connections import inbox, orphans, outbox
from connections.models import OutboundJob
from lib import sql
from workspaces import scope

# News is looked for all the time; what lies longer was left behind.
_NEWS_MAY_WAIT = timedelta(seconds=4)


@dataclass(frozen=True)
class Due:
    """(workspace, lane) pairs to drain, and (workspace, connection) pairs with sends to make."""

    lanes: list[tuple[int, int]]
    connections: list[tuple[int, int]]


# Lane after lane by the index, however much waits in each.
_LINES = """
WITH RECURSIVE line AS (
    (SELECT workspace_id, lane FROM connections_inboundevent
    WHERE state = 'pending' AND workspace_id IS NOT NULL ORDER BY workspace_id, lane LIMIT 1)
    UNION ALL SELECT after.* FROM line CROSS JOIN LATERAL (
        SELECT e.workspace_id, e.lane FROM connections_inboundevent e
        WHERE e.state = 'pending' AND (e.workspace_id, e.lane) > (line.workspace_id, line.lane)
        ORDER BY e.workspace_id, e.lane LIMIT 1) after)
"""
_DUE = (
    _LINES
    + """
SELECT line.workspace_id, line.lane FROM line WHERE EXISTS (
    SELECT FROM connections_inboundevent e WHERE e.workspace_id = line.workspace_id
    AND e.lane = line.lane AND e.state = 'pending' AND e.due_at <= CASE
        WHEN line.lane = ANY(%(news)s::int[]) THEN %(left)s ELSE %(since)s END) LIMIT 500
"""
)


def find_due(*, now: datetime, older_than_seconds: float = 1.0) -> Due:
    """Return what has been due for longer than a wake-up takes. One indexed query each."""
    since = now - timedelta(seconds=older_than_seconds)
    asked = {"news": list(inbox.NEWS_LANES), "since": since, "left": since - _NEWS_MAY_WAIT}
    with scope.system():
        lanes = sql.fetch(_DUE, asked)
        connections = list(
            OutboundJob.objects.filter(
                Q(connection__slow_until__isnull=True) | Q(connection__slow_until__lte=now),
                state="queued",
                due_at__lte=since,
                connection__is_sending=True,
                workspace__state="active",
            )
            .values_list("workspace_id", "connection_id")
            .order_by()
            .distinct()[:500]
        )
    return Due([(int(pk), int(lane)) for pk, lane in lanes], connections)


# Bad news is looked for only where nothing is old enough: there is little in such a lane.
_NEWS = (
    _LINES  # noqa: S608 - constants of this file only
    + """
SELECT DISTINCT line.workspace_id FROM line WHERE line.lane = ANY(%(lanes)s::int[]) AND (
    EXISTS (SELECT FROM connections_inboundevent e WHERE e.workspace_id = line.workspace_id
        AND e.lane = line.lane AND e.state = 'pending' AND e.due_at <= %(since)s)
    OR EXISTS (SELECT FROM connections_inboundevent e WHERE e.workspace_id = line.workspace_id
        AND e.lane = line.lane AND e.state = 'pending' AND e.due_at <= %(now)s
        AND coalesce(e.payload #>> '{data,status}', e.payload #>> '{data,outcome}')
            NOT IN ('sent', 'delivered', 'read'))) LIMIT 500
"""
)


def find_news(*, now: datetime) -> list[int]:
    """Return the workspaces that have news about our own messages; one query.

    Only where some of it has waited for NEWS_SECONDS: what WhatsApp says of one message comes
    within a second, and is dealt with together. What went wrong with a message does not wait.
    """
    since = now - timedelta(seconds=settings.NEWS_SECONDS)
    with scope.system():
        rows = sql.fetch(_NEWS, {"lanes": list(inbox.NEWS_LANES), "since": since, "now": now})
    return [int(pk) for (pk,) in rows]


def settle(*, now: datetime) -> None:
    """Rescue sends whose sender died, and send again what stayed unknown."""
    with scope.system():
        orphans.rescue(now=now)
        with transaction.atomic():
            for job in orphans.retry_unknown(now=now):
                if job.state == OutboundJob.State.QUEUED:
                    outbox.wake(job.connection_id)
                elif job.state == OutboundJob.State.DEAD and job.message_id is not None:
                    _tell_given_up(job, now)


def _tell_given_up(job: OutboundJob, now: datetime) -> None:
    inbox.put_receipt(
        job=job,
        provider=job.connection.provider,
        outcome="failed",
        error_code=job.error_code,
        vendor_code=job.vendor_code,
        error="WhatsApp never told whether it went out, after several tries.",
        now=now,
    )


def erase_payloads(*, now: datetime, batch: int = 5_000) -> int:
    """Erase the contents of settled mailbox rows, and whom they were about, after retention.

    The keys stay for as long as the rows (connections.keeping): a repetition is known by them.
    """
    before = now - timedelta(days=settings.RETENTION_DAYS["mailbox_payload"])
    erased = 0
    with scope.system(), database.cursor() as cursor:
        for table, moment, states in (
            ("connections_inboundevent", "received_at", ("done", "unrouted", "dead")),
            ("connections_outboundjob", "created_at", ("accepted", "failed", "dead")),
        ):
            while True:
                cursor.execute(
                    f"UPDATE {table} SET payload = NULL, conversation_key = '' WHERE id IN (SELECT id FROM {table}"  # noqa: S608
                    f" WHERE payload IS NOT NULL AND {moment} < %s AND state = ANY(%s) LIMIT %s)",
                    [before, list(states), batch],
                )
                erased += cursor.rowcount
                if cursor.rowcount < batch:
                    break
    return erased
