"""Group commit: whoever arrives while a commit is under way shares the next one."""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from connections import inbox
from connections.edge.storing import Outcome
from connections.ingress import Letter

log = logging.getLogger(__name__)

# A statement larger than this keeps the next one waiting for too long.
MOST_UPDATES = 500
MOST_BYTES = 4 * 1024 * 1024
# A request that comes so soon after a commit waits so long for company.
_CLOSE_SECONDS, _LINGER_SECONDS = 0.005, 0.004

Keep = Callable[[Sequence[Letter]], tuple[list[Outcome], set[tuple[int, int]]]]


@dataclass(slots=True)
class _Waiting:
    letter: Letter
    size: int
    outcome: asyncio.Future[Outcome]


class Batcher:
    """The line of verified requests, and the loop that stores all that stand in it."""

    def __init__(
        self,
        *,
        keep: Keep,
        thread: ThreadPoolExecutor,
        wake: Callable[[set[tuple[int, int]]], None],
        patience_seconds: float,
    ) -> None:
        self._keep, self._thread, self._wake = keep, thread, wake
        self._patience = patience_seconds
        self._line: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._is_stuck = self._is_ending = False
        self._stored_at = 0.0

    async def store(self, letter: Letter, *, size: int) -> Outcome:
        """Return what became of `letter`: STORED only after its commit."""
        if self._is_stuck:
            return Outcome.AWAY
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._line.append(_Waiting(letter, size, future))
        self._news.set()
        return await future

    async def run(self) -> None:
        """Store until `end` is called and nobody waits."""
        while not self._is_ending or self._line:
            await self._news.wait()
            self._news.clear()
            while self._line:
                if time.monotonic() - self._stored_at < _CLOSE_SECONDS and not self._is_ending:
                    # They come thick: a moment's patience makes one commit of several.
                    await asyncio.sleep(_LINGER_SECONDS)
                await self._store(self._take())
                self._stored_at = time.monotonic()

    def end(self) -> None:
        """Let `run` return as soon as the line is empty."""
        self._is_ending = True
        self._news.set()

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        updates = size = 0
        while self._line:
            first = self._line[0]
            updates, size = updates + len(first.letter.updates), size + first.size
            if batch and (updates > MOST_UPDATES or size > MOST_BYTES):
                break
            batch.append(self._line.popleft())
        return batch

    async def _store(self, batch: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        letters = [each.letter for each in batch]
        # A database that neither answers nor fails must not hold the vendor's line.
        self._giving_up = loop.call_later(self._patience, self._give_up, batch)

        def keep() -> None:
            try:
                outcomes, lanes = self._keep(letters)
            except Exception:
                log.exception("A batch could not be stored.")
                outcomes, lanes = [Outcome.AWAY] * len(letters), set()
            loop.call_soon_threadsafe(self._tell, batch, outcomes, lanes, done)

        # Told back by one call into the loop: a future of the pool's own costs several.
        self._thread.submit(keep)
        await done

    def _tell(
        self,
        batch: list[_Waiting],
        outcomes: list[Outcome],
        lanes: set[tuple[int, int]],
        done: asyncio.Future[None],
    ) -> None:
        self._giving_up.cancel()
        self._is_stuck = False
        _settle(batch, outcomes)
        if lanes:
            self._wake(lanes)
        if not done.done():
            done.set_result(None)

    def _give_up(self, batch: list[_Waiting]) -> None:
        # Until the thread is back `store` turns everybody away, so the line stays empty.
        self._is_stuck = True
        _settle([*batch, *self._line], [Outcome.AWAY] * (len(batch) + len(self._line)))
        self._line.clear()


def _settle(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    for each, outcome in zip(batch, outcomes, strict=True):
        if not each.outcome.done():  # its client may have gone, or waited for too long
            each.outcome.set_result(outcome)


class Waker:
    """Wakes workers from a thread of its own: a broker that hangs holds up no acknowledgement.

    What is to be woken is a set, so a broker that is away makes no line either.
    """

    def __init__(self) -> None:
        self._lanes: set[tuple[int, int]] = set()
        self._news = threading.Condition()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="waker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self, lanes: set[tuple[int, int]]) -> None:
        """Have the workers of these (workspace, lane) pairs woken soon."""
        # Three webhooks in four are news, for which nobody is woken: nor is this thread.
        talk = {pair for pair in lanes if pair[1] in inbox.TALK_LANES}
        if not talk:
            return
        with self._news:
            self._lanes |= talk
            self._news.notify()

    def end(self, *, seconds: float) -> None:
        """Wake whom there is to wake; what is missed in that time is found by the sweep."""
        with self._news:
            self._is_ending = True
            self._news.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._lanes or self._is_ending)
                lanes, self._lanes = self._lanes, set()
                if not lanes:
                    return
            with contextlib.suppress(Exception):  # the sweep finds them
                inbox.wake(lanes)
