"""Sends of which nobody knows whether they went out: found by silence, settled by evidence."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database

from connections.models import OutboundJob
from workspaces import scope

# A killed process' backend is gone at once, but so is everybody's when the database restarts:
# only who has also missed a beat is dead.
_MISSED_BEAT_SECONDS = 3.0
# How long the provider's statuses for a send may take, at the least.
_PATIENCE_SECONDS = 4.0

_CLAIMS = """
SELECT j.id, j.claimed_at, j.claimed_by, COALESCE(h.pid, j.claimed_pid), h.last_at,
    extract(epoch FROM clock_timestamp() - h.last_at)::float8
FROM connections_outboundjob j
LEFT JOIN connections_senderheartbeat h ON h.token = j.claimed_by
WHERE j.state = 'sending'
"""


def rescue(*, now: datetime) -> int:
    """Find sends whose sender died or was cut off: read marks go again, the rest is unknown.

    Call in the system scope.
    """
    with database.cursor() as cursor:
        cursor.execute(_CLAIMS)
        claims = cursor.fetchall()
    if not claims:
        return 0
    born = _backends()
    oldest = now - timedelta(seconds=3 * settings.SEND_TIMEOUT_SECONDS + 30)
    orphans: list[tuple[int, datetime | None, bool]] = []
    for pk, claimed_at, token, pid, last_at, silent_seconds in claims:
        seen_at = last_at or claimed_at
        is_gone = seen_at is None or pid not in born or (born[pid] or seen_at) > seen_at
        if not token:
            is_orphan, was_cut_off = is_gone, False
        elif silent_seconds is None:  # it said goodbye, or nobody remembers it
            is_orphan = was_cut_off = True
        else:
            is_orphan = silent_seconds > (
                _MISSED_BEAT_SECONDS if is_gone else settings.SENDER_LEASE_SECONDS
            )
            was_cut_off = not is_gone
        if is_orphan or claimed_at is None or claimed_at < oldest:
            orphans.append((pk, claimed_at, was_cut_off))
    return _give_up(orphans, now) if orphans else 0


def _give_up(orphans: list[tuple[int, datetime | None, bool]], now: datetime) -> int:
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_outboundjob j SET"
            " state = CASE WHEN kind IN ('read', 'typing') THEN 'queued' ELSE 'unknown' END,"
            " has_crashed = true, was_cut_off = o.was_cut_off,"
            " due_at = CASE WHEN kind IN ('read', 'typing') THEN %s"
            " WHEN (SELECT c.provider = 'linked_device' FROM connections_connection c"
            " WHERE c.id = j.connection_id) THEN %s ELSE %s END,"
            " error_code = 'unknown_outcome'"
            " FROM unnest(%s::bigint[], %s::timestamptz[], %s::bool[])"
            " AS o(id, claimed_at, was_cut_off)"
            " WHERE j.id = o.id AND j.state = 'sending'"
            " AND j.claimed_at IS NOT DISTINCT FROM o.claimed_at",
            [
                now,
                now + timedelta(seconds=settings.LINKED_DEVICE_UNKNOWN_RETRY_SECONDS),
                now + timedelta(seconds=settings.UNKNOWN_RETRY_SECONDS),
                [pk for pk, _, _ in orphans],
                [claimed_at for _, claimed_at, _ in orphans],
                [was_cut_off for _, _, was_cut_off in orphans],
            ],
        )
        return int(cursor.rowcount)


def _backends() -> dict[int, datetime | None]:
    """Return the database's backends and when each began.

    Asked as the user of the session: to the house's own roles PostgreSQL does not tell the
    moment, and then every send in flight would look like an orphan.
    """
    with scope.owner(), database.cursor() as cursor:
        cursor.execute("SELECT pid, backend_start FROM pg_stat_activity")
        return dict(cursor.fetchall())


_RETRY_UNKNOWN = """
WITH unread AS MATERIALIZED (
    -- Statuses that have come in and were not read yet: each is about one of our sends, or
    -- about who knows which.
    SELECT e.workspace_id, COALESCE(e.payload #>> '{data,opaque}', '') AS opaque
    FROM connections_inboundevent e
    WHERE e.state = 'pending' AND e.kind = 'status' AND e.attempts = 0
      AND e.workspace_id IN (
          SELECT u.workspace_id FROM connections_outboundjob u
          WHERE u.state = 'unknown' AND u.has_crashed))
UPDATE connections_outboundjob j SET
    state = CASE WHEN has_status THEN 'accepted' WHEN attempts >= %(most)s THEN 'dead' ELSE 'queued' END,
    settled_at = CASE WHEN has_status OR attempts >= %(most)s THEN %(now)s END, due_at = %(now)s
WHERE state = 'unknown' AND (
    -- Its status came before its sender could say anything: it did go out.
    has_status
    OR due_at <= %(now)s
    -- A sender crashed; sends of this number that began later have their statuses by now (read
    -- or in our own line), and none came for this one: it was never sent.
    OR (has_crashed AND NOT has_status
        AND claimed_at < CASE WHEN was_cut_off THEN %(cut_off)s ELSE %(patience)s END
        AND NOT EXISTS (
            SELECT 1 FROM unread
            WHERE unread.workspace_id = j.workspace_id AND unread.opaque IN ('', j.id::text))
        AND (
            SELECT count(*) >= 3 AND avg(r.has_come::int) >= 0.9 FROM (
                SELECT o.has_status OR EXISTS (
                    SELECT 1 FROM unread WHERE unread.workspace_id = o.workspace_id
                      AND unread.opaque = o.id::text) AS has_come
                FROM connections_outboundjob o
                WHERE o.connection_id = j.connection_id AND o.state = 'accepted'
                  AND o.kind NOT IN ('read', 'typing')
                  AND o.claimed_at > j.claimed_at AND o.settled_at < %(patience)s
                ORDER BY o.settled_at DESC LIMIT 20) r)))
RETURNING id
"""


def retry_unknown(*, now: datetime) -> list[OutboundJob]:
    """Send again what stayed unknown for minutes, or what evidence says was never sent.

    A request of a process that was merely cut off may still be on its way until its time is
    over. Call in the system scope. Returns the sends as they are now: queued again, dead after
    the last try, or accepted when a status had come for them.
    """
    with database.cursor() as cursor:
        cursor.execute(
            _RETRY_UNKNOWN,
            {
                "now": now,
                "most": settings.SEND_MAX_ATTEMPTS,
                "patience": now - timedelta(seconds=_PATIENCE_SECONDS),
                "cut_off": now - timedelta(seconds=settings.SEND_TIMEOUT_SECONDS + 1),
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    return list(OutboundJob.objects.filter(pk__in=ids).select_related("connection"))
