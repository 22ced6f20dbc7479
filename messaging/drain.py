"""Drain a workspace's inbox: many updates in one transaction, with a fixed number of statements."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, transaction

from billing import metering
from connections import inbox, manager, news
from connections.events import Kind
from connections.models import InboundEvent
from lib import clock, events, jobs, progress
from messaging import commands, inbound, statuses
from messaging.desk import Desk, LookedUp, look_up
from messaging.update import Update
from workspaces import scope
from workspaces.models import Workspace

_log = logging.getLogger(__name__)
# Nobody's fault but the database's: it went away, or ended a transaction that idled.
_GONE = (OperationalError, InterfaceError, InternalError)
# The lanes (workspace, lane) that a thread of this process has a turn at.
_turns: set[tuple[int, int]] = set()
_turns_lock = threading.Lock()


@dataclass(frozen=True)
class Drained:
    """How many updates were dealt with, and whether more are due.

    `is_taken`: somebody else is at these lanes, and looks again after its commit.
    """

    count: int
    has_more: bool
    is_taken: bool = False


def _unsaid() -> None:
    pass


def run(
    *,
    workspace: Workspace,
    lanes: Sequence[int] = inbox.LANES,
    limit: int | None = None,
    on_progress: Callable[[], None] = _unsaid,
) -> Drained:
    """Deal with the next updates of `workspace` in those of `lanes` that are free, in order.

    A transaction holds at most one update of each conversation, so that what is decided
    about one does not depend on another; there are as many transactions as it takes for
    `limit` updates (DRAIN_BULK_BATCH). A crash gives a transaction's updates back; one that
    fails is pushed away in time and, after some tries, becomes a dead letter. Nothing here
    calls out of the house. `on_progress` is called when answers were looked up, and when a
    transaction has dealt with updates.
    """
    most = limit or settings.DRAIN_BULK_BATCH
    count, has_more, is_taken = 0, False, False
    with scope.workspace(workspace):
        talk = partial(_step, on_progress=on_progress)
        for step, line in ((talk, inbox.TALK_LANES), (_take_news, inbox.NEWS_LANES)):
            mine = [lane for lane in lanes if lane in line]
            is_left = bool(mine)
            while is_left and count < most:
                batch = step(workspace, mine, most - count)
                count += batch.count
                is_taken = is_taken or batch.is_taken
                is_left = batch.has_more
                if not batch.count:
                    break
                on_progress()
            has_more = has_more or is_left
    return Drained(count, has_more, is_taken)


def has_due(*, workspace: Workspace, lanes: Sequence[int] = inbox.LANES) -> bool:
    """Say whether the workspace has updates to drain in these lanes."""
    with scope.workspace(workspace):
        return inbox.has_due(workspace=workspace, lanes=lanes, now=clock.now())


def take_turn(*, workspace: Workspace, lane: int) -> Drained:
    """Give a lane a turn of `bulk`, unless another thread of this process is at one.

    Both would look up the same answers, and only one could write them. Whoever calls this looks
    again afterwards (`hand_on`), so nothing is missed that came in between.
    """
    mine = workspace.pk, lane
    with _turns_lock:
        if mine in _turns:
            return Drained(0, has_more=False, is_taken=True)
        _turns.add(mine)
    try:
        return run(
            workspace=workspace,
            lanes=[lane],
            limit=settings.DRAIN_BULK_BATCH,
            on_progress=_goes_on,
        )
    except _GONE:
        inbox.leave_off(workspace_id=workspace.pk, lane=lane)  # smaller batches may get through
        raise
    finally:
        with _turns_lock:
            _turns.discard(mine)


def _goes_on() -> None:
    jobs.keep_holds()
    progress.note()


def hand_on(*, workspace: Workspace, lane: int, done: Drained) -> None:
    """Say what becomes of a lane of talk after turns of `bulk`: it goes on there, or is free."""
    if done.has_more:
        inbox.work_off(workspace_id=workspace.pk, lane=lane)
    elif not done.is_taken:
        inbox.leave_off(workspace_id=workspace.pk, lane=lane)
        # What came in while this lane was held woke nobody.
        if has_due(workspace=workspace, lanes=[lane]):
            inbox.wake({(workspace.pk, lane)})


def _step(
    workspace: Workspace, lanes: Sequence[int], most: int, *, on_progress: Callable[[], None]
) -> Drained:
    """Deal with one batch in one transaction."""
    now = clock.now()
    rows = inbox.peek(workspace=workspace, lanes=lanes, limit=most, now=now)
    batch = _batch(rows)
    if not batch:
        return Drained(0, has_more=False)
    ahead = _look_ahead(workspace, batch)
    on_progress()
    try:
        count = _transact(workspace, batch, ahead)
    except _GONE:
        raise  # the connection or the transaction is gone: the sweep starts over
    except Exception:
        # A bad update among good ones: all again, each on its own.
        _log.exception("messaging.batch.failed")
        count = _transact(workspace, batch, ahead, is_careful=True)
    # A full claim may have left some behind; else what came meanwhile is seen after the commit.
    if count is None:
        return Drained(0, has_more=False, is_taken=True)
    has_more = len(rows) == most or count < len(rows)
    return Drained(
        count, has_more or inbox.has_due(workspace=workspace, lanes=lanes, now=clock.now())
    )


def _look_ahead(workspace: Workspace, batch: Sequence[InboundEvent]) -> LookedUp | None:
    """Look up what the batch asks; None where that fails: then each is asked for on its own.

    That takes most of the time, so it is done before anything is locked.
    """
    texts = [Update.of(row).text("text") for row in batch if row.kind == Kind.MESSAGE]
    try:
        return look_up(workspace, texts)
    except _GONE:
        raise
    except Exception:
        _log.exception("messaging.batch.failed")
        return None


def _take_news(workspace: Workspace, lanes: Sequence[int], most: int) -> Drained:
    """Deal with a batch of news in one transaction: in any order it ends alike.

    What came meanwhile is not asked for: news is looked for all the time.
    """
    try:
        return _transact_news(workspace, lanes, most, _together)
    except _GONE:
        raise
    except Exception:
        _log.exception("messaging.batch.failed")
        return _transact_news(workspace, lanes, most, _one_by_one)


def _transact_news(
    workspace: Workspace, lanes: Sequence[int], most: int, work: Callable[..., int]
) -> Drained:
    with transaction.atomic(durable=not transaction.get_connection().in_atomic_block):
        rows = news.take(workspace=workspace, lanes=lanes, limit=most, now=clock.now())
        count = work(workspace, rows, None, clock.now()) if rows else 0
    return Drained(count, has_more=len(rows) >= most)


def _transact(
    workspace: Workspace,
    batch: Sequence[InboundEvent],
    ahead: LookedUp | None,
    *,
    is_careful: bool = False,
) -> int | None:
    """Return how many were dealt with; None when somebody else is at one of these lanes."""
    with transaction.atomic(durable=not transaction.get_connection().in_atomic_block):
        open_ids = inbox.take(workspace=workspace, rows=batch, now=clock.now())
        if open_ids is None:
            # Somebody is at it, and looks again after its commit. Asking for another turn
            # from here would only keep a processor busy.
            return None
        rows = [row for row in batch if row.pk in open_ids]
        if not rows:
            return 0
        work = _one_by_one if is_careful else _together
        return work(workspace, rows, ahead, clock.now())


def _batch(rows: Sequence[InboundEvent]) -> list[InboundEvent]:
    """Choose what is dealt with in one transaction: the first of each conversation.

    An update of another kind than a customer's message, or one that may change how the rest is
    judged, goes alone.
    """
    if not rows:
        return []
    if _goes_alone(rows[0]):
        return [rows[0]]
    chosen: list[InboundEvent] = []
    spoken_of: set[str] = set()
    for row in rows:
        if _goes_alone(row):
            break
        if row.conversation_key not in spoken_of:
            spoken_of.add(row.conversation_key)
            chosen.append(row)
    return chosen


def _goes_alone(row: InboundEvent) -> bool:
    if row.kind != Kind.MESSAGE or not row.conversation_key:
        return True
    return bool(commands.recognise(Update.of(row).text("text")))


def _together(
    workspace: Workspace,
    rows: Sequence[InboundEvent],
    ahead: LookedUp | None,
    now: datetime,
    *,
    is_careful: bool = False,
) -> int:
    desk = Desk(workspace=workspace, now=now, likely=len(rows), is_careful=is_careful, ahead=ahead)
    if rows[0].lane in inbox.NEWS_LANES:
        done, unknown = statuses.record_all(desk, rows)
        # Other programs may send on the same number: what nobody here knows ends quietly.
        done += [row.pk for row in unknown if row.attempts + 1 >= inbox.MAX_ATTEMPTS]
        unknown = [row for row in unknown if row.attempts + 1 < inbox.MAX_ATTEMPTS]
        inbox.postpone(rows=unknown, reason="the message it speaks of is not known", now=now)
    else:
        done, unknown = inbound.handle_all(desk, rows, is_careful=is_careful), []
        _note_heard(desk, [row for row in rows if row.pk in set(done)])
    desk.close(done=done)
    return len(done) + len(unknown)


def _one_by_one(
    workspace: Workspace, rows: Sequence[InboundEvent], ahead: LookedUp | None, now: datetime
) -> int:
    """Deal with each update in a savepoint: one that fails does not hold up its neighbours."""
    count = 0
    for row in rows:
        with events.correlated(row.correlation):
            try:
                with transaction.atomic():
                    count += _together(workspace, [row], ahead, now, is_careful=True)
            except _GONE:
                raise
            except Exception as error:
                _log.exception("messaging.inbound.failed")
                dead = inbox.postpone(rows=[row], reason=type(error).__name__, now=clock.now())
                count += 1
                events.publish(
                    "messaging.inbound.given-up" if dead else "messaging.inbound.postponed",
                    workspace=workspace.pk,
                    params={"inbound": row.pk, "kind": row.kind},
                    meta={"error": type(error).__name__, "attempt": row.attempts + 1},
                    level=logging.WARNING,
                )
    return count


def _note_heard(desk: Desk, rows: Sequence[InboundEvent]) -> None:
    """Note on which numbers customers wrote."""
    heard = {row.connection_id for row in rows if row.kind == Kind.MESSAGE and row.connection_id}
    known = [desk.connections[pk] for pk in sorted(heard) if pk in desk.connections]
    manager.note_inbound(connections=known, now=desk.now)
    for connection in known:
        desk.usages.append(
            metering.active_number(
                workspace=desk.workspace, connection_id=connection.pk, now=desk.now
            )
        )
