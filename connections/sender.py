"""Send what the outbox holds: many at once, one at a time per conversation, no transaction open.

A turn keeps a window of calls to the provider open. Whatever has been answered while the last
claim ran is recorded together, by one statement, and the next one claims what follows.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.db import connection as database

from connections import alarm_clock, breaker, calls, leases, outbox, pacing, recording
from connections import routes as lines
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
# Who found nothing to claim looks again no sooner, whatever seems to be due.
_AFTER_NOTHING_SECONDS = 0.25

_AWAY = (OperationalError, InterfaceError, InternalError)

T = TypeVar("T")
_pool = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="call")
_closers = ThreadPoolExecutor(4, thread_name_prefix="closer")
_stopping = threading.Event()
_running: dict[int, "_Turn | None"] = {}
_lock = threading.Lock()
# Through whom a number was seen to send last: tells whether its provider is down before anything
# is claimed. What is sent goes by the row that the claim returns.
_seen: dict[int, str] = {}
_MOST_SEEN = 10_000


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
        with scope.mailboxes(workspace):
            turn = _running[connection_id] = _Turn(workspace, connection_id)
            has_more = turn.run(time.monotonic() + TURN_SECONDS)
            if not turn.finish(LINGER_SECONDS):
                _closers.submit(_close, turn)
            else:
                has_more = turn.has_more()
    finally:
        with _lock:
            del _running[connection_id]
    # Who asked meanwhile may have put a send just after the last look.
    return has_more or turn.was_asked


def send_due(*, workspace: Workspace, connection_id: int, limit: int | None = None) -> bool:
    """Send what is due on a connection, at most `limit`; everything is recorded at the return.

    Returns whether more may be waiting.
    """
    with scope.mailboxes(workspace):
        turn = _Turn(workspace, connection_id, limit)
        turn.run(time.monotonic() + TURN_SECONDS)
        turn.finish(None)
        return turn.has_more()


def stop() -> None:
    """Claim no more (SIGTERM); turns wait for what is in flight, record it and end."""
    _stopping.set()


def is_stopping() -> bool:
    """Say whether this process claims no more: what is due is others' to send."""
    return _stopping.is_set()


def _close(turn: "_Turn") -> None:
    """Wait for the slow calls of a turn that is over, and see to what waited behind them."""
    try:
        with scope.mailboxes(turn.workspace):
            turn.finish(None)
            if turn.has_more():
                outbox.wake(turn.connection_id, workspace_id=turn.workspace.pk, anywhere=True)
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

    def __init__(self, workspace: Workspace, connection_id: int, limit: int | None = None) -> None:
        self.workspace, self.connection_id = workspace, connection_id
        self.was_asked = False  # a wake-up came after the last claim
        self._left = limit
        self._window = int(settings.SEND_IN_FLIGHT)
        self._connection: Connection | None = None  # as the last claim found it
        self._caller: calls.Caller | None = None
        self._in_flight: set[int] = set()
        self._done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._is_deep = False  # the last claim took all that it had room for
        self._is_empty = False  # the last claim found nothing more
        self._has_planned = False  # for a line as deep as this one
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
        return True

    def has_more(self) -> bool:
        """Say whether another turn may find something."""
        if self._connection is not None and self._connection.most_gap_ms:
            self._set_alarm()
            return False
        if self._is_empty or breaker.is_open(self._provider):
            return False  # a provider that is down: the sweep asks again
        return outbox.has_due(connection_id=self.connection_id, now=clock.now())

    def _set_alarm(self) -> None:
        """See to a number that sends with gaps when its next message is due, not before."""
        now = clock.now()
        resting = self._connection and self._connection.slow_until
        seconds = self._persist(
            lambda: pacing.next_in_seconds(connection_id=self.connection_id, now=now)
        )
        if seconds is not None:
            rest = max(0.0, (resting - now).total_seconds()) if resting else 0.0
            least = _AFTER_NOTHING_SECONDS if self._is_empty else 0.0
            alarm_clock.set_for(
                connection_id=self.connection_id,
                workspace_id=self.workspace.pk,
                seconds=max(seconds, rest, least),
            )

    @property
    def _provider(self) -> str:
        return _seen.get(self.connection_id, "")

    def _is_over(self, until: float) -> bool:
        return time.monotonic() >= until or _stopping.is_set() or self._left == 0

    def _room(self) -> int:
        if time.monotonic() < self._resume_at:
            return 0
        free = self._window - len(self._in_flight)
        wanted = free if self._left is None else min(free, self._left)
        return breaker.room(self._provider, wanted) if wanted > 0 else 0

    # --- Calls -----------------------------------------------------------------------------

    def _begin(self, caller: calls.Caller, claims: list[_Begun]) -> None:
        fresh = [begun for begun in claims if not begun.is_stale]
        # A provider that nobody here knew of, or that has fallen since, is left alone.
        fresh = fresh[: breaker.room(caller.provider, len(fresh))]
        breaker.begin(caller.provider, len(fresh))
        for begun in fresh:
            self._in_flight.add(begun.job.pk)
            _pool.submit(self._call, caller, begun)
        if len(fresh) < len(claims):
            begun_ids = {begun.job.pk for begun in fresh}
            unsent = [begun.job for begun in claims if begun.job.pk not in begun_ids]
            self._persist(lambda: outbox.give_back(jobs=unsent, now=clock.now()))
            leases.let_go(job.pk for job in unsent)

    def _call(self, caller: calls.Caller, begun: _Begun) -> None:
        with events.correlated(begun.job.correlation):
            if begun.is_stale:
                breaker.release(caller.provider)
                self._done.put(Outcome(begun.job))
            else:
                self._done.put(caller.send(begun.job))

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
        """Record outcomes, then claim what follows and begin it.

        Two commits, and both wait for the disk: see `connections.accepting`. With it
        the outcomes are there too.
        """
        if wanted > 0:
            self.was_asked = False
        if outcomes and self._connection is not None:
            self._record(self._connection, outcomes)
        if wanted > 0 and not (outcomes and self._is_empty):
            self._claim(wanted)

    def _record(self, connection: Connection, outcomes: list[Outcome]) -> None:
        has_more = self._persist(
            lambda: recording.record(connection=connection, outcomes=outcomes, now=clock.now())
        )
        self._is_empty = not has_more
        self._is_deep = self._is_deep and has_more
        leases.let_go(outcome.job.pk for outcome in outcomes)
        recording.announce(connection=connection, outcomes=outcomes)

    def _claim(self, wanted: int) -> None:
        asked = time.monotonic(), time.time()
        claimed = self._persist(
            lambda: outbox.claim_batch(
                workspace=self.workspace,
                connection_id=self.connection_id,
                limit=wanted,
                now=clock.now(),
            )
        )
        leases.hold(job.pk for job in claimed.jobs)
        self._is_deep = len(claimed.jobs) == wanted
        self._is_empty = not claimed.jobs and not claimed.wait_seconds
        if claimed.wait_seconds:
            self._resume_at = time.monotonic() + max(claimed.wait_seconds, _PACE_SECONDS)
        if self._left is not None:
            self._left -= len(claimed.jobs)
        if claimed.connection is not None:
            caller = self._meet(claimed.connection)
            self._begin(caller, [_Begun(job, *asked) for job in claimed.jobs])
        if self._is_deep and not self._has_planned:
            self._persist(outbox.plan_anew)
            self._has_planned = True

    def _meet(self, connection: Connection) -> calls.Caller:
        """Take the number as it is now: who speaks for it holds no older credentials."""
        self._connection = connection
        route = lines.route_to(connection)
        if self._caller is None or not self._caller.speaks_for(connection, route):
            self._caller = calls.Caller(connection, route)
        if len(_seen) >= _MOST_SEEN:
            _seen.clear()
        _seen[self.connection_id] = connection.provider
        return self._caller

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
                    params={"connection": self.connection_id, "error": type(error).__name__},
                    meta={"in_flight": len(self._in_flight)},
                    level=logging.WARNING,
                )
            time.sleep(pause)
            pause = min(1.0, pause * 2)
