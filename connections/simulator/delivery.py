"""Webhooks on their way: signed, posted by a few threads, repeated until they are taken."""

import heapq
import itertools
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from connections.simulator import doors, payloads
from connections.simulator.faults import Faults
from connections.simulator.payloads import Change
from connections.simulator.world import World

_log = logging.getLogger(__name__)

KEEP_WAITING = 200_000
KEEP_LOG = 500
GIVE_UP_SECONDS = 600.0
# Like the vendor, several updates share a webhook when many are waiting, and the statuses of
# one moment always do.
BUSY_FROM = 64
BATCH = 50
STATUS_BATCH = 20
GATHER_SECONDS = 0.02


@dataclass(order=True)
class Update:
    """One thing to tell the business. `lane` keeps one customer's updates in their order."""

    due: float
    order: int
    phone_number_id: str = field(compare=False)
    change: Change = field(compare=False)
    kind: str = field(compare=False)
    ids: tuple[str, ...] = field(compare=False)
    lane: str = field(compare=False, default="")
    attempts: int = field(compare=False, default=0)
    first_at: float = field(compare=False, default=0.0)
    is_unanswered: bool = field(compare=False, default=False)


@dataclass(frozen=True)
class Delivery:
    """One attempt, for the log that the page and the tests read."""

    at: float
    phone_number_id: str
    kind: str
    ids: tuple[str, ...]
    updates: int
    attempt: int
    status: int
    ms: int


class Deliveries:
    """The queue. Order within a customer is kept as long as nothing fails or is mixed up."""

    def __init__(
        self, *, world: World, faults: Faults, default_url: str, on_taken: Callable[[Update], None]
    ) -> None:
        self._world, self._faults = world, faults
        self._default_url, self._on_taken = default_url, on_taken
        self._heap: list[Update] = []
        self._parked: dict[str, deque[Update]] = {}
        self._busy: set[str] = set()
        self._on_the_way: dict[int, Update] = {}
        lock = threading.Lock()
        self._ready, self._watch = threading.Condition(lock), threading.Condition(lock)
        self._counter = itertools.count()
        self._started = False
        self._has_watch = False  # one thread waits for the next moment, the others for work
        self._failing: dict[str, int] = {}
        self.log: deque[Delivery] = deque(maxlen=KEEP_LOG)
        self.delivered = self.given_up = 0

    def start(self, *, threads: int = 8) -> None:
        """Start the threads, once."""
        with self._ready:
            if self._started:
                return
            self._started = True
        for index in range(threads):
            threading.Thread(target=self._run, name=f"delivery-{index}", daemon=True).start()

    def put(
        self,
        *,
        phone_number_id: str,
        change: Change,
        kind: str,
        ids: tuple[str, ...],
        lane: str = "",
    ) -> None:
        """Queue one update; duplicates, delays and mixing up happen here."""
        number = self._world.number(phone_number_id)
        if number is None or not number.subscribed:
            return
        now = time.monotonic()
        due = now + self._faults.number(phone_number_id, "delay_ms") / 1000
        window = self._faults.number(phone_number_id, "reorder_ms") / 1000
        copies = max(1, int(self._faults.number(phone_number_id, "duplicate", 1)))
        if kind == "status":  # those of one moment come due together
            due = math.ceil((due + GATHER_SECONDS / 4) / GATHER_SECONDS) * GATHER_SECONDS
        with self._ready:
            head = self._heap[0] if self._heap else None
            for copy in range(copies):
                self._push(
                    Update(
                        # The copies of one update come close together, even at the same time.
                        due=due + random.uniform(0, window) + copy * random.uniform(0, 0.05),  # noqa: S311
                        order=next(self._counter),
                        phone_number_id=phone_number_id,
                        change=change,
                        kind=kind,
                        ids=ids,
                        lane="" if window or copy else f"{phone_number_id}|{lane}" if lane else "",
                        first_at=now,
                    )
                )
            if self._heap and self._heap[0] is not head:
                self._call()

    def _call(self) -> None:
        """Wake one thread: the one that waits for the next moment, else any."""
        (self._watch if self._has_watch else self._ready).notify()

    def _push(self, update: Update) -> None:
        if len(self._heap) >= KEEP_WAITING:
            self.given_up += 1
            return
        heapq.heappush(self._heap, update)

    def waiting(self, phone_number_id: str = "") -> int:
        """Return how many updates have not been taken yet."""
        with self._ready:
            if not phone_number_id:
                parked_count = sum(map(len, self._parked.values()))
                return len(self._heap) + parked_count + len(self._on_the_way)
            parked = (u for queue in self._parked.values() for u in queue)
            every = itertools.chain(self._heap, parked, self._on_the_way.values())
            return sum(u.phone_number_id == phone_number_id for u in every)

    def failing(self, phone_number_id: str) -> int:
        """Return how many attempts in a row failed for this number."""
        return self._failing.get(phone_number_id, 0)

    def clear(self) -> None:
        """Forget everything that waits."""
        with self._ready:
            self._heap.clear()
            self._parked.clear()
            self._failing.clear()
            self.log.clear()
            self.delivered = self.given_up = 0

    # --- The threads -----------------------------------------------------------------------
    def _run(self) -> None:
        door = doors.Door()
        while True:
            batch = self._take()
            try:
                status, ms = self._post(door, batch)
            except Exception:
                _log.exception("A webhook could not be made.")
                status, ms = 0, 0
            self._settle(batch, status, ms)

    def _take(self) -> list[Update]:
        with self._ready:
            while True:
                batch = self._due()
                if batch:
                    self._busy.update(u.lane for u in batch if u.lane)
                    self._on_the_way.update((id(u), u) for u in batch)
                    if self._heap:
                        self._call()
                    return batch
                if self._has_watch or not self._heap:
                    self._ready.wait()
                    continue
                self._has_watch = True
                self._watch.wait(max(0.0, self._heap[0].due - time.monotonic()))
                self._has_watch = False

    def _due(self) -> list[Update]:
        """Take the updates that are due and share a webhook."""
        batch: list[Update] = []
        is_busy, now = len(self._heap) > BUSY_FROM, time.monotonic()
        while self._heap and self._heap[0].due <= now:
            update = self._heap[0]
            if batch and not self._may_share(batch, update, is_busy=is_busy):
                break
            heapq.heappop(self._heap)
            if update.lane and update.lane in self._busy:
                self._parked.setdefault(update.lane, deque()).append(update)
            else:
                batch.append(update)
        return batch

    @staticmethod
    def _may_share(batch: list[Update], update: Update, *, is_busy: bool) -> bool:
        first = batch[0]
        if update.phone_number_id != first.phone_number_id:
            return False
        if update.kind == first.kind == "status" and not (update.attempts or first.attempts):
            return len(batch) < (BATCH if is_busy else STATUS_BATCH)
        return is_busy and len(batch) < BATCH

    def _post(self, door: doors.Door, batch: list[Update]) -> tuple[int, int]:
        number = self._world.number(batch[0].phone_number_id)
        if number is None:
            return 200, 0  # forgotten meanwhile: nobody is left to tell
        body = payloads.envelope((number.waba_id, u.change) for u in batch)
        secret = number.app_secret
        if self._faults.flag(number.phone_number_id, "wrong_signature"):
            secret = "not " + secret
        started = time.monotonic()
        url = number.override_url or number.callback_url or self._default_url
        status = door.post(url, body, secret=secret)
        return status, round((time.monotonic() - started) * 1000)

    def _settle(self, batch: list[Update], status: int, ms: int) -> None:
        owner, ok, now = batch[0].phone_number_id, 200 <= status < 300, time.monotonic()
        self.log.append(
            Delivery(
                at=time.time(),
                phone_number_id=owner,
                kind=batch[0].kind,
                ids=tuple(i for u in batch for i in u.ids)[:5],
                updates=sum(max(1, len(u.ids)) for u in batch),
                attempt=batch[0].attempts + 1,
                status=status,
                ms=ms,
            )
        )
        with self._ready:
            was_failing = self._failing.get(owner, 0)
            self._failing[owner] = 0 if ok else was_failing + 1
            if ok:
                self.delivered += len(batch)
                if was_failing:
                    self._hurry(owner)
            for update in batch:
                self._on_the_way.pop(id(update), None)
                if not ok:
                    self._again(update, now, is_unanswered=status == 0)
                if update.lane:
                    self._busy.discard(update.lane)
                    for parked in self._parked.pop(update.lane, ()):
                        self._push(parked)
            if self._heap:
                self._call()
        if ok:
            for update in batch:
                self._on_taken(update)
        if bool(was_failing) == ok:
            self._world.touch()

    def _again(self, update: Update, now: float, *, is_unanswered: bool) -> None:
        if now - update.first_at > GIVE_UP_SECONDS:
            self.given_up += 1
            return
        # Nobody there means a restart, which is over soon; a refusal may take longer to mend.
        pause = min(8.0 if is_unanswered else 30.0, 0.5 * 2.0**update.attempts)
        self._push(
            replace(
                update, due=now + pause, attempts=update.attempts + 1, is_unanswered=is_unanswered
            )
        )

    def _hurry(self, owner: str) -> None:
        """The business's server is back: what found nobody there goes out now."""
        now = time.monotonic()
        for update in self._heap:
            if update.phone_number_id == owner and update.is_unanswered:
                update.due, update.is_unanswered = min(update.due, now), False
        heapq.heapify(self._heap)
