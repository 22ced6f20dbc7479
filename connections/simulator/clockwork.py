"""One thread that does small things at their time: statuses that follow a send."""

import heapq
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable

# Steps are done on the beat: those of one beat follow each other and may travel together.
TICK_SECONDS = 0.02
_log = logging.getLogger(__name__)


class Clockwork:
    """Runs short callbacks in the order of their time. Nothing it runs may block."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = itertools.count()
        self._ready = threading.Condition()
        self._started = False

    def start(self) -> None:
        """Start the thread, once."""
        with self._ready:
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="clockwork", daemon=True).start()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do `act` in `seconds` from now."""
        with self._ready:
            beat = math.ceil((time.monotonic() + seconds) / TICK_SECONDS) * TICK_SECONDS
            entry = (beat, next(self._counter), act)
            heapq.heappush(self._heap, entry)
            if self._heap[0] is entry:
                self._ready.notify()

    def clear(self) -> None:
        """Forget everything that has not been done."""
        with self._ready:
            self._heap.clear()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    wait = self._heap[0][0] - time.monotonic() if self._heap else None
                    self._ready.wait(wait)
                acts = []
                now = time.monotonic()
                while self._heap and self._heap[0][0] <= now:
                    acts.append(heapq.heappop(self._heap)[2])
            for act in acts:
                try:
                    act()
                except Exception:
                    _log.exception("A timed step of the simulator failed.")
