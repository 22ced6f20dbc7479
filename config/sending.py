"""The senders among the workers: they beat while they live, and end without losing a send.

A worker for new messages sends what it has answered itself: nobody need be woken for it. What
is more than a turn, and what its few threads do not get to, is for the `sender` processes.
"""

import atexit
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import signals
from django.db import close_old_connections

from connections import leases, outbox
from connections import sender as sending
from lib import jobs, progress
from workspaces import registry

_log = logging.getLogger(__name__)
# A provider that hangs holds a turn, and its thread, for a second and a half.
THREADS, MOST_WAITING = 4, 16


class Nearby:
    """Sends in this process what this process has put into the outbox."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="nearby")
        self._waiting: set[int] = set()  # connections that are asked for and not begun
        self._lock = threading.Lock()

    def take(self, *, connection_id: int, workspace_id: int | None = None, **_: object) -> bool:
        """Give a number its turn soon. False when others must: see `lib.jobs.take_here`."""
        with self._lock:
            if sending.is_stopping():
                return False
            if connection_id in self._waiting:
                return True
            if workspace_id is None or len(self._waiting) >= MOST_WAITING:
                return False
            self._waiting.add(connection_id)
        try:
            self._pool.submit(self._serve, workspace_id, connection_id)
        except RuntimeError:  # the process is about to end
            with self._lock:
                self._waiting.discard(connection_id)
            return False
        return True

    def _serve(self, workspace_id: int, connection_id: int) -> None:
        with self._lock:  # before looking: what is put from now on asks anew
            self._waiting.discard(connection_id)
        try:
            close_old_connections()
            space = registry.by_id(workspace_id)
            if space is not None and sending.serve(workspace=space, connection_id=connection_id):
                outbox.wake(connection_id, workspace_id=workspace_id, anywhere=True)
        except Exception:
            _log.exception("config.sending.failed")  # it is due, and found by the sweep
        finally:
            close_old_connections()
            progress.note()  # nothing was taken from the broker for it


@signals.worker_init.connect
def begin(sender: Any = None, **_: Any) -> None:
    """Start the heartbeat of a worker that sends."""
    queues = set(sender.app.amqp.queues.consume_from) if sender is not None else set()
    if queues & {"send", "interactive"}:
        leases.begin()
        # After the threads that still record: until then its claims are in good hands.
        atexit.register(leases.end)
    if "interactive" in queues:
        jobs.take_here("connections.send", Nearby().take)


@signals.worker_shutting_down.connect
def end(**_: Any) -> None:
    """Take no more; the turns that run wait for what is in flight."""
    sending.stop()
