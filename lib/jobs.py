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

from lib import brokers, events, wakes

Argument = str | int | bool | None

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
# A hold outlasts the line before whoever works it off, and counts only while they get something
# done: what they held when they died, or broke, is free again then.
_HOLD_MS = 30_000
_KEPT, _KEPT_MS = "once:holders", 8_000


@lru_cache(maxsize=1)
def _redis(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.5, socket_timeout=0.5
    )


def _is_wanted(once: str, unless: str) -> bool:
    """Say whether a wake-up shall be sent; True when nobody can tell."""

    def ask() -> bool:
        line = _redis(settings.REDIS_URL).pipeline(transaction=False)
        if unless:
            line.exists(*_held_by(unless))
        if once:
            line.set(f"once:{once}", 1, nx=True, px=_ONCE_MS)
        answers = line.execute()
        return not (unless and answers[0] == _ALL) and (not once or bool(answers[-1]))

    if not once and not unless:
        return True
    try:
        return _marks.ask(ask)
    except (redis.RedisError, Away):
        return True


def begun(once: str, *, unless: str = "") -> bool:
    """Say that a wake-up enqueued with `once` is out of the line: the next one counts again.

    Call before looking for work, so that what comes in meanwhile asks anew. Returns False when
    somebody holds `unless` by now, and sees to it.
    """

    def ask() -> bool:
        line = _redis(settings.REDIS_URL).pipeline(transaction=False)
        line.delete(f"once:{once}")
        if unless:
            line.exists(*_held_by(unless))
        answers = line.execute()
        return not unless or answers[-1] < _ALL

    try:
        return _marks.ask(ask)
    except (redis.RedisError, Away):
        return True


def hold(once: str) -> None:
    """Keep wake-ups of this name, and those enqueued `unless` it, away while it is worked off.

    For who works something off in many turns, or asks others to: call at each turn, and `begun`
    at the end. It counts only while those others say that they get something done (`keep_holds`).
    """
    with contextlib.suppress(redis.RedisError, Away):
        _marks.ask(lambda: _redis(settings.REDIS_URL).set(f"once:{once}", 1, px=_HOLD_MS))


def keep_holds() -> None:
    """Say that those who work off what is held got something done, or had nothing to do."""
    with contextlib.suppress(redis.RedisError, Away):
        _marks.ask(lambda: _redis(settings.REDIS_URL).set(_KEPT, 1, px=_KEPT_MS))


def are_holds_kept() -> bool:
    """Say whether somebody works off what is held; True when nobody can tell."""
    try:
        return _marks.ask(lambda: bool(_redis(settings.REDIS_URL).exists(_KEPT)))
    except (redis.RedisError, Away):
        return True


def is_held(once: str) -> bool:
    """Say whether somebody holds this name; False when nobody can tell."""
    try:
        return _marks.ask(lambda: _redis(settings.REDIS_URL).exists(*_held_by(once)) == _ALL)
    except (redis.RedisError, Away):
        return False


def _held_by(once: str) -> tuple[str, str]:
    """Return the marks that are all there while a name is held."""
    return f"once:{once}", _KEPT


_ALL = 2


# Jobs that this process does itself, without the broker: by name, who takes them.
_takers: dict[str, Callable[..., bool]] = {}


def take_here(name: str, take: Callable[..., bool]) -> None:
    """Let `take` have the jobs of this name that are enqueued in this process.

    It gets the arguments, after the commit, and must neither wait nor raise; what it declines
    (False) goes to the broker as ever.
    """
    _takers[name] = take


def enqueue(
    name: str,
    *,
    queue: str = "interactive",
    once: str = "",
    unless: str = "",
    anywhere: bool = False,
    **arguments: Argument,
) -> None:
    """Ask a worker to run the task `name` with `arguments` once the transaction commits.

    Never raises when the broker is away, and hardly waits: what is due stands in a table, and
    the sweep of every worker finds it within seconds. With `once`, nothing is sent while a
    wake-up of that name waits in line; its task calls `begun(once)` first of all. Nothing is
    sent either while somebody holds `unless`: it is being worked off already. `anywhere`
    leaves it to the broker who does it, though this process would (see `take_here`).
    """
    identifier = events.correlation()

    def send() -> None:
        take = None if anywhere else _takers.get(name)
        if take is not None and take(**arguments):
            return
        try:
            if is_light():
                wake = wakes.Wake(name, arguments, identifier)
                _broker.ask(lambda: _wake(queue, wake, once, unless))
            elif _is_wanted(once, unless):
                _broker.ask(
                    lambda: _send(
                        name,
                        kwargs=arguments,
                        queue=queue,
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


def is_light() -> bool:
    """Say whether wake-ups go over lists of Redis (`lib.wakes`) instead of the task queue."""
    return _broker_url() == settings.REDIS_URL and brokers.is_redis(settings.REDIS_URL)


def _wake(queue: str, wake: wakes.Wake, once: str, unless: str) -> None:
    wakes.push(
        _redis(settings.REDIS_URL),
        queue=queue,
        wake=wake,
        once=once and f"once:{once}",
        once_ms=_ONCE_MS,
        unless=_held_by(unless) if unless else (),
    )


def _send(name: str, **options: Any) -> None:
    with producers[_line_to(_broker_url())].acquire(block=True, timeout=1) as producer:
        current_app.send_task(name, producer=producer, retry=False, ignore_result=True, **options)


def _broker_url() -> str:
    return str(current_app.conf.broker_write_url or current_app.conf.broker_url)


@lru_cache(maxsize=2)
def _line_to(url: str) -> Any:
    """Return under what the pool keeps lines to this broker; making it anew costs half a publish."""
    return _publishing(url)


def _publishing(url: str) -> Any:
    # Workers read with the longer patience of the app's own settings.
    return current_app.connection_for_write(url, transport_options=brokers.for_publishers(url))


def listed_count(queue: str) -> int:
    """Return how many wake-ups lie on a queue's list of Redis; 0 when it does not answer."""
    try:
        if not is_light():
            return 0
        return _marks.ask(lambda: wakes.waiting_count(_redis(settings.REDIS_URL), queue))
    except (redis.RedisError, Away):
        return 0


def queued_count(queue: str) -> int:
    """Return how many tasks lie in a queue of the broker; 0 when it does not answer."""
    try:
        with producers[_line_to(_broker_url())].acquire(block=True, timeout=1) as producer:
            return int(producer.channel.queue_declare(queue, passive=True).message_count)
    except Exception:
        return 0  # Redis knows no empty queue, and says that there is none


def broker_answers() -> bool:
    """Say whether the broker can be reached now; takes a second or two at most."""
    connection = _publishing(_broker_url())
    try:
        connection.connect()
    except Exception:
        return False
    else:
        return True
    finally:
        connection.release()
