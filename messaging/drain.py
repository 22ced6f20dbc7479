"""Drain a workspace's inbox: a batch in one transaction, a savepoint for each update."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, transaction

from billing import metering, plans
from connections import inbox, manager
from connections.events import Kind
from connections.models import Connection, InboundEvent
from faqs import search
from lib import clock, events
from messaging import bot, inbound, limits
from messaging.statuses import NotYet
from workspaces import registry, scope
from workspaces.models import Workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drained:
    """How many updates were dealt with, and whether more are due."""

    count: int
    has_more: bool


def run(
    *, workspace: Workspace, lanes: Sequence[int] = inbox.LANES, limit: int | None = None
) -> Drained:
    """Deal with the next updates of `workspace` in those of `lanes` that are free, in order.

    A crash gives the whole batch back; an update that fails is pushed away in time and,
    after some tries, becomes a dead letter. Nothing here calls out of the house.
    """
    with scope.workspace(workspace):
        with transaction.atomic(durable=not transaction.get_connection().in_atomic_block):
            now = clock.now()
            taken = inbox.take_lines(workspace_id=workspace.pk, lanes=lanes)
            if not taken:
                # Somebody is at it, and looks again after its commit. Asking for another turn
                # from here would only keep a processor busy.
                return Drained(0, has_more=False)
            rows = inbox.claim(
                workspace=workspace, lanes=taken, limit=limit or settings.DRAIN_BATCH, now=now
            )
            if rows:
                registry.freshen(workspace)
                _handle(workspace, rows)
        # After the commit: what was stored while this batch held the line is seen here.
        return Drained(len(rows), inbox.has_due(workspace=workspace, lanes=taken, now=clock.now()))


def _handle(workspace: Workspace, rows: list[InboundEvent]) -> None:
    now = clock.now()
    desk = inbound.Desk(
        workspace=workspace,
        bot=bot.settings_of(),
        standing=plans.standing(workspace=workspace, now=now),
        connections={c.pk: c for c in Connection.every.filter(workspace=workspace)},
        workspace_rate=limits.workspace_rate(now=now),
        started_at=now,
    )
    done: list[int] = []
    heard: set[int] = set()
    for row in rows:
        with events.correlated(row.correlation):
            if _handle_one(desk, row):
                done.append(row.pk)
                if row.kind == Kind.MESSAGE and row.connection_id:
                    heard.add(row.connection_id)
    if heard:
        manager.note_inbound(connection_ids=heard, now=now)
        for connection_id in heard:
            metering.record_active_number(workspace=workspace, connection_id=connection_id, now=now)
    metering.record(workspace=workspace, usages=desk.usages, now=now)
    search.note_uses(desk.used_entries, now=now)
    inbox.finish(ids=done, now=clock.now())


def _handle_one(desk: inbound.Desk, row: InboundEvent) -> bool:
    counted, used = len(desk.usages), len(desk.used_entries)
    try:
        with transaction.atomic():
            inbound.handle(desk, row, clock.now())
    except NotYet:
        del desk.usages[counted:], desk.used_entries[used:]
        return not inbox.postpone(
            event=row, reason="the message it speaks of is not known", now=clock.now()
        )
    except OperationalError:
        raise  # the connection or the transaction is gone: the batch starts over
    except Exception as error:
        # One bad update must not hold up its neighbours; it is tried again, then shown.
        del desk.usages[counted:], desk.used_entries[used:]
        _log.exception("messaging.inbound.failed")
        is_alive = inbox.postpone(event=row, reason=type(error).__name__, now=clock.now())
        events.publish(
            "messaging.inbound.postponed" if is_alive else "messaging.inbound.given-up",
            workspace=desk.workspace.pk,
            params={"inbound": row.pk, "kind": row.kind},
            meta={"error": type(error).__name__, "attempt": row.attempts + 1},
            level=logging.WARNING,
        )
        return False
    return True
