"""Enqueue a job by its name, after the commit. The broker carries wake-ups only."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import redis
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.pools import producers
from redis.backoff import NoBackoff
from redis.retry import Retry

from lib import events

Argument = str | int | bool | None

# A broker that hangs must not hold a customer's webhook: what is not told in time is found
# by the sweep. Workers read with the longer patience of the app's own settings.
_PATIENCE_SECONDS = {"socket_connect_timeout": 0.5, "socket_timeout": 1.0}
# After a failure nobody asks again for a while: the longer it took to fail, the longer.
_AWAY_SECONDS, _AWAY_FACTOR, _AWAY_MOST_SECONDS = 2.0, 30, 60.0


T = TypeVar("T")


class Away(Exception):
    """The server did not answer a moment ago."""


class _Server:
    """A server that may be away. Remembers it, so that one caller at most waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._is_tried = False

    def ask(self, work: Callable[[], T]) -> T:
        """Return what `work` returns. Raises Away at once while the server is known to be away."""
        if time.monotonic() < self._away_until:
            raise Away
        with self._lock:
            was_away = self._away_until > 0
            if was_away and self._is_tried:
                raise Away  # somebody else is finding out whether it is back
            self._is_tried = was_away
        started = time.monotonic()
        try:
            answer = work()
        except Exception:
            cost = time.monotonic() - started
            pause = min(max(_AWAY_SECONDS, cost * _AWAY_FACTOR), _AWAY_MOST_SECONDS)
            self._note(time.monotonic() + pause)
            raise
        self._note(0.0)
        return answer

    def forget(self) -> None:
        """Think well of the server again."""
        self._note(0.0)

    def _note(self, away_until: float) -> None:
        with self._lock:
            self._away_until, self._is_tried = away_until, False


_broker, _marks = _Server(), _Server()

# How long a wake-up counts as waiting in line, at most: a worker that died with it in hand
# must not silence those that follow. The sweep covers what is missed within that time.
_ONCE_MS = 1500


@lru_cache(maxsize=1)
def _redis(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.5, socket_timeout=0.5
    )


def _is_first(once: str) -> bool:
    """Say whether no wake-up of this kind waits in line; True when nobody can tell."""
    key = f"once:{once}"
    try:
        return bool(
            _marks.ask(lambda: _redis(settings.REDIS_URL).set(key, 1, nx=True, px=_ONCE_MS))
        )
    except (redis.RedisError, Away):
        return True


def begun(once: str) -> None:
    """Say that a wake-up enqueued with `once` is out of the line: the next one counts again.

    Call before looking for work, so that what comes in meanwhile asks anew.
    """
    with contextlib.suppress(redis.RedisError, Away):
        _marks.ask(lambda: _redis(settings.REDIS_URL).delete(f"once:{once}"))


def enqueue(
    name: str,
    *,
    queue: str = "interactive",
    delay_seconds: float = 0,
    once: str = "",
    **arguments: Argument,
) -> None:
    """Ask a worker to run the task `name` with `arguments` once the transaction commits.

    Never raises when the broker is away, and hardly waits: what is due stands in a table, and
    the sweep of every worker finds it within seconds. With `once`, nothing is sent while a
    wake-up of that name waits in line; its task calls `begun(once)` first of all.
    """
    identifier = events.correlation()

    def send() -> None:
        if once and not _is_first(once):
            return
        try:
            _broker.ask(
                lambda: _send(
                    name,
                    kwargs=arguments,
                    queue=queue,
                    countdown=delay_seconds or None,
                    headers={"correlation": identifier},
                )
            )
        except Exception as error:
            events.publish(
                "lib.job.not-enqueued",
                params={"job": name, "error": type(error).__name__},
                # While it is known to be away, every message would say so again.
                level=logging.DEBUG if isinstance(error, Away) else logging.WARNING,
            )

    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(send)
    else:  # on_commit would ask the database first, which a wake-up has no need of
        send()


def _send(name: str, **options: Any) -> None:
    connection = current_app.connection_for_write(transport_options=_PATIENCE_SECONDS)
    with producers[connection].acquire(block=True, timeout=1) as producer:
        current_app.send_task(name, producer=producer, retry=False, ignore_result=True, **options)
