"""Run the measurements and print JSON lines: first the machine, then a figure a line.

Ratios carry over to other machines, absolutes don't. Load goes to 127.0.0.1 only, bounded in
count and time. How it goes is told on standard error.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import whatsapp
from tests.bench import machine
from tests.bench.figure import Figure
from tests.bench.town import note
from tests.house import ROOT, House

# In the order in which they run. A measurement of `IN_HOUSE` is handed the house and a Graph
# API. Others build their own.
IN_HOUSE = {
    "retrieval": "tests.bench.measures:retrieval",
    "queries": "tests.bench.measures:queries",
}
ALONE = {
    "answers": "tests.bench.answers:answers",
    "latency": "tests.bench.floor:latency",
    "memory": "tests.bench.floor:memory",
    "acks": "tests.bench.door:acks",
    "flood": "tests.bench.door:flood",
    "burst": "tests.bench.burst:burst",
    "model": "tests.bench.burst:model",
    "spaces": "tests.bench.spaces:spaces",
    "inbox": "tests.bench.inbox:inbox",
    "bridge": "tests.bench.bridge:bridge",
    "linked": "tests.bench.linked:linked",
}
WHEN_ASKED_FOR = {
    "soak": "tests.bench.soak:soak",
    "bridge_soak": "tests.bench.bridge_soak:bridge_soak",
    "lighthouse": "tests.bench.lighthouse:lighthouse",
}


def main() -> int:
    known = [*IN_HOUSE, *ALONE, *WHEN_ASKED_FOR]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        default=os.environ.get("ONLY", ""),
        help=f"one measurement: {', '.join(known)}",
    )
    wanted = parser.parse_args().only
    if wanted and wanted not in known:  # a default is not held against argparse's choices
        parser.error(f"there is no measurement {wanted!r}; there are {', '.join(known)}")
    printer = Printer()
    with tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder, whatsapp.graph() as graph:
        house = House(Path(folder), database=_database(), graph_url=graph.url)
        try:
            prepare(house)
            printer.show({"machine": machine.describe(house)})
            for name, place in IN_HOUSE.items():
                if wanted in ("", name):
                    printer.run(name, lambda place=place: _function(place)(house, graph))  # type: ignore[misc]
        finally:
            house.stop()
            house.drop_database()
    for name, place in {**ALONE, **WHEN_ASKED_FOR}.items():
        if name == wanted or (not wanted and name in ALONE):
            printer.run(name, lambda place=place: _function(place)())  # type: ignore[misc]
    return 0 if printer.is_fine else 1


def _database() -> str:
    """Named after the one we were given: another copy may measure on the same server."""
    return os.environ["DATABASE_URL"].rpartition("/")[2] + "_bench"


@dataclass
class Printer:
    """Prints figures, and remembers whether every limit held."""

    is_fine: bool = True
    shown: list[str] = field(default_factory=list)

    def show(self, line: dict[str, object]) -> None:
        """Print one JSON line."""
        print(json.dumps(line, ensure_ascii=False), flush=True)

    def run(self, name: str, measure: Callable[[], Iterator[Figure]]) -> None:
        """Print what a measurement yields. One that breaks says so; the others go on."""
        note(f"== {name}")
        try:
            for figure in measure():
                self.show(figure.as_line())
                self.is_fine = self.is_fine and figure.is_fine is not False
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self.show({"name": name, "error": f"{type(error).__name__}: {error}"[:500]})
            self.is_fine = False


def _function(place: str) -> Callable[..., Iterator[Figure]]:
    module, _, name = place.partition(":")
    found: Callable[..., Iterator[Figure]] = getattr(importlib.import_module(module), name)
    return found


def prepare(house: House) -> None:
    """Migrate, make a shop with 25 answers and a number."""
    house.manage("migrate", "--noinput", "-v0")
    house.manage(
        "workspace_create", "--name", "Bench", "--slug", "bench", "--owner", "bench@example.com"
    )
    house.manage(
        "faq_import", "--workspace", "bench", str(ROOT / "faqs/templates_data/fabric_shop.csv")
    )
    house.manage(
        "connection_add", "--workspace", "bench", "--phone", "+15550783881",
        "--phone-number-id", whatsapp.NUMBER_ID, "--waba-id", whatsapp.ACCOUNT_ID, "--access-token", "token",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
