"""The inbox: store what providers say before it is acknowledged; hand it out in order."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db import transaction

from connections.events import Kind, Update
from connections.models import Connection, InboundEvent, OutboundJob
from lib import events, jobs, sql
from workspaces.models import Workspace

MAX_ATTEMPTS = 5
# How long a failing update waits before it is tried again, by attempt, in seconds.
_BACK_OFF_SECONDS = (2, 10, 60, 300)


# A workspace's updates stand in several lines ("lanes"), each drained in order and by one
# transaction at a time: a conversation always stands in the same one, so its order holds while
# other conversations go on beside it. What customers and people say has lines of its own; news
# about our own messages never stands in front of a customer's question.
TALK_LANES = (0, 1, 2, 3)
NEWS_LANES = (4, 5)
LANES = (*TALK_LANES, *NEWS_LANES)
_NEWS = frozenset({Kind.STATUS, Kind.RECEIPT})


def lane_of(kind: str, conversation_key: str) -> int:
    """Return the lane in which an update of `kind` about this conversation stands."""
    lanes = NEWS_LANES if kind in _NEWS else TALK_LANES
    return lanes[zlib.crc32(conversation_key.encode()) % len(lanes)]


@dataclass(frozen=True)
class Routed:
    """An update and the connection it is for; None when nobody has connected its number."""

    update: Update
    connection: Connection | None
    # False: signed with a secret that does not speak for this number; shown, never answered.
    is_vouched: bool = True


@dataclass(frozen=True)
class Kept:
    """What came of storing: how many updates were new, how many nobody's, and whom to wake."""

    new: int
    unrouted: int
    lanes: frozenset[tuple[int, int]]


# Arrays travel in binary: written as text, their quoting costs more than everything else here.
_KEEP = """
INSERT INTO connections_inboundevent (workspace_id, connection_id, provider, number_id, kind, key,
 subject, conversation_key, lane, payload, state, attempts, error, correlation, received_at, due_at)
SELECT w, c, %s, n, k, y, s, v, l, p::jsonb,
 CASE WHEN w IS NULL THEN 'unrouted' ELSE 'pending' END, 0, e, r, %s, %s
 FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[],
 %b::text[], %b::smallint[], %b::text[], %b::text[], %b::text[])
 AS u(w, c, n, k, y, s, v, l, p, r, e)
 -- Whose a number was a moment ago may be remembered; what is stored goes by what holds now.
 LEFT JOIN connections_connection held ON held.id = u.c
WHERE u.c IS NULL OR (held.workspace_id = u.w AND held.removed_at IS NULL
 AND held.verified_at IS NOT NULL AND (u.n = '' OR held.external_id = u.n))
ON CONFLICT (key) DO NOTHING RETURNING workspace_id, lane
"""


class Misrouted(Exception):
    """A number has changed hands since it was looked up: look again, and store again."""


def keep(*, routed: Sequence[Routed], provider: str, now: datetime) -> Kept:
    """Store updates, once each, in one statement. Call in the system scope.

    Raises Misrouted when an update's connection no longer holds its number; the others may be
    stored then, and storing them again is storing them once. Wakes nobody: that is for after the commit, which is the caller's.
    """
    stored = sql.fetch(_KEEP, _columns(routed, provider, now), prepare=True)
    if len(stored) < len(routed):
        _check_routes(routed)  # some were there before, or have lost their number
    return Kept(
        new=len(stored),
        unrouted=sum(workspace is None for workspace, _ in stored),
        lanes=frozenset(pair for pair in stored if pair[0] is not None),
    )


def _check_routes(routed: Sequence[Routed]) -> None:
    meant = {
        (r.connection.pk, r.connection.workspace_id, r.update.number_id)
        for r in routed
        if r.connection is not None
    }
    held = {
        connection.pk: connection
        for connection in Connection.objects.filter(
            pk__in={pk for pk, _, _ in meant}, verified_at__isnull=False
        )
    }
    for pk, workspace_id, number_id in meant:
        holder = held.get(pk)
        if (
            holder is None
            or holder.workspace_id != workspace_id
            or number_id not in ("", holder.external_id)
        ):
            raise Misrouted


def _columns(routed: Sequence[Routed], provider: str, now: datetime) -> list[Any]:
    return [
        provider,
        now,
        now,
        [r.connection.workspace_id if r.connection else None for r in routed],
        [r.connection.pk if r.connection else None for r in routed],
        [r.update.number_id for r in routed],
        [str(r.update.kind) for r in routed],
        [r.update.key for r in routed],
        [r.update.subject for r in routed],
        [r.update.conversation_key for r in routed],
        [lane_of(r.update.kind, r.update.conversation_key) for r in routed],
        [json.dumps(r.update.as_payload()) for r in routed],
        events.new_correlations(len(routed)),
        ["" if r.is_vouched else "signed for another number" for r in routed],
    ]


def accept(*, routed: Sequence[Routed], provider: str, now: datetime) -> int:
    """Store updates durably, once each; wake their workspaces after the commit.

    Returns how many were new. Call in the system scope. One statement for the whole batch.
    """
    if not routed:
        return 0
    with transaction.atomic(durable=not database.in_atomic_block):
        kept = keep(routed=routed, provider=provider, now=now)
        wake(kept.lanes)
    tell_accepted(kept, provider=provider, updates=len(routed))
    return kept.new


def tell_accepted(kept: Kept, *, provider: str, updates: int) -> None:
    """Log what was stored by one statement."""
    events.publish(
        "connections.webhook.accepted",
        params={"provider": provider},
        meta={"updates": updates, "new": kept.new, "unrouted": kept.unrouted},
    )


# What became of sends, a row each (`receipt`); without a key nobody is told.
SAID = """said AS MATERIALIZED (SELECT * FROM json_to_recordset(%(said)s::json) AS s(
    place int, id bigint, name text, claimed_at timestamptz, workspace bigint, connection bigint,
    key text, conversation text, lane smallint, payload jsonb, correlation text))"""
TELL = """INSERT INTO connections_inboundevent (workspace_id, connection_id, provider, number_id,
    kind, key, subject, conversation_key, lane, payload, state, attempts, error, correlation,
    received_at, due_at)
    SELECT workspace, connection, %(provider)s, '', 'receipt', key, '', conversation, lane, payload,
        'pending', 0, '', correlation, %(now)s, %(now)s
    FROM said WHERE key IS NOT NULL ORDER BY place ON CONFLICT (key) DO NOTHING"""
_PUT_RECEIPT = f"WITH {SAID} {TELL}"


def put_receipt(
    *, job: OutboundJob, provider: str, outcome: str, now: datetime, **facts: Any
) -> None:
    """Tell the conversation's keeper what became of a send: the same road as statuses take.

    `outcome` is sent, retrying, waiting, unknown or failed; `facts` say more (error, ms). Nobody
    is woken: these are news.
    """
    put_receipts(jobs=[job], provider=provider, outcome=outcome, now=now, **facts)


def put_receipts(
    *, jobs: Sequence[OutboundJob], provider: str, outcome: str, now: datetime, **facts: Any
) -> None:
    """Tell the same of several sends, in one statement."""
    said = json.dumps([receipt(job, outcome, facts, now) for job in jobs])
    if jobs:
        sql.run(_PUT_RECEIPT, {"said": said, "provider": provider, "now": now}, prepare=True)


def receipt(
    job: OutboundJob, outcome: str, facts: Mapping[str, Any], now: datetime
) -> dict[str, object]:
    """Return the row of SAID for one send, to be told with TELL."""
    data = {"outcome": outcome, "message_id": job.message_id, "attempt": job.attempts, **facts}
    return {
        "place": 0,
        "id": job.pk,
        "workspace": job.workspace_id,
        "connection": job.connection_id,
        "key": f"receipt:{job.pk}:{job.attempts}:{outcome}",
        "conversation": job.conversation_key,
        "lane": lane_of(Kind.RECEIPT, job.conversation_key),
        "payload": {"at": now.isoformat(), "data": data, "raw": None},
        "correlation": job.correlation,
    }


def line_name(workspace_id: int, lane: int, *, bulk: bool = False) -> str:
    """Return the name under which a lane's wake-up waits in line at most once."""
    return f"{'bulk' if bulk else 'drain'}:{workspace_id}:{lane}"


def wake(pairs: Iterable[tuple[int, int]]) -> None:
    """Ask a worker to drain these (workspace, lane) pairs, after the commit.

    Nobody is woken for news: the workers of `bulk` look for it all the time, and
    take what has gathered together. Nor for a lane that they are working off already.
    """
    for workspace_id, lane in sorted(pairs):
        if lane in TALK_LANES:
            jobs.enqueue(
                "messaging.drain",
                once=line_name(workspace_id, lane),
                unless=line_name(workspace_id, lane, bulk=True),
                workspace_id=workspace_id,
                lane=lane,
            )


def is_worked_off(workspace_id: int, lane: int) -> bool:
    """Say whether `bulk` is working this lane off; False when nobody can tell."""
    return jobs.is_held(line_name(workspace_id, lane, bulk=True))


def work_off(*, workspace_id: int, lane: int) -> None:
    """Put a lane that has more than a batch at the end of the line of `bulk`, after the commit.

    Where no such process lives, or gets anything done, at the end of everybody's line.
    """
    if not jobs.are_holds_kept():
        wake({(workspace_id, lane)})
        return
    jobs.hold(line_name(workspace_id, lane, bulk=True))
    jobs.enqueue("messaging.drain", queue="bulk", workspace_id=workspace_id, lane=lane, bulk=True)


def leave_off(*, workspace_id: int, lane: int) -> None:
    """Say that `bulk` is through with a lane: who writes next wakes whoever is free."""
    jobs.begun(line_name(workspace_id, lane, bulk=True))


_COLUMNS = [field.attname for field in InboundEvent._meta.concrete_fields]
_PAYLOAD = _COLUMNS.index("payload")
# A lane at a time and by id: the index gives the oldest, however many wait behind them.
_PEEK = (
    f"SELECT {', '.join(f'e.{name}' for name in _COLUMNS)}"  # noqa: S608
    " FROM unnest(%b::int[]) AS line(lane) CROSS JOIN LATERAL ("
    " SELECT * FROM connections_inboundevent e WHERE e.workspace_id = %s AND e.lane = line.lane"
    " AND e.state = 'pending' AND e.due_at <= %s ORDER BY e.id LIMIT %s) e ORDER BY e.id LIMIT %s"
)


def peek(
    *, workspace: Workspace, lanes: Sequence[int], limit: int, now: datetime
) -> list[InboundEvent]:
    """Return the next due updates of these lanes, oldest first; nothing is locked."""
    found = []
    for row in sql.fetch(_PEEK, [list(lanes), workspace.pk, now, limit, limit]):
        values = list(row)
        values[_PAYLOAD] = json.loads(row[_PAYLOAD] or "null")  # Django leaves JSON as text
        found.append(InboundEvent.from_db("default", _COLUMNS, values))
    return found


def take(*, workspace: Workspace, rows: Sequence[InboundEvent], now: datetime) -> set[int] | None:
    """Take the lanes of `rows` until the commit; return which of them are still to be dealt with.

    One transaction at a time drains a lane, which keeps each conversation in order; a crash
    gives everything back. None when somebody drains one of them now: that one looks again
    after its commit, so nothing that was stored before this call is missed. The rows are
    locked, so that what is read of them is what holds, whenever the lanes were given up.
    The workspace's state is read anew: a suspension stops the bot at once.

    The transaction's commit does not wait for the disk. What a crash of the server takes back
    is taken back as a whole, the update is due again, and nothing of it can have been sent:
    a send is claimed by a commit that does wait, and with it all before it is on the disk.
    """
    found = sql.fetch(
        "WITH line AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true),"
        # What is asked in a drain is asked by key. In tables that grew by thousands of rows
        # since they were last analysed, the planner would read them from end to end.
        " set_config('enable_seqscan', 'off', true),"
        " bool_and(pg_try_advisory_xact_lock(hashtextextended('drain ' || lane, %s))) AS is_ours"
        " FROM unnest(%b::int[]) AS lane)"
        " SELECT line.is_ours, due.id, w.state, w.state_reason FROM line"
        " JOIN workspaces_workspace w ON w.id = %s LEFT JOIN LATERAL (SELECT e.id"
        " FROM connections_inboundevent e WHERE line.is_ours AND e.id = ANY(%b::bigint[])"
        " AND e.state = 'pending' AND e.due_at <= %s FOR NO KEY UPDATE) due ON true",
        [
            workspace.pk,
            sorted({row.lane for row in rows}),
            workspace.pk,
            [row.pk for row in rows],
            now,
        ],
    )
    if not found:
        return set()  # the workspace is gone
    is_ours, _, workspace.state, workspace.state_reason = found[0]
    return {pk for _, pk, _, _ in found if pk is not None} if is_ours else None


def finish(*, ids: Sequence[int], now: datetime, sheet: sql.Sheet) -> None:
    """Mark updates as dealt with, on the sheet of the transaction that dealt with them."""
    sheet.add(
        "UPDATE connections_inboundevent SET state = 'done', done_at = %s, error = ''"
        " WHERE id = ANY(%s)",
        [now, list(ids)],
    )


def postpone(*, rows: Sequence[InboundEvent], reason: str, now: datetime) -> int:
    """Push failing updates away in time, so that they cannot block their neighbours.

    Returns how many of them have failed often enough and are dead letters now.
    """
    if not rows:
        return 0
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_inboundevent e SET attempts = attempts + 1, error = %s,"
            " due_at = %s + (%s::int[])[least(attempts + 1, %s)] * interval '1 second',"
            " state = CASE WHEN attempts + 1 >= %s THEN 'dead' ELSE 'pending' END"
            " WHERE id = ANY(%s) AND state = 'pending' RETURNING state",
            [
                reason[:200],
                now,
                list(_BACK_OFF_SECONDS),
                len(_BACK_OFF_SECONDS),
                MAX_ATTEMPTS,
                [row.pk for row in rows],
            ],
        )
        return sum(state == "dead" for (state,) in cursor.fetchall())


def has_due(*, workspace: Workspace, now: datetime, lanes: Sequence[int] = LANES) -> bool:
    """Say whether the workspace has updates to drain in these lanes."""
    found = sql.fetch(
        "SELECT EXISTS (SELECT FROM connections_inboundevent WHERE workspace_id = %s"
        " AND lane = ANY(%b::int[]) AND state = 'pending' AND due_at <= %s)",
        [workspace.pk, list(lanes), now],
    )
    return bool(found[0][0])


def replay(*, ids: Sequence[int], now: datetime) -> int:
    """Put dead letters back in line (support). Returns how many were dead."""
    rows = InboundEvent.objects.filter(pk__in=ids, state=InboundEvent.State.DEAD)
    lanes = set(rows.values_list("workspace_id", "lane"))
    count = rows.update(state=InboundEvent.State.PENDING, attempts=0, due_at=now, error="")
    wake({(pk, lane) for pk, lane in lanes if pk is not None})
    return count


def erase_unrouted(*, workspace: Workspace) -> None:
    """Erase what came for the workspace's numbers and was never handed to it."""
    mine = Connection.every.filter(workspace=workspace, verified_at__isnull=False)
    numbers = mine.values("external_id")
    InboundEvent.objects.filter(workspace=None, number_id__in=numbers).delete()


def adopt_unrouted(*, connection: Connection, now: datetime) -> int:
    """Hand the updates that came for a number before it was connected to its workspace.

    Only those of the last day: older ones are past the window for an answer.
    """
    count = InboundEvent.objects.filter(
        state=InboundEvent.State.UNROUTED,
        number_id=connection.external_id,
        error="",
        received_at__gte=now - timedelta(days=1),
    ).update(
        workspace_id=connection.workspace_id,
        connection_id=connection.pk,
        state=InboundEvent.State.PENDING,
        due_at=now,
    )
    if count:
        wake({(connection.workspace_id, lane) for lane in LANES})
    return count
