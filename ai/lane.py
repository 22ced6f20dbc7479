"""The model lane: hundreds of waiting calls on one event loop, no thread and no transaction each.

One thread takes calls out of the line, one event loop waits for the models, one thread records
whatever finished meanwhile. Each of the two threads has one database connection, which is idle
while models think.
"""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from ai import asking, gateway, line
from lib import clock, events, progress

# How often the line is looked at without a wake-up: Redis may be away.
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 0.5  # after a failure
_log = logging.getLogger(__name__)


class Lane:
    """Asks models what waits in line, up to AI_IN_FLIGHT at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: Counter[int] = Counter()  # calls in flight, by workspace
        self._finished: list[asking.Outcome] = []
        self._look = threading.Event()
        self._has_finished = threading.Event()
        self._is_stopping = threading.Event()
        self._claimer = threading.Thread(target=self._claim_on, name="lane-claims", daemon=True)
        self._settler = threading.Thread(target=self._settle_on, name="lane-settles", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._claimer.start()
        self._settler.start()

    def wake(self) -> None:
        """Look at the line now."""
        self._look.set()

    def stop(self) -> None:
        """Take no more calls; what is in hand is finished. Returns at once."""
        self._is_stopping.set()
        self._look.set()
        self._has_finished.set()

    def finish(self) -> None:
        """Wait until what is in hand is settled: as long as a call may take, and its recording."""
        self.stop()
        deadline = time.monotonic() + settings.AI_DEADLINE_SECONDS + 3
        for thread in (self._claimer, self._settler):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def in_flight(self) -> int:
        """How many calls wait for a model now."""
        with self._lock:
            return self._busy.total()

    # --- Out of the line ----------------------------------------------------------------------

    def _claim_on(self) -> None:
        while not self._is_stopping.is_set():
            self._look.clear()
            try:
                close_old_connections()
                count = self._claim()
            except Exception:
                _log.exception("ai.lane.failed")
                count = 0
                self._is_stopping.wait(_PAUSE_SECONDS)
            if not count:
                self._look.wait(_LOOK_SECONDS)
        connection.close()

    def _claim(self) -> int:
        with self._lock:
            busy = dict(self._busy)
            # What cannot be recorded now must not pile up: the database may be in trouble.
            room = settings.AI_IN_FLIGHT - max(sum(busy.values()), len(self._finished))
        if room <= 0:
            return 0
        calls = line.claim(limit=room, busy=busy, now=clock.now())
        progress.note()
        with self._lock:
            self._busy.update(call.workspace_id for call in calls)
            in_flight = self._busy.total()
        for call in calls:
            gateway.begin(asking.consult(call)).add_done_callback(
                lambda future, call=call: self._note(call, future)  # type: ignore[misc]
            )
        if calls:
            events.publish("ai.calls.asked", meta={"calls": len(calls), "in_flight": in_flight})
        return len(calls)

    def _note(self, call: asking.Asked, future: "Future[asking.Outcome]") -> None:
        """Keep an outcome for the next settlement; runs on the event loop, so it must not wait."""
        with self._lock:
            self._busy[call.workspace_id] -= 1
            if self._busy[call.workspace_id] <= 0:
                del self._busy[call.workspace_id]
            with suppress(Exception):  # consult never raises; a cancelled one becomes late
                self._finished.append(future.result())
        self._has_finished.set()
        self._look.set()

    # --- Into the books -----------------------------------------------------------------------

    def _settle_on(self) -> None:
        while True:
            self._has_finished.wait(_LOOK_SECONDS)
            self._has_finished.clear()
            try:
                close_old_connections()
                self._settle()
            except Exception:
                _log.exception("ai.lane.failed")
                time.sleep(_PAUSE_SECONDS)
            if self._is_over():
                break
        connection.close()

    def _settle(self) -> None:
        with self._lock:
            batch, self._finished = self._finished, []
        if not batch:
            return
        try:
            line.settle(outcomes=batch, now=clock.now())
        except (OperationalError, InterfaceError):
            with self._lock:  # the database is away: they are settled when it is back
                self._finished[:0] = batch
            raise
        except DatabaseError:
            # One that cannot be recorded must not keep the others; it will be found late.
            _log.exception("ai.lane.failed")
            for outcome in batch:
                with suppress(DatabaseError):
                    line.settle(outcomes=[outcome], now=clock.now())
        progress.note()

    def _is_over(self) -> bool:
        if not self._is_stopping.is_set() or self._claimer.is_alive():
            return False
        with self._lock:
            return not self._busy and not self._finished
