"""What this process gets done, and when it last did: what its watchdog goes by."""

import threading
import time
from collections import Counter
from enum import StrEnum


class Ear(StrEnum):
    """Where a worker takes wake-ups from: either may go deaf while the other one hears."""

    TASKS = "tasks"  # the task queue's own consumer
    LISTS = "lists"  # config.listening


_lock = threading.Lock()
_last = time.monotonic()
_taken: Counter[Ear] = Counter()
_running: Counter[Ear] = Counter()


def note() -> None:
    """Say that a piece of work came to an end, well or not, or that there was none to do."""
    global _last
    with _lock:
        _last = time.monotonic()


def begin(ear: Ear) -> None:
    """Say that what was heard there was taken in hand."""
    with _lock:
        _taken[ear] += 1
        _running[ear] += 1


def end(ear: Ear) -> None:
    """Say that it came to an end, well or not."""
    with _lock:
        _running[ear] -= 1
    note()


def taken(ear: Ear) -> int:
    """Return how many wake-ups of this ear were ever taken in hand."""
    with _lock:
        return _taken[ear]


def running(ear: Ear) -> int:
    """Return how many are in hand."""
    with _lock:
        return _running[ear]


def idle_seconds() -> float:
    """Return how long nothing came to an end in this process."""
    with _lock:
        return time.monotonic() - _last
