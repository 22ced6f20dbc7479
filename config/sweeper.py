"""Every worker's own sweep: work that is due is done, even when no wake-up ever came.

A thread in each worker asks PostgreSQL every few seconds what is due and does it on the
spot. So a lost wake-up, a restarted broker or a stuck consumer costs seconds, not messages.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import signals
from django.conf import settings
from django.db import close_old_connections

from ai import choosing
from connections import inbox, sender, sweep
from lib import clock, events, jobs, progress
from messaging import choices, drain
from workspaces import registry, scope

_log = logging.getLogger(__name__)
_THREADS = 2
_BATCHES = 50  # of one number's sends, before others get their turn
_DRAINS = 5  # batches of one lane, likewise
_NEWS, _NEWS_TURN_SECONDS = 300, 1.0


class Sweeper:
    """Does what is due in the queues that this worker serves."""

    def __init__(self, queues: set[str]) -> None:
        self._drains = bool(queues & {"interactive", "bulk"})
        # A worker for new messages only lends a hand with what lies: a batch each time, and none
        # of a flood that `bulk` works off, so that it stays free for who writes now.
        self._is_bulk = "bulk" in queues
        self._batches = _DRAINS if self._is_bulk else 1
        self._sends = "send" in queues
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sweep")
        self._busy: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, name="sweeper", daemon=True)]
        if self._is_bulk:
            self._threads.append(threading.Thread(target=self._watch, name="news", daemon=True))

    def start(self) -> None:
        """Begin sweeping every SWEEP_SECONDS."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more work; what is in hand is finished."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._stop.wait(settings.SWEEP_SECONDS):
            try:
                self.sweep()
            except Exception:
                _log.exception("config.sweep.failed")
            finally:
                close_old_connections()

    def _watch(self) -> None:
        """Look for news: what became of our messages is taken together as it gathers."""
        while not self._stop.wait(settings.NEWS_SECONDS):
            try:
                for workspace_id in sweep.find_news(now=clock.now()):
                    self._do("news", workspace_id, self._take_news, workspace_id)
            except Exception:
                _log.exception("config.sweep.failed")
            finally:
                close_old_connections()

    def sweep(self) -> None:
        """Find what is due and hand it to this worker's own threads."""
        now = clock.now()
        if self._sends:
            sweep.settle(now=now)
        due = sweep.find_due(now=now)
        if self._is_bulk and not due.lanes:
            jobs.keep_holds()  # it lives, and reaches the database
        if self._drains:
            for workspace_id, lane in due.lanes:
                if self._is_bulk and lane in inbox.NEWS_LANES:
                    continue  # looked for all the time
                if not self._is_bulk and inbox.is_worked_off(workspace_id, lane):
                    continue
                self._do("drain", workspace_id * 10 + lane, self._drain, workspace_id, lane)
            with scope.system():
                late = choosing.find_late(now=now)
            for workspace_id in late:
                self._do("choice", workspace_id, self._finish_choices, workspace_id)
        if self._sends:
            for workspace_id, connection_id in due.connections:
                self._do("send", connection_id, self._send, workspace_id, connection_id)
        if not self._busy:
            progress.note()  # there was nothing to do

    def _do(self, kind: str, identifier: int, work: Any, *arguments: int) -> None:
        key = (kind, identifier)
        with self._lock:
            if key in self._busy or self._stop.is_set():
                return
            self._busy.add(key)
        self._pool.submit(self._guarded, key, work, *arguments)

    def _guarded(self, key: tuple[str, int], work: Any, *arguments: int) -> None:
        try:
            close_old_connections()
            work(*arguments)
            if key[0] != "news":
                events.publish("config.sweep.worked", meta={"kind": key[0]})
        except Exception:
            _log.exception("config.sweep.failed")
        finally:
            close_old_connections()
            progress.note()
            with self._lock:
                self._busy.discard(key)

    def _drain(self, workspace_id: int, lane: int) -> None:
        space = registry.by_id(workspace_id)
        if space is None:
            return
        if not self._is_bulk:
            drain.run(workspace=space, lanes=[lane], limit=settings.DRAIN_BATCH)
            return
        done = drain.take_turn(workspace=space, lane=lane)
        for _ in range(_DRAINS - 1):
            if not done.has_more or self._stop.is_set():
                break
            progress.note()
            done = drain.take_turn(workspace=space, lane=lane)
        # Whoever had it may have died; and what is left has its turn in `bulk`.
        drain.hand_on(workspace=space, lane=lane, done=done)

    def _take_news(self, workspace_id: int) -> None:
        space = registry.by_id(workspace_id)
        until = time.monotonic() + _NEWS_TURN_SECONDS
        while space is not None and not self._stop.is_set() and time.monotonic() < until:
            # In any order it ends alike, so that much more of it goes together.
            if not drain.run(workspace=space, lanes=inbox.NEWS_LANES, limit=_NEWS).has_more:
                return
            progress.note()

    def _send(self, workspace_id: int, connection_id: int) -> None:
        space = registry.by_id(workspace_id)
        for _ in range(_BATCHES):
            if space is None or self._stop.is_set():
                return
            if not sender.serve(workspace=space, connection_id=connection_id):
                return
            progress.note()

    def _finish_choices(self, workspace_id: int) -> None:
        space = registry.by_id(workspace_id)
        for _ in range(self._batches):
            if space is None or self._stop.is_set() or not choices.finish_all(workspace=space):
                return


_sweepers: list[Sweeper] = []


@signals.worker_init.connect
def begin(sender: Any = None, **_: Any) -> None:
    """Start sweeping before the broker is asked for anything: it works without one."""
    queues = set(sender.app.amqp.queues.consume_from) if sender is not None else set()
    if queues & {"interactive", "bulk", "send"}:
        sweeper = Sweeper(queues)
        _sweepers.append(sweeper)
        sweeper.start()


@signals.worker_shutting_down.connect
def end(**_: Any) -> None:
    """Stop sweeping with the worker."""
    for sweeper in _sweepers:
        threading.Thread(target=sweeper.stop, daemon=True).start()
