"""The customers' side of the simulator, as a measurement sees it: numbers, and what was taken."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.house import fetch


@dataclass(frozen=True)
class Send:
    """A message that the provider took from us."""

    number: str
    to: str
    wamid: str
    opaque: str
    taken_at: float


def register(simulator_url: str, *, numbers: Iterable[dict[str, str]]) -> None:
    """Make numbers known; each names phone_number_id, waba_id, display_phone_number, ..."""
    for number in numbers:
        body = json.dumps(number).encode()
        code, answer = fetch(
            f"{simulator_url}/control/numbers",
            body=body,
            headers={"Content-Type": "application/json"},
        )
        if code not in (200, 201):
            raise RuntimeError(f"The simulator refused a number: {code} {answer[:200]!r}")


class Sends:
    """What the simulator took since the start, fetched piece by piece."""

    def __init__(self, simulator_url: str) -> None:
        self._url = simulator_url
        self._after = 0
        self._is_compact: bool | None = None
        self.all: list[Send] = []

    def fetch(self) -> list[Send]:
        """Fetch what is new, and return everything."""
        if self._is_compact is None:
            self._is_compact = fetch(f"{self._url}/control/sends?after=0")[0] == 200
        while new := self._page():
            self.all += new
        return self.all

    def _page(self) -> list[Send]:
        if self._is_compact:
            answer = self._ask(f"/control/sends?after={self._after}")
            rows = answer["sends"] if isinstance(answer, dict) else answer
            self._after = max([self._after, *(int(row[0]) for row in rows)])
            return [
                Send(str(r[1]), str(r[2]).lstrip("+"), str(r[3]), str(r[4]), float(r[5]))
                for r in rows
            ]
        answer = self._ask(f"/control/messages?direction=out&after={self._after}&limit=20000")
        self._after = int(answer["next"])
        return [
            Send(m["phone_number_id"], m["to"].lstrip("+"), m["id"], m["opaque"], m["at"])
            for m in answer["messages"]
        ]

    def _ask(self, path: str) -> Any:
        code, answer = fetch(self._url + path)
        if code != 200:
            raise RuntimeError(f"The simulator answered {code} to {path}")
        return json.loads(answer)

    def accepted(self) -> dict[str, int]:
        """Return how many messages each number has sent, without fetching them."""
        return {
            n["phone_number_id"]: n["accepted"] for n in self._ask("/control/numbers")["numbers"]
        }
