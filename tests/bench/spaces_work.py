"""What tests.bench.spaces lets processes of its own do: make, touch, idle, migrate."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - the settings must be there before
from django.core.management import call_command  # noqa: E402
from django.db import close_old_connections  # noqa: E402
from django.db import connection as database  # noqa: E402
from django.test import Client  # noqa: E402

from config.celery import app  # noqa: E402
from config.sweeper import Sweeper  # noqa: E402
from connections import manager  # noqa: E402
from lib import clock, jobs  # noqa: E402
from messaging import drain  # noqa: E402
from tests import whatsapp  # noqa: E402
from workspaces import migrating, schemas, scope, spares  # noqa: E402
from workspaces.models import User, Workspace  # noqa: E402

# The queues of the processes that sweep, as the Procfile gives them.
SWEEPERS = ({"interactive"}, {"bulk", "housekeeping"}, {"send"})
ROUNDS = 20


def make(count: int) -> dict[str, Any]:
    """Sign up; the times of the first ten and of the last thirty that found a schema made ahead.

    The very last thirty (a third of fewer than ninety) found none, and made their own tables.
    """
    few = min(30, max(1, count // 3))
    with scope.system():
        owner, _ = User.objects.get_or_create(email="bench@spaces.example")
    jobs.enqueue = lambda *a, **k: None
    taken = []
    for n in range(-1, count):  # the first one plans
        settings.SPARE_WORKSPACES = 0 if n >= count - few else 1
        spares.keep(now=clock.now())
        database.close()  # who makes them is another process than who takes them
        with scope.system():
            User.objects.exists()
        began = time.perf_counter()
        schemas.create(
            name=f"Shop {n}", slug=f"shop-{n}", country="NG", owner=owner, now=clock.now()
        )
        taken.append((time.perf_counter() - began) * 1000)
    parts = {"first_ms": taken[1:11], "last_ms": taken[-2 * few : -few], "alone_ms": taken[-few:]}
    return {name: statistics.median(part) for name, part in parts.items()}


def touch(count: int) -> dict[str, Any]:
    """Drain a message in each workspace over one connection; what its backend then holds."""
    settings.ALLOWED_HOSTS = ["*"]
    jobs.enqueue = lambda *a, **k: None
    client, found = Client(), _spaces()
    for space in found:
        with scope.workspace(space):
            manager.add(
                workspace=space, provider="cloud_api", phone=f"+1555{space.pk:07d}", external_id=f"{space.pk:012d}",
                account_id="1", secrets={"access_token": "t"}, actor=None, now=clock.now(), is_verified=True,
            )  # fmt: skip
        payload = whatsapp.text(
            "a person please", wamid=f"w{space.pk}", number_id=f"{space.pk:012d}"
        )
        answer = whatsapp.post(client, payload, secret=settings.WHATSAPP_APP_SECRET)
        assert answer.status_code == 200
    database.close()
    most, pids, drained = 0.0, set(), 0
    for n, space in enumerate(found):
        drained += drain.run(workspace=space).count
        if n % 10 == 9 or n == len(found) - 1:
            pid = backend()
            pids.add(pid)
            most = max(most, _anonymous_mb(pid))
    assert drained >= len(found)
    return {"most_mb": most, "backends": len(pids), "drained": drained}


def idle(count: int) -> dict[str, Any]:
    """What a minute of all sweeps and all tasks of the clock costs while nobody writes."""
    app.loader.import_default_modules()
    minute = {"queries": 0.0, "cpu": 0.0}
    by: dict[str, float] = {}

    def add(name: str, work: Callable[[], object], per_minute: float) -> None:
        queries, cpu = _cost(work)
        by[name] = round(queries * per_minute, 2)
        minute["queries"] += queries * per_minute
        minute["cpu"] += cpu * per_minute

    for queues in SWEEPERS:
        sweeper = Sweeper(queues)
        add(f"sweep of {min(queues)}", sweeper.sweep, 60 / settings.SWEEP_SECONDS)
        sweeper.stop()
    for entry in app.conf.beat_schedule.values():
        task = app.tasks[entry["task"]]
        add(entry["task"], task, 60 / float(entry["schedule"]))
    return {"queries": minute["queries"], "cpu_seconds": minute["cpu"], "by": by}


def _cost(work: Callable[[], object]) -> tuple[float, float]:
    """Return queries and CPU seconds of one turn: this process and its backend together."""
    seen: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    work()  # the first turn of all may find something to do
    close_old_connections()
    pid = backend()
    began = time.process_time() + cpu_seconds(pid)
    with database.execute_wrapper(watch):
        for _ in range(ROUNDS):
            work()
    spent = time.process_time() + cpu_seconds(pid) - began
    return len(seen) / ROUNDS, spent / ROUNDS


def stock(count: int) -> dict[str, Any]:
    """Migrate a few schemas by the library, among all the others."""
    taken = []
    for space in _spaces()[:count]:
        began = time.perf_counter()
        with scope.owner():
            call_command(
                "migrate_schemas", schema_name=space.schema_name, tenant=True, verbosity=0,
                interactive=False,
            )  # fmt: skip
        taken.append((time.perf_counter() - began) * 1000)
    return {"ms": statistics.median(taken), "sample": count}


def migrate(count: int) -> dict[str, Any]:
    """Migrate all schemas by our own way, two at a time."""
    report = migrating.run(jobs=2)
    assert report.is_done and not migrating.verify(), report
    return {"seconds": report.seconds, **report.counts}


def _spaces() -> list[Workspace]:
    with scope.system():
        return list(Workspace.objects.order_by("pk"))


def backend() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _anonymous_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("this kernel does not tell the anonymous memory of a process")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    chosen = {"make": make, "touch": touch, "idle": idle, "stock": stock, "migrate": migrate}
    print(json.dumps(chosen[sys.argv[1]](int(sys.argv[2]))))
