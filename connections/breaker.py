"""A provider that is down is left alone for a while, by each process for itself.

After a row of failures that say "nobody is there", across all numbers, nothing is claimed for
the provider until a pause is over; then one send at a time tries whether it is back.
"""

import logging
import random
import threading
import time
from dataclasses import dataclass

from connections.providers.base import Code, ProviderError
from lib import events

FAILURES = 5
FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 2.0, 30.0


@dataclass
class _Breaker:
    failures: int = 0
    pause_seconds: float = 0.0  # of the break that holds, 0: closed
    open_until: float = 0.0
    is_probing: bool = False


_breakers: dict[str, _Breaker] = {}
_lock = threading.Lock()


def room(provider: str, wanted: int, *, now: float | None = None) -> int:
    """Return how many of `wanted` sends may begin: all, none, or one that finds out."""
    with _lock:
        breaker = _breakers.get(provider)
        if breaker is None or not breaker.pause_seconds:
            return wanted
        if breaker.is_probing or (time.monotonic() if now is None else now) < breaker.open_until:
            return 0
        return min(wanted, 1)


def begin(provider: str, count: int) -> None:
    """Say that so many sends begin: one that finds out keeps the others waiting."""
    with _lock:
        breaker = _breakers.get(provider)
        if breaker is not None and breaker.pause_seconds and count:
            breaker.is_probing = True


def note(provider: str, error: ProviderError | None, *, now: float | None = None) -> None:
    """Take in how a send ended; None: it was accepted."""
    moment = time.monotonic() if now is None else now
    if error is None or error.vendor_code.isdigit():
        _note_answer(provider)
        return
    if not is_outage(error):
        release(provider)
        return
    with _lock:
        breaker = _breakers.setdefault(provider, _Breaker())
        was_probing, breaker.is_probing = breaker.is_probing, False
        breaker.failures += 1
        if breaker.failures < FAILURES or (breaker.pause_seconds and not was_probing):
            return  # not yet; or a send that had begun before it opened
        breaker.pause_seconds = min(
            MOST_PAUSE_SECONDS, breaker.pause_seconds * 2 or FIRST_PAUSE_SECONDS
        )
        pause = breaker.pause_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
        breaker.open_until = moment + pause
        failures = breaker.failures
    events.publish(
        "connections.breaker.opened",
        params={"provider": provider},
        meta={"failures": failures, "seconds": round(pause, 1)},
        level=logging.WARNING,
    )


def release(provider: str) -> None:
    """Say that a send never came to a call: nobody knows more than before."""
    with _lock:
        if breaker := _breakers.get(provider):
            breaker.is_probing = False


def _note_answer(provider: str) -> None:
    with _lock:
        breaker = _breakers.pop(provider, None)
    if breaker is not None and breaker.pause_seconds:
        events.publish(
            "connections.breaker.closed",
            params={"provider": provider},
            meta={"failures": breaker.failures},
            level=logging.WARNING,
        )


def is_outage(error: ProviderError) -> bool:
    """Say whether the provider was not there; an error with a code of its own is an answer."""
    is_lost = error.code in (Code.UNREACHABLE, Code.UNKNOWN_OUTCOME)
    return is_lost and not error.vendor_code.isdigit()


def is_open(provider: str) -> bool:
    """Say whether the provider is being left alone, or tried with one send at a time."""
    with _lock:
        breaker = _breakers.get(provider)
        return breaker is not None and breaker.pause_seconds > 0


def states(*, now: float | None = None) -> dict[str, dict[str, object]]:
    """Return the providers that failed last, as this process sees them (staff, health)."""
    moment = time.monotonic() if now is None else now
    with _lock:
        return {
            name: {
                "state": "closed"
                if not breaker.pause_seconds
                else "open"
                if moment < breaker.open_until
                else "half-open",
                "failures": breaker.failures,
                "seconds_left": round(max(0.0, breaker.open_until - moment), 1),
            }
            for name, breaker in _breakers.items()
        }


def forget() -> None:
    """Close every breaker (tests)."""
    with _lock:
        _breakers.clear()
