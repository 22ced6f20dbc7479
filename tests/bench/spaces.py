"""A thousand workspaces: to make one, to migrate all, what a backend remembers, what idling costs.

The work is done by processes of this very file, in a database of its own (SPACES=200 for less).
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

LATER = {
    "DJANGO_SETTINGS_MODULE": "tests.workspaces.settings_later",
    "LATER_FAQS": "tests.bench.one_field",
}


def spaces() -> Iterator[Figure]:
    """Yield the figures of SPACES workspaces (1,000), each made as sign-up makes it."""
    count = int(os.environ.get("SPACES", "1000"))
    with tempfile.TemporaryDirectory(prefix="backroom-spaces-") as folder:
        house = House(Path(folder), database="backroom_bench_spaces")
        try:
            house.manage("migrate", "--noinput", "-v0")
            yield from _figures(house, count)
        finally:
            house.drop_database()


def _figures(house: House, count: int) -> Iterator[Figure]:
    more = {"workspaces": count}
    made = _run(house, "make", count)
    alone = {**more, "without_spare_ms": round(made["alone_ms"], 1)}
    yield Figure("signup_ms", made["last_ms"], "ms", 60.0, more=alone)
    yield Figure(
        "signup_ratio_1000_to_10", made["last_ms"] / made["first_ms"], "ratio", 1.5, more=more
    )
    idle = _run(house, "idle", count)
    yield Figure("idle_queries_per_minute_1000", idle["queries"], "queries", more=idle["by"])
    yield Figure("idle_cpu_seconds_per_minute_1000", idle["cpu_seconds"], "s", more=more)
    touched = _run(house, "touch", count)
    yield Figure("backend_mb_1000", touched["most_mb"], "MB", 150.0, more={**more, **touched})
    stock = _run(house, "stock", 5, **LATER)
    moved = _run(house, "migrate", count, **LATER)
    a_schema = moved["seconds"] / max(1, moved["migrated"])
    yield Figure("migrate_1000_seconds", a_schema * 1000, "s", 10.0, more={**more, **moved})
    yield Figure("migrate_ratio_to_library", stock["ms"] / (a_schema * 1000), "ratio", more=stock)


def _run(house: House, work: str, count: int, **environment: str) -> dict[str, Any]:
    note(f"{work} {count}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.spaces_work", work, str(count)],
        cwd=ROOT, env={**house.environment, "LOG_LEVEL": "ERROR", **environment},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{work}: {done.stderr[-1500:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result
