"""Own app secrets: who signed a body that the house's secret did not, asking the database rarely.

Forged webhooks end here, so everything is bounded: how many names are asked after, how often
bodies that name nobody are tried against many secrets, and what is remembered.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from connections import ingress, refusals
from connections.edge import storing
from connections.edge.numbers import Numbers
from connections.models import Connection
from connections.providers.base import Provider
from connections.refusals import Refusal

Clock = Callable[[], float]
_UNNAMED_SECONDS = 2.0  # how long the numbers with secrets of their own are remembered

# New names asked after in a second, in at most one query at a time ...
NAMES_A_SECOND = 2_000
# ... that waits a moment for others who want to know.
GATHER_SECONDS = 0.02
# Bodies a second that name no number we know, and are tried against up to 64 secrets.
UNNAMED_A_SECOND = 200


class UnableToTell(Exception):
    """Too much is asked, or the database does not answer: to be sent again."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class _Ration:
    """So many a second; what is not used up is not saved up."""

    def __init__(self, a_second: int, *, clock: Clock) -> None:
        self._a_second, self._clock = a_second, clock
        self._began, self._used = 0.0, 0

    def take(self, count: int) -> None:
        """Take `count` of it. Raises UnableToTell when not so many are left."""
        now = self._clock()
        if now - self._began >= 1.0:
            self._began, self._used = now, 0
        if self._used + count > self._a_second:
            raise UnableToTell(refusals.FULL)
        self._used += count


class Signers:
    """Finds the connections whose own secret signed a body."""

    def __init__(
        self,
        numbers: Numbers,
        *,
        thread: ThreadPoolExecutor,
        seconds: float,
        clock: Clock = time.monotonic,
    ) -> None:
        self._clock = clock
        self._numbers, self._thread, self._seconds = numbers, thread, seconds
        self._wanted: set[str] = set()
        self._round: asyncio.Task[None] | None = None
        self._names = _Ration(NAMES_A_SECOND, clock=clock)
        self._unnamed = _Ration(UNNAMED_A_SECOND, clock=clock)
        self._unnamed_until = 0.0
        self._unnamed_signers: list[Connection] = []

    async def of(
        self, provider: Provider, *, body: bytes, headers: Mapping[str, str]
    ) -> frozenset[int]:
        """Return the ids of the connections that signed. Raises UnableToTell."""
        candidates = await self._bearers(set(provider.number_ids(body)))
        if not candidates and ingress.may_be_unnamed(body):
            self._unnamed.take(1)
            candidates = await self._any_signers()
        return ingress.signed_by(provider, candidates, body=body, headers=headers)

    async def _bearers(self, names: set[str]) -> list[Connection]:
        if missing := {name for name in names if self._numbers.known(name) is None}:
            new = missing - self._wanted
            self._names.take(len(new))
            self._wanted |= new
            await self._next_round()
        found = {c.pk: c for name in names for c in self._numbers.known(name) or ()}
        return sorted(found.values(), key=lambda c: (c.verified_at is None, c.pk))

    async def _next_round(self) -> None:
        if self._round is None:
            self._round = asyncio.create_task(self._ask())
        # Shielded: who goes away must not take the answer away from the others.
        await asyncio.shield(self._round)

    async def _ask(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        wanted, self._wanted = self._wanted, set()
        self._round = None
        await self._in_thread(lambda: self._numbers.ask(wanted))

    async def _any_signers(self) -> list[Connection]:
        if self._clock() >= self._unnamed_until:
            self._unnamed_until = self._clock() + _UNNAMED_SECONDS
            found: list[Connection] = []
            await self._in_thread(lambda: found.extend(ingress.unnamed_signers()))
            self._unnamed_signers = found
        return self._unnamed_signers

    async def _in_thread(self, work: Callable[[], object]) -> None:
        asked = asyncio.get_running_loop().run_in_executor(self._thread, _asked, work)
        try:
            await asyncio.wait_for(asked, self._seconds)
        except Exception as error:
            raise UnableToTell(refusals.AWAY) from error


def _asked(work: Callable[[], object]) -> None:
    storing.look_after()
    work()
