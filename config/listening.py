"""Each worker's ears for wake-ups over Redis (`lib.wakes`): a thread for each job at a time.

Beside the task queue's own consumer, which has what the clock brings, what is put off, and
everything where the broker is another one.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import redis
from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections
from redis.backoff import NoBackoff
from redis.retry import Retry

from lib import events, jobs, progress, wakes
from lib.progress import Ear

_log = logging.getLogger(__name__)
# How long one look waits, and after what of silence Redis is taken to be gone.
_WAIT_SECONDS, _SILENT_SECONDS = 2, 5.0
_AWAY_SECONDS = 0.5
_THREADS = 2
# What is in hand when the worker ends is waited for; after that it is rolled back, and due again.
_FINISH_SECONDS = 20.0


class Listener:
    """Takes wake-ups out of the queues that a worker serves, and does them."""

    def __init__(self, app: Celery, queues: Sequence[str], *, threads: int) -> None:
        self._app, self._queues = app, list(queues)
        self._stop = threading.Event()
        self._is_away = False
        self._threads = [
            threading.Thread(target=self._run, name=f"listener-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to listen; Redis need not be there yet."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait until what was in hand is done, so many seconds at most."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        client = redis.Redis.from_url(
            settings.REDIS_URL,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=1,
            socket_timeout=_SILENT_SECONDS,
        )
        while not self._stop.is_set():
            try:
                wake = wakes.pop(client, self._queues, seconds=_WAIT_SECONDS)
                self._is_away = False
            except redis.RedisError as error:
                self._note_away(error)
                self._stop.wait(_AWAY_SECONDS)
                continue
            except Exception:
                _log.exception("config.listener.failed")
                self._stop.wait(_AWAY_SECONDS)
                continue
            if wake is not None:
                self._do(wake)
        client.close()
        close_old_connections()

    def _note_away(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            events.publish(
                "config.listener.unheard",
                params={"error": type(error).__name__},
                level=logging.WARNING,
            )

    def _do(self, wake: wakes.Wake) -> None:
        task = self._app.tasks.get(wake.name)
        if task is None:
            return  # of a newer version than this process: the sweep of its own finds it
        progress.begin(Ear.LISTS)
        with events.correlated(wake.correlation):
            try:
                close_old_connections()
                task.run(**wake.arguments)
            except Exception:
                _log.exception("config.job.failed")
            finally:
                progress.end(Ear.LISTS)
                close_old_connections()


_listeners: list[Listener] = []


@signals.worker_init.connect
def begin(sender: Any = None, **_: Any) -> None:
    """Listen from the worker's start, whether the broker answers or not."""
    if sender is None or not jobs.is_light():
        return
    queues = list(sender.app.amqp.queues.consume_from)
    threads = sender.concurrency if isinstance(sender.concurrency, int) else _THREADS
    listener = Listener(sender.app, queues, threads=threads)
    _listeners.append(listener)
    listener.start()


@signals.worker_shutting_down.connect
def stop(**_: Any) -> None:
    """Take no more."""
    for listener in _listeners:
        listener.stop()


@signals.worker_shutdown.connect
def end(**_: Any) -> None:
    """Wait until what is in hand is done."""
    for listener in _listeners:
        listener.stop()
        listener.join(_FINISH_SECONDS)
