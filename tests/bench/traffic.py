"""Messages to be offered: plans for tests.bench.offer, its process, and what became of them."""

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.stock import SHOP, Space
from tests.hosts import SECRET
from tests.house import ROOT, die_with_me


@dataclass(frozen=True)
class Message:
    """A customer's message to be offered `at` seconds after the beginning."""

    id: str
    at: float
    to: str  # the customer, to whom the answer goes
    number: str
    text: str


@dataclass(frozen=True)
class Offered:
    """What became of offering it: moments of the wall clock, 0 for never."""

    id: str
    due: float
    first: float
    acked: float
    attempts: int
    codes: tuple[int, ...]


def steady(
    spaces: Sequence[Space],
    *,
    per_second: float,
    seconds: float,
    prefix: str,
    begin: float = 0.0,
    texts: Sequence[str] = (),
    contacts_each: int = 1_000_000,
) -> Iterator[Message]:
    """Yield evenly paced messages over the workspaces, each of another customer.

    `prefix` of digits tells one stream's customers from another's. After `contacts_each`
    customers of a workspace the first one writes again.
    """
    asked = list(texts) or shop_questions()
    for n in range(int(per_second * seconds)):
        space = spaces[n % len(spaces)]
        yield Message(
            id=f"wamid.{prefix}.{n}",
            at=begin + n / per_second,
            to=f"234{prefix}{n % (len(spaces) * contacts_each):06d}",
            number=space.number,
            text=asked[(n // len(spaces) + n) % len(asked)],
        )


def burst(
    space: Space, questions: Sequence[str], *, per_second: float, contacts: int, prefix: str
) -> Iterator[Message]:
    """Yield distinct questions to one workspace, in turn from its contacts in a mixed order."""
    order = list(range(contacts))
    random.Random(7).shuffle(order)
    for n, question in enumerate(questions):
        yield Message(
            id=f"wamid.{prefix}.{n}",
            at=n / per_second,
            to=f"234{prefix}{order[n % contacts]:06d}",
            number=space.number,
            text=question,
        )


def shop_questions() -> list[str]:
    """Return what customers of the template's shop ask: its questions and their phrasings."""
    with SHOP.open(encoding="utf-8", newline="") as file:
        return [row["question"] for row in csv.DictReader(file)]


class Offering:
    """A process that offers messages: made ready, begun, and ended."""

    def __init__(
        self,
        messages: Iterable[Message],
        *,
        urls: Sequence[str],
        folder: Path,
        name: str,
        lines: int = 64,
        patience: float = 5.0,
    ) -> None:
        self.messages = list(messages)
        self._plan, self._result = folder / f"{name}.plan", folder / f"{name}.result"
        self._result.unlink(missing_ok=True)
        with self._plan.open("w", encoding="utf-8") as file:
            for message in self.messages:
                file.write(json.dumps(vars(message)) + "\n")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "tests.bench.offer", str(self._plan), str(self._result),
                "--urls", *urls, "--lines", str(lines), "--patience", str(patience),
            ],
            cwd=ROOT, env={**os.environ, "OFFER_SECRET": SECRET}, preexec_fn=die_with_me,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self) -> None:
        """Wait until every request is built, then let the clock run."""
        if self._pipe(self._process.stdout).readline().strip() != "ready":
            raise RuntimeError("The offering process did not come up.")
        self._tell("go")

    @property
    def is_over(self) -> bool:
        return self._process.poll() is not None

    def end(self, *, seconds: float = 90) -> list[Offered]:
        """Offer nothing new; return what became of what was, once it is taken or given up."""
        if not self.is_over:
            self._tell("stop")
        return self.wait(seconds=seconds)

    def wait(self, *, seconds: float) -> list[Offered]:
        """Wait until every message was taken; return what became of them."""
        self._process.wait(seconds)
        offered = []
        for line in self._result.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            offered.append(
                Offered(
                    row["id"], row["at"], row["first"], row["acked"], row["attempts"],
                    tuple(row["codes"]),
                )
            )  # fmt: skip
        return offered

    def close(self) -> None:
        """End it without asking for results."""
        if not self.is_over:
            self._process.kill()
            self._process.wait(5)

    def _tell(self, word: str) -> None:
        pipe = self._pipe(self._process.stdin)
        pipe.write(word + "\n")
        pipe.flush()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        if pipe is None:
            raise RuntimeError("The offering process has no pipe.")
        return pipe
