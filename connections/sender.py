"""Send what the outbox holds: many at once, one at a time per conversation, no transaction open.

A turn keeps a window of calls to the provider open. Whatever has been answered while the last
commit ran is recorded together, and the same commit claims what follows.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, transaction
from django.db import connection as database

from connections import breaker, calls, leases, outbox, pacing, recording
from connections.calls import Outcome
from connections.models import Connection, OutboundJob
from lib import clock, events
from workspaces import scope
from workspaces.models import Workspace

# How long a turn takes new sends before other numbers get theirs.
TURN_SECONDS = 1.0
# Calls that are slower are left to a thread of their own when the turn ends.
LINGER_SECONDS = 0.5
# A claim that was not begun by then is given back: others may judge it soon.
_BEGIN_WITHIN_SECONDS = 2.0
# In a deep line, outcomes are waited for a little, so that a commit is worth its price.
_GATHER_SECONDS = 0.01
# What was sent is kept for so long when the database is away.
_KEEP_SECONDS = 60.0
_MOST_CALLS = 256
# A number at the limit of its pace gets what has gathered meanwhile, not one at a time.
_PACE_SECONDS = 0.05

_AWAY = (OperationalError, InterfaceError, InternalError)

T = TypeVar("T")
_pool = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="call")
_closers = ThreadPoolExecutor(16, thread_name_prefix="closer")
_stopping = threading.Event()
_running: dict[int, "_Turn | None"] = {}
_lock = threading.Lock()


def serve(*, workspace: Workspace, connection_id: int) -> bool:
    """Give a number its turn, unless it has one in this process. Returns whether more waits."""
    with _lock:
        if connection_id in _running:
            if turn := _running[connection_id]:
                turn.poke()
            return False
        _running[connection_id] = None
    turn = None
    try:
        with scope.workspace(workspace):
            connection = _connection(workspace, connection_id)
            if connection is None:
                return False
            turn = _running[connection_id] = _Turn(workspace, connection)
            has_more = turn.run(time.monotonic() + TURN_SECONDS)
            if not turn.finish(LINGER_SECONDS):
                _closers.submit(_close, turn)
            else:
                has_more = turn.has_more()
    finally:
        with _lock:
            del _running[connection_id]
    # Who asked meanwhile may have put a send just after the last look.
    return (has_more or turn.was_asked) and not _stopping.is_set()


def send_due(*, workspace: Workspace, connection_id: int, limit: int | None = None) -> bool:
    """Send what is due on a connection, at most `limit`; everything is recorded at the return.

    Returns whether more may be waiting.
    """
    with scope.workspace(workspace):
        connection = _connection(workspace, connection_id)
        if connection is None:
            return False
        turn = _Turn(workspace, connection, limit)
        turn.run(time.monotonic() + TURN_SECONDS)
        turn.finish(None)
        return turn.has_more()


def stop() -> None:
    """Claim no more (SIGTERM); turns wait for what is in flight, record it and end."""
    _stopping.set()


def _connection(workspace: Workspace, connection_id: int) -> Connection | None:
    return Connection.objects.filter(pk=connection_id, workspace=workspace).first()


def _close(turn: "_Turn") -> None:
    """Wait for the slow calls of a turn that is over, and see to what waited behind them."""
    try:
        with scope.workspace(turn.workspace):
            turn.finish(None)
            if turn.has_more():
                outbox.wake(turn.connection.pk)
    finally:
        database.close()


@dataclass(frozen=True)
class _Begun:
    """A claim and when it was asked for, by two clocks: one of them stands still in a sleep."""

    job: OutboundJob
    monotonic: float
    wall: float

    @property
    def is_stale(self) -> bool:
        age = max(time.monotonic() - self.monotonic, time.time() - self.wall)
        return _stopping.is_set() or age > _BEGIN_WITHIN_SECONDS


class _Turn:
    """One number's window of calls. Used by one thread at a time; calls only fill its queue."""

    def __init__(
        self, workspace: Workspace, connection: Connection, limit: int | None = None
    ) -> None:
        self.workspace, self.connection = workspace, connection
        self.was_asked = False  # a wake-up came after the last claim
        self._left = limit
        self._window = int(settings.SEND_IN_FLIGHT)
        self._caller = calls.Caller(connection)
        self._in_flight: set[int] = set()
        self._done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._is_deep = False  # the last claim took all that it had room for
        self._is_empty = False  # the last claim found nothing more
        self._resume_at = 0.0  # the number's pace lets nothing out before

    def poke(self) -> None:
        """Look again: something new is due."""
        self.was_asked = True
        self._done.put(None)

    def run(self, until: float) -> bool:
        """Claim, send and record until nothing is due or the time is over; say if more waits."""
        outcomes: list[Outcome] = []
        while True:
            self._commit(outcomes, 0 if self._is_over(until) else self._room())
            if self._is_over(until):
                return self.has_more()
            pause = self._resume_at - time.monotonic()
            if not self._in_flight:
                if pause <= 0:
                    return self.has_more()
                time.sleep(max(0.0, min(pause, until - time.monotonic())))
                outcomes = []
                continue
            outcomes = self._gather(min(until, self._resume_at) if pause > 0 else until)

    def finish(self, linger_seconds: float | None) -> bool:
        """Wait for what is in flight and record it. False when the time was too short."""
        until = None if linger_seconds is None else time.monotonic() + linger_seconds
        while self._in_flight:
            if until is not None and time.monotonic() >= until and not _stopping.is_set():
                return False
            self._commit(self._gather(until), 0)
            self._is_empty = False  # what waited behind it may go now
        return True

    def has_more(self) -> bool:
        """Say whether another turn may find something."""
        if self._is_empty or breaker.is_open(self.connection.provider):
            return False  # a provider that is down: the sweep asks again
        return outbox.has_due(connection_id=self.connection.pk, now=clock.now())

    def _is_over(self, until: float) -> bool:
        return time.monotonic() >= until or _stopping.is_set() or self._left == 0

    def _room(self) -> int:
        if time.monotonic() < self._resume_at:
            return 0
        free = self._window - len(self._in_flight)
        wanted = free if self._left is None else min(free, self._left)
        return breaker.room(self.connection.provider, wanted) if wanted > 0 else 0

    # --- Calls -----------------------------------------------------------------------------

    def _begin(self, claims: list[_Begun]) -> None:
        stale = [begun.job for begun in claims if begun.is_stale]
        fresh = [begun for begun in claims if not begun.is_stale]
        breaker.begin(self.connection.provider, len(fresh))
        for begun in fresh:
            self._in_flight.add(begun.job.pk)
            _pool.submit(self._call, begun)
        if stale:
            self._persist(lambda: outbox.give_back(jobs=stale, now=clock.now()))
            leases.let_go(job.pk for job in stale)

    def _call(self, begun: _Begun) -> None:
        with events.correlated(begun.job.correlation):
            if begun.is_stale:
                breaker.release(self.connection.provider)
                self._done.put(Outcome(begun.job))
            else:
                self._done.put(self._caller.send(begun.job))

    def _gather(self, until: float | None) -> list[Outcome]:
        """Return what has been answered: one at least, unless the time is over or more is due."""
        found: list[Outcome] = []
        enough = max(1, self._window // 2)
        patience = 0.0
        while self._in_flight:
            if not found:
                left = None if until is None else max(0.0, until - time.monotonic())
            elif self._is_deep and len(found) < enough:
                left = max(0.0, patience - time.monotonic())
            else:
                left = 0.0
            try:
                outcome = self._done.get(timeout=left) if left != 0 else self._done.get_nowait()
            except queue.Empty:
                break
            if outcome is None:
                break
            if not found:
                patience = time.monotonic() + _GATHER_SECONDS
            found.append(outcome)
            self._in_flight.discard(outcome.job.pk)
        return found

    # --- Commits ---------------------------------------------------------------------------

    def _commit(self, outcomes: list[Outcome], wanted: int) -> None:
        """Record outcomes and claim what follows, in one transaction; begin what was claimed."""
        if wanted > 0:
            self.was_asked = False
        elif not outcomes:
            return
        asked = time.monotonic(), time.time()
        claimed = self._persist(lambda: self._record_and_claim(outcomes, wanted))
        leases.hold(job.pk for job in claimed.jobs)
        leases.let_go(outcome.job.pk for outcome in outcomes)
        recording.announce(connection=self.connection, outcomes=outcomes)
        if wanted > 0:
            self._is_deep = len(claimed.jobs) == wanted
            self._is_empty = not claimed.jobs and not claimed.wait_seconds
            if claimed.wait_seconds:
                self._resume_at = time.monotonic() + max(claimed.wait_seconds, _PACE_SECONDS)
        if self._left is not None:
            self._left -= len(claimed.jobs)
        self._begin([_Begun(job, *asked) for job in claimed.jobs])

    def _record_and_claim(self, outcomes: list[Outcome], wanted: int) -> pacing.Claimed:
        now = clock.now()
        if not outcomes:
            return self._claim(wanted, now)  # one statement: it is its own transaction
        with transaction.atomic(durable=True):
            with database.cursor() as cursor:
                # By key, whatever the planner believes of a table that grows by the second.
                cursor.execute("SET LOCAL enable_seqscan = off")
            recording.record(connection=self.connection, outcomes=outcomes, now=now)
            is_due = wanted > 0 and outbox.has_due(connection_id=self.connection.pk, now=now)
            claimed = self._claim(wanted, now) if is_due else pacing.Claimed([])
            if not claimed.jobs:
                # Only a claim must be on the disk before anything is sent. An outcome that a
                # crash of the server takes back is told once more, by its status.
                with database.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit = off")
            return claimed

    def _claim(self, wanted: int, now: datetime) -> pacing.Claimed:
        return outbox.claim_batch(
            workspace=self.workspace, connection_id=self.connection.pk, limit=wanted, now=now
        )

    def _persist(self, work: Callable[[], T]) -> T:
        """Do `work`, again and again while the database is away: what was sent must be told."""
        give_up_at = time.monotonic() + _KEEP_SECONDS
        pause = 0.1
        while True:
            try:
                return work()
            except _AWAY as error:
                if time.monotonic() > give_up_at:
                    raise
                leases.doubt()
                database.close()
                events.publish(
                    "connections.sender.kept",
                    params={"connection": self.connection.pk, "error": type(error).__name__},
                    meta={"in_flight": len(self._in_flight)},
                    level=logging.WARNING,
                )
            time.sleep(pause)
            pause = min(1.0, pause * 2)
