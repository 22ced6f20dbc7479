"""When this process last got something done: what its watchdog goes by."""

import threading
import time

_lock = threading.Lock()
_last = time.monotonic()


def note() -> None:
    """Say that a piece of work came to an end, well or not, or that there was none to do."""
    global _last
    with _lock:
        _last = time.monotonic()


def idle_seconds() -> float:
    """Return how long nothing came to an end in this process."""
    with _lock:
        return time.monotonic() - _last
