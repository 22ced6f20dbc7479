"""Wakes the senders of numbers that send with gaps, when the next of their messages is due.

A convenience of this process: what it forgets when it dies, the sweep finds a second later.
"""

import contextlib
import heapq
import threading
import time

from connections import outbox

# Later ones are found by the sweep; so are those above the limit.
_LATEST_SECONDS = 60.0
_MOST = 10_000
# One moment too early would find nothing due.
_AFTER_SECONDS = 0.005


class _Clock:
    def __init__(self) -> None:
        self._line: list[tuple[float, int, int]] = []
        self._set_for: dict[int, float] = {}
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def set(self, *, connection_id: int, workspace_id: int, seconds: float) -> None:
        at = time.monotonic() + seconds + _AFTER_SECONDS
        with self._news:
            known = self._set_for.get(connection_id)
            if seconds > _LATEST_SECONDS or len(self._line) >= _MOST or (known and known <= at):
                return
            self._set_for[connection_id] = at
            heapq.heappush(self._line, (at, connection_id, workspace_id))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarm", daemon=True)
                self._thread.start()
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._line or self._line[0][0] > time.monotonic():
                    left = self._line[0][0] - time.monotonic() if self._line else None
                    self._news.wait(left)
                at, connection_id, workspace_id = heapq.heappop(self._line)
                if self._set_for.get(connection_id) != at:
                    continue  # an earlier one was set since
                del self._set_for[connection_id]
            with contextlib.suppress(Exception):  # the sweep finds it
                outbox.wake(connection_id, workspace_id=workspace_id)


_clock = _Clock()


def set_for(*, connection_id: int, workspace_id: int, seconds: float) -> None:
    """Have the number's sender woken in `seconds`, by this process; an earlier alarm stays."""
    _clock.set(connection_id=connection_id, workspace_id=workspace_id, seconds=seconds)
