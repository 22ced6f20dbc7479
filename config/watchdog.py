"""Ends a worker that has work and gets none done; whoever keeps it starts it again.

A thread of its own in each worker, with nothing to wait for but the database: the pool may be
stuck, the sweep too, and so may be the connection to the broker.
"""

import contextlib
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from ai import choosing
from connections import sweep
from lib import clock, events, jobs, progress
from lib.progress import Ear
from workspaces import scope

EXIT_CODE = 75  # EX_TEMPFAIL: try again
_LOOKS = 5  # in the time after which a stuck worker ends
_log = logging.getLogger(__name__)


class Watchdog:
    """Watches one worker. `look` says what is wrong; `start` ends the process when it is."""

    def __init__(self, *, name: str, queues: set[str]) -> None:
        self._queues = queues
        self._alive = Path(settings.ALIVE_FOLDER) / f"{name}.alive"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        # Since when work has been seen to wait, and wake-ups to lie there untouched by each ear.
        self._pending_since: float | None = None
        self._deaf_since: dict[Ear, float | None] = dict.fromkeys(Ear)
        self._taken = dict.fromkeys(Ear, -1)

    def start(self) -> None:
        """Begin to watch."""
        progress.note()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more: the worker ends, and may take its time over what it has in hand."""
        self._stop.set()
        with contextlib.suppress(OSError):
            self._alive.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stop.wait(settings.WATCHDOG_SECONDS / _LOOKS):
            try:
                if problem := self.look():
                    self._end(problem)
                self._show_life()
            except Exception:
                _log.exception("config.watchdog.failed")
            finally:
                close_old_connections()

    def look(self) -> str:
        """Return why this worker should end; empty while all is well.

        Work must be seen to wait for the whole time during which none came to an end: a
        database that was away, and all that waits when it is back, are nobody's fault.
        """
        patience = settings.WATCHDOG_SECONDS
        self._pending_since = self._seen(
            self._pending_since, progress.idle_seconds() >= patience / 2 and self._is_pending()
        )
        if _lasts(self._pending_since, patience) and progress.idle_seconds() >= patience:
            return "work waits and none is done"
        # Each for itself: one that hears must not hide that the other one is deaf.
        deaf = [ear for ear in Ear if _lasts(self._listen_to(ear), patience)]
        return "wake-ups lie in the broker and none is taken" if deaf else ""

    def _listen_to(self, ear: Ear) -> float | None:
        """Return since when this ear has taken nothing of what lies there for it."""
        taken = progress.taken(ear)
        is_untouched = taken == self._taken[ear] and progress.running(ear) == 0
        self._taken[ear] = taken
        self._deaf_since[ear] = self._seen(
            self._deaf_since[ear], is_untouched and self._has_wake_ups(ear)
        )
        return self._deaf_since[ear]

    @staticmethod
    def _seen(since: float | None, is_so: bool) -> float | None:
        if not is_so:
            return None
        return time.monotonic() if since is None else since

    def _is_pending(self) -> bool:
        """Say whether work has been due for so long that somebody should have done it.

        False too when the database does not answer: ending would not bring it back.
        """
        patience = settings.WATCHDOG_SECONDS
        now = clock.now()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '2s'")
            due = sweep.find_due(now=now, older_than_seconds=patience)
            if self._queues & {"interactive", "bulk"} and due.lanes:
                return True
            if "send" in self._queues and due.connections:
                return True
            with scope.system():
                return "ai" in self._queues and choosing.has_waited(
                    now=now, older_than_seconds=patience
                )
        except DatabaseError:
            connection.close()
            return False

    def _has_wake_ups(self, ear: Ear) -> bool:
        """Say whether wake-ups of ours lie there for this ear; False when nobody answers."""
        count = jobs.listed_count if ear is Ear.LISTS else jobs.queued_count
        return any(count(queue) for queue in sorted(self._queues))

    def _show_life(self) -> None:
        # For supervisors without HTTP: the file's age says when this process last looked well.
        with contextlib.suppress(OSError):
            self._alive.parent.mkdir(parents=True, exist_ok=True)
            self._alive.touch()

    def _end(self, problem: str) -> None:
        events.publish(
            "config.watchdog.ended",
            meta={"problem": problem, "idle_seconds": round(progress.idle_seconds())},
            level=logging.ERROR,
        )
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: threads that are stuck would be waited for. What was in hand is rolled
        # back by the database and found by the sweep, as after any crash.
        os._exit(EXIT_CODE)


def _lasts(since: float | None, seconds: float) -> bool:
    return since is not None and time.monotonic() - since >= seconds


_watchdogs: list[Watchdog] = []


@signals.worker_init.connect
def begin(sender: Any = None, **_: Any) -> None:
    """Watch the worker from its start."""
    if sender is None or settings.WATCHDOG_SECONDS <= 0:
        return
    name = str(sender.hostname).partition("@")[0]
    _watchdogs.append(Watchdog(name=name, queues=set(sender.app.amqp.queues.consume_from)))
    _watchdogs[-1].start()


@signals.worker_shutting_down.connect
def end(**_: Any) -> None:
    """Watch no more."""
    for watchdog in _watchdogs:
        watchdog.stop()


@signals.task_prerun.connect
def note_begin(**_: Any) -> None:
    """A wake-up was taken."""
    progress.begin(Ear.TASKS)


@signals.task_postrun.connect
def note_end(**_: Any) -> None:
    """A task came to an end."""
    progress.end(Ear.TASKS)


@signals.task_revoked.connect
def note_dropped(**_: Any) -> None:
    """A wake-up that was too old was taken, and dropped unread: so lie those of a long absence."""
    progress.begin(Ear.TASKS)
    progress.end(Ear.TASKS)
