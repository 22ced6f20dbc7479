"""A whole installation for one measurement: database, Redis, simulator, every process."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench import traffic
from tests.bench.stock import Space
from tests.hosts import Host, environment, known
from tests.house import free_port
from tests.servers import Redis
from tests.simulated import Send, Sends


@dataclass
class Town:
    """What a measurement has in hand."""

    folder: Path
    host: Host
    sends: Sends

    def start(self) -> None:
        """Start every process of the Procfile; the simulator runs since the beginning."""
        idle = {"simulator", "whatsapp", "bridge"}  # linked phones are measured apart
        self.host.start(*(name for name in known() if name not in idle))

    def warm(self, spaces: list[Space], *, rounds: int = 2, prefix: str = "7099") -> None:
        """Let every workspace answer a few messages, so that nothing is met for the first time."""
        messages = list(
            traffic.steady(
                spaces, per_second=40, seconds=len(spaces) * rounds / 40 + 0.01, prefix=prefix
            )
        )
        offering = self.offering(messages, name=f"warm{prefix}")
        offering.begin()
        offering.wait(seconds=60 + len(messages) / 10)
        wanted = {message.to for message in messages}
        until = time.monotonic() + 60
        while wanted - {send.to for send in self.sends.fetch()}:
            if time.monotonic() > until:
                raise RuntimeError(f"It does not answer.\n{self.tail()}")
            time.sleep(0.2)

    def offering(
        self, messages: list[traffic.Message], *, name: str, lines: int = 64
    ) -> traffic.Offering:
        """Prepare a process that offers these messages at the front door."""
        return traffic.Offering(
            messages, urls=[self.host.edge_url], folder=self.folder, name=name, lines=lines
        )

    def tail(self) -> str:
        """Return the end of every log."""
        return "\n".join(f"{n}: {self.host.log(n)[-800:]}" for n in self.host.names())


@contextmanager
def open_town(name: str, *, graph_url: str = "", **settings: str) -> Iterator[Town]:
    """Yield an installation with an empty database on the server of DATABASE_URL."""
    folder = Path(tempfile.mkdtemp(prefix=f"backroom-{name}-"))
    # Named after the database that we were given: another copy may measure on the same server.
    base, _, own = os.environ["DATABASE_URL"].rpartition("/")
    database = f"{own}_{name}"
    _database(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"')
    redis = Redis(folder)
    redis.start()
    host = Host(
        folder / "host",
        environment(
            folder,
            database_url=f"{base}/{database}",
            redis_url=redis.url,
            simulator_url=f"http://127.0.0.1:{free_port()}",
            graph_url=graph_url,
            **settings,
        ),
    )
    try:
        host.manage("migrate", "--noinput", "-v0")
        host.start("simulator")
        yield Town(folder, host, Sends(host.simulator_url))
        if errors := host.error_lines():
            note(f"{len(errors)} error lines in the logs, the first: {errors[0]}")
        for _, process, code in host.deaths:
            note(f"{process} ended with {code}")
    finally:
        host.stop()
        redis.stop()
        _database(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)


def _database(*statements: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement)


def note(text: str) -> None:
    """Tell how it goes: standard output belongs to the figures."""
    print(f"  {text}", file=sys.stderr, flush=True)


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of them do not exceed."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def by_customer(sends: list[Send]) -> dict[str, list[Send]]:
    """Return what was taken, by the customer it went to."""
    found: dict[str, list[Send]] = {}
    for send in sends:
        found.setdefault(send.to, []).append(send)
    return found
