"""Run the measurements and print JSON lines: first the machine, then a figure a line.

Ratios carry over to other machines, absolutes don't. Load goes to 127.0.0.1 only, bounded in
count and time.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import whatsapp
from tests.bench import machine, measures
from tests.house import ROOT, House


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        default=os.environ.get("ONLY", ""),
        choices=["", *measures.ALL],
        help="one measurement",
    )
    options = parser.parse_args()
    wanted = [options.only] if options.only else list(measures.ALL)
    is_fine = True
    with tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder, whatsapp.graph() as graph:
        house = House(Path(folder), database="backroom_bench", graph_url=graph.url)
        try:
            prepare(house)
            print(json.dumps({"machine": machine.describe(house)}), flush=True)
            for name in wanted:
                measure: Callable[[House, whatsapp.Graph], Iterator[measures.Figure]] = (
                    measures.ALL[name]
                )
                for figure in measure(house, graph):
                    print(json.dumps(figure.as_line()), flush=True)
                    is_fine = is_fine and figure.is_fine is not False
        finally:
            house.stop()
            house.drop_database()
    return 0 if is_fine else 1


def prepare(house: House) -> None:
    """Migrate, make a shop with 25 answers and a number, start every process."""
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
    house.start("redis", "web", "worker", "bulk", "sender", "ai", "beat", "simulator")


if __name__ == "__main__":
    sys.exit(main())
