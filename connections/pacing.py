"""Taking sends out of the outbox at the pace that WhatsApp allows, in one statement.

A number may send `rate_per_second`, and one second's worth at once after a rest; a customer
gets one message in six seconds, and up to 45 at once, borrowed from the time that follows.
Both are kept as the moment at which the next send would be due at an even pace (GCRA): one row
for a number and one for a pair, moved on by each claim.

A linked phone (`most_gap_ms`) sends as a person does: one message, then a gap that is drawn anew
each time. What it marks as read and its "typing" signs do not wait for that.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from psycopg.types.numeric import Int8

from connections.models import Connection, OutboundJob
from lib import sql
from workspaces.models import Workspace

PAIR_SECONDS = 6
PAIR_BURST = 45
_COLUMNS = [field.attname for field in OutboundJob._meta.local_concrete_fields]
_NUMBER = [field.attname for field in Connection._meta.local_concrete_fields]

# The claim's moment is the database's own: it is held against the birth of its backend.
_CLAIM = f"""
WITH pace AS MATERIALIZED (
    -- Claims of one number follow one another. No row: it may send nothing now (switched off,
    -- at rest, of a suspended workspace).
    SELECT {", ".join(f"c.{name}" for name in _NUMBER)},
        GREATEST(p.arrives_at, %(now)s) AS arrives_at
    FROM connections_pacing p
    JOIN connections_connection c ON c.id = p.connection_id
    JOIN workspaces_workspace w ON w.id = c.workspace_id
    WHERE p.connection_id = %(connection)s AND c.workspace_id = %(ws)s
      AND c.is_sending AND c.removed_at IS NULL AND w.state = 'active'
      AND (c.slow_until IS NULL OR c.slow_until <= %(now)s)
    FOR UPDATE OF p),
allowed AS (
    SELECT CASE WHEN most_gap_ms > 0 THEN (arrives_at <= %(now)s)::int
        ELSE floor(extract(epoch FROM %(now)s + interval '1 second' - arrives_at) * rate_per_second)
        END AS count, most_gap_ms > 0 AS is_gentle
    FROM pace),
due AS (
    SELECT j.id, j.kind, j.conversation_key FROM connections_outboundjob j
    WHERE j.workspace_id = %(ws)s AND j.connection_id = %(connection)s
      AND j.state = 'queued' AND j.due_at <= %(now)s
      AND (SELECT count > 0 OR (is_gentle AND j.kind IN ('read', 'typing')) FROM allowed)
      -- Order within a conversation: it must be the oldest of it that is open. No anti-join:
      -- in a table without statistics that one compares every row with every other.
      AND j.id = (
          SELECT min(o.id) FROM connections_outboundjob o
          WHERE o.connection_id = j.connection_id AND o.conversation_key = j.conversation_key
            AND o.state IN ('queued', 'sending'))
      AND (j.kind IN ('read', 'typing') OR COALESCE((
          SELECT q.arrives_at FROM connections_pairpacing q
          WHERE q.connection_id = j.connection_id
            AND q.digest = hashtextextended(j.conversation_key, 0)), '-infinity')
          <= %(now)s + interval '{PAIR_SECONDS * (PAIR_BURST - 1)} seconds')
    ORDER BY j.id LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED),
placed_due AS (
    SELECT id, conversation_key, counts, row_number() OVER (ORDER BY id) AS place,
        count(*) FILTER (WHERE counts) OVER (ORDER BY id) AS texts
    FROM (SELECT id, conversation_key, kind NOT IN ('read', 'typing') AS counts FROM due) d),
chosen AS (
    SELECT id, conversation_key, counts FROM placed_due, allowed
    WHERE CASE WHEN is_gentle THEN NOT counts OR texts <= allowed.count ELSE place <= allowed.count END),
counted AS (SELECT count(*) FILTER (WHERE counts) AS count FROM chosen),
paced AS (
    UPDATE connections_pacing p
    SET arrives_at = pace.arrives_at + make_interval(secs => CASE WHEN pace.most_gap_ms > 0
        THEN (pace.least_gap_ms + random() * (pace.most_gap_ms - pace.least_gap_ms)) / 1000
        ELSE counted.count::float8 / pace.rate_per_second END)
    FROM pace, counted
    WHERE p.connection_id = %(connection)s AND counted.count > 0),
paired AS (
    INSERT INTO connections_pairpacing (connection_id, workspace_id, digest, arrives_at)
    SELECT DISTINCT %(connection)s, %(ws)s,
        hashtextextended(conversation_key, 0), %(now)s + interval '{PAIR_SECONDS} seconds'
    FROM chosen WHERE counts
    ON CONFLICT (connection_id, digest) DO UPDATE SET arrives_at =
        GREATEST(connections_pairpacing.arrives_at, %(now)s) + interval '{PAIR_SECONDS} seconds'),
claimed AS (
    UPDATE connections_outboundjob j SET state = 'sending', attempts = attempts + 1,
        claimed_at = clock_timestamp(), claimed_pid = pg_backend_pid(), claimed_by = %(token)s,
        has_crashed = false, was_cut_off = false, due_at = %(now)s
    -- Nobody asks for their state again, which is locked: a plan that was made for a short line
    -- would take the index of what is queued, and read a long one from end to end.
    FROM chosen WHERE j.id = chosen.id
    RETURNING {", ".join(f"j.{name}" for name in _COLUMNS)}),
placed AS (SELECT claimed.*, row_number() OVER (ORDER BY id) AS place FROM claimed)
-- The number as it is now goes with the first: it is spoken for with no older credentials.
SELECT allowed.count < %(limit)s, extract(epoch FROM pace.arrives_at - %(now)s)::float8,
    pace.rate_per_second, counted.count, {", ".join(f"number.{name}" for name in _NUMBER)}, placed.*
FROM pace, allowed, counted LEFT JOIN placed ON true
LEFT JOIN pace AS number ON COALESCE(placed.place, 1) = 1 ORDER BY placed.place
"""  # noqa: S608 - constants of this file only


@dataclass(frozen=True)
class Claimed:
    """What was taken, and the number as it was then; None when it may send nothing now.

    `wait_seconds` until the number may send more, when its pace held some back.
    """

    jobs: list[OutboundJob]
    wait_seconds: float = 0.0
    connection: Connection | None = None


def claim(
    *, workspace: Workspace, connection_id: int, token: str, limit: int, now: datetime
) -> Claimed:
    """Take up to `limit` due sends of a number: at most one a conversation, the oldest.

    See `connections.outbox.claim_batch`.
    """
    # Whole numbers of one size: else each size is another statement whose plan is kept.
    values = {
        "ws": Int8(workspace.pk), "connection": Int8(connection_id), "limit": Int8(limit),
        "token": token, "now": now,
    }  # fmt: skip
    rows = sql.fetch(_CLAIM, values, prepare=True)
    if not rows and _begin(workspace, connection_id, now):
        rows = sql.fetch(_CLAIM, values, prepare=True)
    if not rows:
        return Claimed([])
    is_held_back, ahead_seconds, rate, count = rows[0][:4]
    first = 4 + len(_NUMBER)
    number = Connection.from_db("default", _NUMBER, rows[0][4:first])
    found = [_job(row[first:-1]) for row in rows if row[first] is not None]
    if number.most_gap_ms:
        return Claimed(found, connection=number)  # what waits is seen to when it is due
    # The pace is kept by letting the next one go a second before it is due at an even pace.
    wait = ahead_seconds + (count + 1) / rate - 1.0 if is_held_back else 0.0
    return Claimed(found, max(0.0, wait), number)


# The next one that a number with gaps may send: due, its gap over, and within its customer's
# pace. Only what a claim would take: one behind another that is being sent is seen to by its
# sender, and would ring the alarm for nothing.
_NEXT = f"""
SELECT extract(epoch FROM min(CASE WHEN j.kind IN ('read', 'typing') THEN j.due_at
    ELSE GREATEST(j.due_at, p.arrives_at,
        q.arrives_at - interval '{PAIR_SECONDS * (PAIR_BURST - 1)} seconds') END) - %s)::float8
FROM connections_outboundjob j
LEFT JOIN connections_pacing p ON p.connection_id = j.connection_id
LEFT JOIN connections_pairpacing q ON q.connection_id = j.connection_id
    AND q.digest = hashtextextended(j.conversation_key, 0)
WHERE j.connection_id = %s AND j.state = 'queued' AND j.id = (
    SELECT min(o.id) FROM connections_outboundjob o
    WHERE o.connection_id = j.connection_id AND o.conversation_key = j.conversation_key
      AND o.state IN ('queued', 'sending'))
"""  # noqa: S608 - constants of this file only


def next_in_seconds(*, connection_id: int, now: datetime) -> float | None:
    """Return in how many seconds a number with gaps may send the next that waits; None: nothing does.

    Never negative: zero is now.
    """
    ((seconds,),) = sql.fetch(_NEXT, [now, Int8(connection_id)], prepare=True)
    return None if seconds is None else max(0.0, float(seconds))


def forget(*, now: datetime) -> int:
    """Forget the pairs whose pace is long past (housekeeping). Call in the system scope."""
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM connections_pairpacing WHERE arrives_at < %s",
            [now - timedelta(minutes=1)],
        )
        return int(cursor.rowcount)


def _begin(workspace: Workspace, connection_id: int, now: datetime) -> bool:
    """Give a number its row at its first send. False when it has one."""
    return bool(
        sql.run(
            "INSERT INTO connections_pacing (connection_id, workspace_id, arrives_at)"
            " SELECT id, workspace_id, %s FROM connections_connection"
            " WHERE id = %s AND workspace_id = %s AND removed_at IS NULL"
            " ON CONFLICT (connection_id) DO NOTHING",
            [now, Int8(connection_id), Int8(workspace.pk)],
            prepare=True,
        )
    )


def _job(row: Sequence[Any]) -> OutboundJob:
    values = dict(zip(_COLUMNS, row, strict=True))
    payload = values["payload"]
    values["payload"] = json.loads(payload) if isinstance(payload, str) else payload
    job: OutboundJob = OutboundJob.from_db("default", _COLUMNS, values.values())
    return job
