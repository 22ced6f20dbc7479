"""A model that fails again and again rests: its faults must not cost every message its deadline."""

import time

FAILURES = 5  # in a row
REST_SECONDS = 10.0


class Breaker:
    """Counts a model's failures in this process. Used on one event loop, so without locks."""

    def __init__(self) -> None:
        self._failures = 0
        self._rests_until = 0.0

    def allows(self) -> bool:
        """Say whether the model may be asked. After its rest one call at a time tries it."""
        now = time.monotonic()
        if self._failures < FAILURES:
            return True
        if now < self._rests_until:
            return False
        # Whoever tries counts as resting, so that the next one waits for what comes of it.
        self._rests_until = now + REST_SECONDS
        return True

    def note(self, *, is_failure: bool) -> None:
        """Record how a call ended: with an answer of any kind, or with none."""
        self._failures = self._failures + 1 if is_failure else 0
        if self._failures >= FAILURES:
            self._rests_until = time.monotonic() + REST_SECONDS


_breakers: dict[str, Breaker] = {}


def of(model: str) -> Breaker:
    """Return the breaker of a model."""
    return _breakers.setdefault(model, Breaker())


def forget() -> None:
    """Think well of every model again."""
    _breakers.clear()
