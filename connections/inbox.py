"""The inbox: store what providers say before it is acknowledged; hand it out in order."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db import transaction

from connections.events import Kind, Update
from connections.models import Connection, InboundEvent, OutboundJob
from lib import events, jobs
from workspaces.models import Workspace

MAX_ATTEMPTS = 5
# How long a failing update waits before it is tried again, by attempt, in seconds.
_BACK_OFF_SECONDS = (2, 10, 60, 300)


@dataclass(frozen=True)
class Routed:
    """An update and the connection it is for; None when nobody has connected its number."""

    update: Update
    connection: Connection | None
    # False: signed with a secret that does not speak for this number; shown, never answered.
    is_vouched: bool = True


def accept(*, routed: Sequence[Routed], provider: str, now: datetime) -> int:
    """Store updates durably, once each for ever; wake their workspaces after the commit.

    Returns how many were new. Call in the system scope. One statement for the whole batch.
    """
    if not routed:
        return 0
    with transaction.atomic(durable=not database.in_atomic_block), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_inboundevent (workspace_id, connection_id, provider, number_id,"
            " kind, key, subject, conversation_key, payload, state, attempts, error, correlation,"
            " received_at, due_at)"
            " SELECT w, c, %s, n, k, y, s, v, p::jsonb,"
            " CASE WHEN w IS NULL THEN 'unrouted' ELSE 'pending' END, 0, e, r, %s, %s"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::text[]) AS u(w, c, n, k, y, s, v, p, r, e)"
            " ON CONFLICT (key) DO NOTHING RETURNING workspace_id",
            [
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
                [json.dumps(r.update.as_payload()) for r in routed],
                [events.new_correlation() for r in routed],
                ["" if r.is_vouched else "signed for another number" for r in routed],
            ],
        )
        stored = [row[0] for row in cursor.fetchall()]
        wake({workspace for workspace in stored if workspace is not None})
    events.publish(
        "connections.webhook.accepted",
        params={"provider": provider},
        meta={"updates": len(routed), "new": len(stored), "unrouted": stored.count(None)},
    )
    return len(stored)


def put_receipt(
    *, job: OutboundJob, provider: str, outcome: str, now: datetime, **facts: Any
) -> None:
    """Tell the conversation's keeper what became of a send: the same road as statuses take.

    `outcome` is sent, retrying, waiting, unknown or failed; `facts` say more (error, ms).
    """
    data = {"outcome": outcome, "message_id": job.message_id, "attempt": job.attempts, **facts}
    InboundEvent.objects.bulk_create(
        [
            InboundEvent(
                workspace_id=job.workspace_id,
                connection_id=job.connection_id,
                provider=provider,
                kind=Kind.RECEIPT,
                key=f"receipt:{job.pk}:{job.attempts}:{outcome}",
                conversation_key=job.conversation_key,
                payload={"at": now.isoformat(), "data": data, "raw": None},
                correlation=job.correlation,
                received_at=now,
                due_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    wake({job.workspace_id})


def wake(workspace_ids: Iterable[int]) -> None:
    """Ask a worker to drain these workspaces, after the commit."""
    for workspace_id in workspace_ids:
        jobs.enqueue("messaging.drain", once=f"drain:{workspace_id}", workspace_id=workspace_id)


def claim(*, workspace: Workspace, limit: int, now: datetime) -> list[InboundEvent] | None:
    """Take the next due updates of `workspace`, oldest first, for the running transaction.

    One transaction at a time drains a workspace, which keeps each conversation in order; a
    crash gives everything back. Returns None when another one is at it: that one
    looks again after its commit, so nothing that was stored before this call is missed.
    """
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('drain', %s))", [workspace.pk]
        )
        if not cursor.fetchone()[0]:
            return None
    return list(
        InboundEvent.objects.filter(
            workspace=workspace, state=InboundEvent.State.PENDING, due_at__lte=now
        ).order_by("id")[:limit]
    )


def wait_for_line(*, workspace_id: int) -> None:
    """Wait until nobody else changes the workspace's conversations; holds until the commit.

    Whoever writes into conversations outside a drain calls this first: a person's reply and
    the bot then never overtake each other, and rows are locked in one order by all. A drain
    that comes meanwhile goes away again, so another is asked for after the commit.
    """
    wake({workspace_id})
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('drain', %s))", [workspace_id]
        )


def finish(*, ids: Sequence[int], now: datetime) -> None:
    """Mark updates as dealt with, in the transaction that dealt with them."""
    InboundEvent.objects.filter(pk__in=ids).update(
        state=InboundEvent.State.DONE, done_at=now, error=""
    )


def postpone(*, event: InboundEvent, reason: str, now: datetime) -> bool:
    """Push a failing update away in time, so that it cannot block its neighbours.

    Returns False when it has failed often enough and is now a dead letter.
    """
    attempts = event.attempts + 1
    is_dead = attempts >= MAX_ATTEMPTS
    wait = _BACK_OFF_SECONDS[min(attempts, len(_BACK_OFF_SECONDS)) - 1]
    InboundEvent.objects.filter(pk=event.pk, state=InboundEvent.State.PENDING).update(
        attempts=attempts,
        error=reason[:200],
        due_at=now + timedelta(seconds=wait),
        state=InboundEvent.State.DEAD if is_dead else InboundEvent.State.PENDING,
    )
    return not is_dead


def has_due(*, workspace: Workspace, now: datetime) -> bool:
    """Say whether the workspace has updates to drain."""
    return InboundEvent.objects.filter(
        workspace=workspace, state=InboundEvent.State.PENDING, due_at__lte=now
    ).exists()


def replay(*, ids: Sequence[int], now: datetime) -> int:
    """Put dead letters back in line (support). Returns how many were dead."""
    rows = InboundEvent.objects.filter(pk__in=ids, state=InboundEvent.State.DEAD)
    workspace_ids = set(rows.values_list("workspace_id", flat=True))
    count = rows.update(state=InboundEvent.State.PENDING, attempts=0, due_at=now, error="")
    wake({pk for pk in workspace_ids if pk is not None})
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
        wake({connection.workspace_id})
    return count
