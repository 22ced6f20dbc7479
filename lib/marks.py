"""Marks with a short life, in Redis: losing them loses nothing, and nobody waits for them."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")
# A server that did not answer is left alone for so long, so that one page in that time waits.
_AWAY_SECONDS = 15.0
_lock = threading.Lock()
_away_until = 0.0


@lru_cache(maxsize=1)
def _server(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.2, socket_timeout=0.2
    )


def _ask(work: Callable[["redis.Redis"], T], otherwise: T) -> T:
    global _away_until
    if time.monotonic() < _away_until:
        return otherwise
    try:
        return work(_server(settings.REDIS_URL))
    except redis.RedisError:
        with _lock:
            _away_until = time.monotonic() + _AWAY_SECONDS
        return otherwise


def put(group: str, name: str, value: str, *, seconds: int) -> dict[str, str]:
    """Set a mark of a group, and return all marks of the group; only this one when Redis is away.

    The group lives `seconds` after the last of its marks was set.
    """

    def work(server: "redis.Redis") -> dict[str, str]:
        line = server.pipeline(transaction=False)
        line.hset(f"marks:{group}", name, value)
        line.expire(f"marks:{group}", seconds)
        line.hgetall(f"marks:{group}")
        return {key.decode(): found.decode() for key, found in line.execute()[-1].items()}

    return _ask(work, {name: value})


def forget() -> None:
    """Think well of the server again (tests)."""
    global _away_until
    _away_until = 0.0
