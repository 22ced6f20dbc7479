"""What this process gets done, and when it last did: what its watchdog goes by."""

import threading
import time

_lock = threading.Lock()
_last = time.monotonic()
_taken = _running = 0


def note() -> None:
    """Say that a piece of work came to an end, well or not, or that there was none to do."""
    global _last
    with _lock:
        _last = time.monotonic()


def begin() -> None:
    """Say that a task was taken in hand."""
    global _taken, _running
    with _lock:
        _taken += 1
        _running += 1


def end() -> None:
    """Say that a task came to an end, well or not."""
    global _running, _last
    with _lock:
        _running -= 1
        _last = time.monotonic()


def taken() -> int:
    """Return how many tasks were ever taken in hand."""
    with _lock:
        return _taken


def running() -> int:
    """Return how many tasks are in hand."""
    with _lock:
        return _running


def idle_seconds() -> float:
    """Return how long nothing came to an end in this process."""
    with _lock:
        return time.monotonic() - _last
