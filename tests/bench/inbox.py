"""The inbox of a big workspace: 100,000 conversations and 1,000,000 messages, page by page.

INBOX=10000 for fewer conversations. The rows are made by PostgreSQL, in seconds; the pages are
asked for by the test client: all of the server's work, and no network.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure
from tests.bench.town import note
from tests.house import ROOT, House

BAR_MS = 100.0


def inbox() -> Iterator[Figure]:
    """Yield the milliseconds of CPU that each page costs, its process and its backend together.

    On an idle machine that is its time; on a busy one the time beside it says how busy.
    """
    count = int(os.environ.get("INBOX", "100000"))
    with tempfile.TemporaryDirectory(prefix="backroom-inbox-") as folder:
        house = House(Path(folder), database="backroom_bench_inbox")
        try:
            house.manage("migrate", "--noinput", "-v0")
            house.manage("workspace_create", "--name", "Big", "--slug", "big", "--owner", "big@example.com")  # fmt: skip
            note(f"{count} conversations")
            for line in _run(house, count):
                more = {"conversations": count, **line["more"]}
                bar = BAR_MS if line["has_bar"] else None
                yield Figure(line["name"], line["value"], line["unit"], bar, more=more)
        finally:
            house.drop_database()


def _run(house: House, count: int) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.inbox_work", str(count)],
        cwd=ROOT, env={**house.environment, "LOG_LEVEL": "ERROR"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1500:])
    lines: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return lines
