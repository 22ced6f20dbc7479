"""Wake-ups on lists of Redis, at a fifth of what a message of the task queue costs both sides.

So they travel where the task queue's broker is the Redis that keeps the marks of `lib.jobs`; with
any other broker a wake-up is a task like all others. It may be lost on either way, and then the
sweep finds what is due.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import redis
from redis.commands.core import Script

# With nobody to take them, no more are kept: what is due stands in a table.
MOST_WAITING = 10_000

# Every key that it touches is named as one: the list, the marks that together keep it away (ARGV[4]
# of them), the mark of what waits in line.
_PUSH = """
local unless = tonumber(ARGV[4])
local is_held = unless > 0
for n = 2, 1 + unless do is_held = is_held and redis.call('EXISTS', KEYS[n]) == 1 end
if is_held then return 0 end
local once = KEYS[2 + unless]
if once and not redis.call('SET', once, 1, 'NX', 'PX', ARGV[1]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], 0, ARGV[3])
return 1
"""


@dataclass(frozen=True)
class Wake:
    """A job to do: its task's name, its arguments, and the correlation id of who asked."""

    name: str
    arguments: dict[str, Any]
    correlation: str


@lru_cache(maxsize=2)
def _script(client: "redis.Redis") -> Script:
    return client.register_script(_PUSH)


def _list(queue: str) -> str:
    return f"wakes:{queue}"


def push(
    client: "redis.Redis",
    *,
    queue: str,
    wake: Wake,
    once: str = "",
    once_ms: int = 0,
    unless: Sequence[str] = (),
) -> bool:
    """Put a wake-up at the end of a queue, in one step with its marks.

    False when the mark `once`, or all of `unless`, are there already; `once` is set for `once_ms`.
    Raises redis.RedisError.
    """
    content = json.dumps([wake.name, wake.arguments, wake.correlation])
    script = _script(client)
    keys = [_list(queue), *unless, *([once] if once else [])]
    values: list[str | int] = [once_ms, content, MOST_WAITING - 1, len(unless)]
    return bool(script(keys=keys, args=values))


def pop(client: "redis.Redis", queues: Sequence[str], *, seconds: int) -> Wake | None:
    """Take the oldest wake-up of the first of `queues` that has one, waiting for it at most so long.

    None when none came, or when it cannot be read. Raises redis.RedisError.
    """
    found = client.brpop([_list(queue) for queue in queues], timeout=seconds)
    if not found:
        return None
    try:
        name, arguments, correlation = json.loads(cast(Sequence[bytes], found)[1])
    except (ValueError, TypeError, RecursionError):
        return None  # of another version: whatever it asked for is due, and will be found
    is_whole = isinstance(name, str) and isinstance(arguments, Mapping)
    return Wake(name, dict(arguments), str(correlation)) if is_whole else None


def waiting_count(client: "redis.Redis", queue: str) -> int:
    """Return how many wake-ups lie in a queue. Raises redis.RedisError."""
    return int(client.llen(_list(queue)))
