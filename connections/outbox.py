"""The outbox: what is to be sent, put there in the transaction that decided it."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db.models import Q

from connections.events import Outbound
from connections.models import Connection, OutboundJob
from lib import jobs
from workspaces import scope
from workspaces.models import Workspace

State = OutboundJob.State
# How many senders may be asked to work on one number at once.
LANES = 8


def put(
    *,
    workspace: Workspace,
    connection_id: int,
    key: str,
    message: Outbound,
    conversation_key: str,
    correlation: str,
    now: datetime,
    message_id: int | None = None,
    expires_at: datetime | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Queue one send and wake a sender after the commit; a `key` that is there already stays as it is.

    `expires_at` is the end of the 24-hour window: it is never sent after that.
    """
    rows = OutboundJob.objects.bulk_create(
        [
            OutboundJob(
                workspace=workspace,
                connection_id=connection_id,
                key=key,
                kind=message.kind,
                message_id=message_id,
                conversation_key=conversation_key,
                payload=message.as_payload(),
                correlation=correlation,
                created_at=now,
                due_at=not_before or now,
                expires_at=expires_at,
            )
        ],
        ignore_conflicts=True,
    )
    # A customer's sends share a lane: as many senders as lanes, not one wake-up a message.
    wake(connection_id, lane=zlib.crc32(conversation_key.encode()) % LANES)
    return bool(rows)


@dataclass(frozen=True)
class Item:
    """One send to queue; see `put`."""

    connection_id: int
    key: str
    message: Outbound
    conversation_key: str
    correlation: str
    message_id: int | None = None
    expires_at: datetime | None = None
    not_before: datetime | None = None


def put_all(*, workspace: Workspace, items: Sequence[Item], now: datetime) -> None:
    """Queue many sends."""
    for item in items:
        put(workspace=workspace, now=now, **{f.name: getattr(item, f.name) for f in fields(item)})


@dataclass(frozen=True)
class StatusItem:
    """What a status says: our own id in it, the provider's id, the status' word."""

    opaque: str
    subject: str
    status: str


def settle_by_statuses(
    *, workspace: Workspace, items: Sequence[StatusItem], now: datetime
) -> dict[int, OutboundJob]:
    """Do what `settle_by_status` does for many; return the sends by the items' places."""
    found = {
        place: settle_by_status(
            workspace=workspace, opaque=item.opaque, subject=item.subject, now=now
        )
        for place, item in enumerate(items)
    }
    return {place: job for place, job in found.items() if job is not None}


def lane_name(connection_id: int, lane: int) -> str:
    """Return the name under which a lane's wake-up waits in line at most once."""
    return f"send:{connection_id}:{lane}"


def wake(connection_id: int, *, lane: int = 0) -> None:
    """Ask a sender to see to this connection, after the commit."""
    jobs.enqueue(
        "connections.send",
        queue="send",
        once=lane_name(connection_id, lane),
        connection_id=connection_id,
        lane=lane,
    )


# The claim's moment is the database's own: it is held against the birth of its backend.
_CLAIM = """
UPDATE connections_outboundjob SET state = 'sending', attempts = attempts + 1,
    claimed_at = clock_timestamp(), claimed_pid = pg_backend_pid(), due_at = %(now)s
WHERE id = (
    SELECT j.id FROM connections_outboundjob j
    WHERE j.workspace_id = %(ws)s AND j.connection_id = %(connection)s
      AND j.state = 'queued' AND j.due_at <= %(now)s
      -- a number that was switched off or rests since, a workspace that was suspended
      AND EXISTS (
          SELECT 1 FROM connections_connection c JOIN workspaces_workspace w ON w.id = c.workspace_id
          WHERE c.id = j.connection_id AND c.is_sending AND w.state = 'active'
            AND (c.slow_until IS NULL OR c.slow_until <= %(now)s))
      -- order within a conversation: it must be the oldest of it that is open. No anti-join:
      -- in a table without statistics that one compares every row with every other.
      AND j.id = (
          SELECT min(o.id) FROM connections_outboundjob o
          WHERE o.connection_id = j.connection_id AND o.conversation_key = j.conversation_key
            AND o.state IN ('queued', 'sending'))
    ORDER BY j.id LIMIT 1 FOR UPDATE SKIP LOCKED)
  AND state = 'queued'
RETURNING id
"""


def claim_next(*, workspace: Workspace, connection_id: int, now: datetime) -> OutboundJob | None:
    """Take the next due send of a connection; None when there is none, or nothing may be sent.

    The claim names the database backend that made it: when that is gone, so is the sender.
    """
    with database.cursor() as cursor:
        cursor.execute(_CLAIM, {"ws": workspace.pk, "connection": connection_id, "now": now})
        row = cursor.fetchone()
    return OutboundJob.objects.get(pk=row[0]) if row else None


def mark_accepted(*, job: OutboundJob, provider_message_id: str, now: datetime) -> bool:
    """Record that the provider took it. False when a status has said so before.

    Also when the claim was given up meanwhile (the machine slept): the answer did come.
    """
    return bool(
        OutboundJob.objects.filter(
            pk=job.pk, state__in=[State.SENDING, State.UNKNOWN], claimed_at=job.claimed_at
        ).update(
            state=State.ACCEPTED,
            provider_message_id=provider_message_id,
            settled_at=now,
            error_code="",
            vendor_code="",
            error="",
        )
    )


def mark(
    *,
    job: OutboundJob,
    state: str,
    now: datetime,
    due_at: datetime | None = None,
    error_code: str = "",
    vendor_code: str = "",
    error: str = "",
) -> bool:
    """Move a claimed send on: queued again, unknown, failed or dead. Compare-and-set."""
    is_over = state in (State.FAILED, State.DEAD)
    return bool(
        OutboundJob.objects.filter(pk=job.pk, state=State.SENDING).update(
            state=state,
            due_at=due_at or now,
            error_code=error_code,
            vendor_code=vendor_code[:30],
            error=error[:300],
            settled_at=now if is_over else None,
        )
    )


def settle_by_status(
    *, workspace: Workspace, opaque: str, subject: str, now: datetime
) -> OutboundJob | None:
    """Find the send that a status speaks of, by our own id in it or by the provider's.

    A send whose outcome was unknown is known now: it was accepted. Returns None when no
    send of this workspace is meant.
    """
    jobs_here = OutboundJob.objects.filter(workspace=workspace)
    job: OutboundJob | None = None
    if opaque.isascii() and opaque.isdigit() and len(opaque) < 19:
        job = jobs_here.filter(pk=int(opaque)).first()
        # Our id in somebody else's message: the provider's id must not contradict it.
        if job and subject and job.provider_message_id and job.provider_message_id != subject:
            job = None
    if job is None and subject:
        job = jobs_here.filter(provider_message_id=subject).first()
    if job is None:
        return None
    if not job.has_status:
        jobs_here.filter(pk=job.pk).update(has_status=True)
        jobs_here.filter(pk=job.pk, provider_message_id="").update(provider_message_id=subject)
    if job.state in (State.UNKNOWN, State.SENDING, State.QUEUED, State.DEAD) and subject:
        moved = jobs_here.filter(
            Q(state__in=[State.UNKNOWN, State.DEAD]) | Q(state=State.QUEUED, attempts__gt=0), pk=job.pk
        ).update(
            state=State.ACCEPTED, provider_message_id=subject, settled_at=now, error_code="", error=""
        )  # fmt: skip
        if moved:
            job.refresh_from_db()
    return job


def rescue_orphans(*, now: datetime) -> int:
    """Find sends whose sender died in the middle: read marks go again, the rest is unknown.

    Call in the system scope. A claim is an orphan when its database backend is gone.
    """
    claims = list(
        OutboundJob.objects.filter(state=State.SENDING).values_list(
            "pk", "claimed_pid", "claimed_at"
        )
    )
    if not claims:
        return 0
    born = _backends()
    oldest = now - timedelta(seconds=3 * settings.SEND_TIMEOUT_SECONDS + 30)
    orphans = [
        (pk, claimed_at)
        for pk, pid, claimed_at in claims
        if claimed_at is None
        or claimed_at < oldest
        or pid not in born
        or (born[pid] or claimed_at) > claimed_at
    ]
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_outboundjob j SET"
            " state = CASE WHEN kind IN ('read', 'typing') THEN 'queued' ELSE 'unknown' END,"
            " has_crashed = true, due_at = CASE WHEN kind IN ('read', 'typing') THEN %s ELSE %s END,"
            " error_code = 'unknown_outcome'"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS o(id, claimed_at)"
            " WHERE j.id = o.id AND j.state = 'sending'"
            " AND j.claimed_at IS NOT DISTINCT FROM o.claimed_at",
            [
                now,
                now + timedelta(seconds=settings.UNKNOWN_RETRY_SECONDS),
                [pk for pk, _ in orphans],
                [claimed_at for _, claimed_at in orphans],
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
UPDATE connections_outboundjob j SET
    state = CASE WHEN has_status THEN 'accepted' WHEN attempts >= %(most)s THEN 'dead' ELSE 'queued' END,
    settled_at = CASE WHEN has_status OR attempts >= %(most)s THEN %(now)s END, due_at = %(now)s
WHERE state = 'unknown' AND (
    -- Its status came before its sender could say anything: it did go out.
    has_status
    OR due_at <= %(now)s
    -- A sender crashed; sends of this number that began later have their statuses by now, our
    -- own line holds none that waits to be read, and none came for this one: it was never sent.
    OR (has_crashed AND NOT has_status AND claimed_at < %(patience)s
        AND NOT EXISTS (
            SELECT 1 FROM connections_inboundevent e
            WHERE e.workspace_id = j.workspace_id AND e.state = 'pending' AND e.kind = 'status'
              AND e.attempts = 0)
        AND (
            SELECT count(*) >= 3 AND avg(r.has_status::int) >= 0.9 FROM (
                SELECT o.has_status FROM connections_outboundjob o
                WHERE o.connection_id = j.connection_id AND o.state = 'accepted'
                  AND o.kind NOT IN ('read', 'typing')
                  AND o.claimed_at > j.claimed_at AND o.settled_at < %(patience)s
                ORDER BY o.settled_at DESC LIMIT 20) r)))
RETURNING id
"""


def retry_unknown(*, now: datetime) -> list[OutboundJob]:
    """Send again what stayed unknown for minutes, or what evidence says was never sent.

    Call in the system scope. Returns the sends as they are now: queued again, dead after the
    last try, or accepted when a status had come for them.
    """
    with database.cursor() as cursor:
        cursor.execute(
            _RETRY_UNKNOWN,
            {
                "now": now,
                "most": settings.SEND_MAX_ATTEMPTS,
                "patience": now - timedelta(seconds=4),
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(OutboundJob.objects.filter(pk__in=ids).select_related("connection"))


def give_up(*, connection: Connection, now: datetime) -> list[OutboundJob]:
    """Fail what waits on a number that goes away; return those that carry a message."""
    waiting = OutboundJob.objects.filter(connection=connection, state=State.QUEUED)
    jobs_here = [job for job in waiting.select_for_update() if job.message_id is not None]
    waiting.update(state=State.FAILED, error_code="not_configured", settled_at=now)
    return jobs_here


def cancel(*, workspace: Workspace, key: str) -> bool:
    """Take back a send that has not begun. False when it is too late."""
    count, _ = OutboundJob.objects.filter(
        workspace=workspace, key=key, state=State.QUEUED, attempts=0
    ).delete()
    return bool(count)


def replay(*, ids: Sequence[int], now: datetime) -> int:
    """Put dead or failed sends back in line (support, or an owner's retry)."""
    rows = OutboundJob.objects.filter(
        pk__in=ids, state__in=[State.DEAD, State.FAILED], payload__isnull=False
    )
    connection_ids = set(rows.values_list("connection_id", flat=True))
    count = rows.update(state=State.QUEUED, attempts=0, due_at=now, settled_at=None)
    for connection_id in connection_ids:
        wake(connection_id)
    return count
