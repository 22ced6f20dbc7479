"""A house with servers of its own, so that any part of it can be taken away."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import stock
from tests.bench.stock import Space
from tests.bench.town import Town
from tests.chaos import cables
from tests.hosts import Host, environment, known
from tests.house import fetch, free_port
from tests.servers import Postgres, Redis
from tests.simulated import Sends

# What runs on the second host; pages, models and the clock stay on the first.
_ELSEWHERE = ("edge", "worker", "bulk", "sender")
_SPACES = 4


@dataclass
class Stage:
    """What a fault may take away."""

    folder: Path
    postgres: Postgres
    redis: Redis
    host: Host
    spaces: list[Space] = field(default_factory=list)
    cable: cables.Cable | None = None
    other: Host | None = None

    @property
    def town(self) -> Town:
        return Town(self.folder, self.host, Sends(self.host.simulator_url))

    @property
    def urls(self) -> list[str]:
        """Return the front doors that take webhooks."""
        found = [self.host.edge_url]
        if self.other is not None and self.cable is not None:
            name, port = self.cable.door(int(self.other.edge_url.rpartition(":")[2]))
            found.append(f"http://{name}:{port}")
        return found


@contextmanager
def open_stage(
    *, has_file: bool = False, has_other: bool = False, uses_ai: bool = False
) -> Iterator[Stage]:
    """Yield a whole house, warm, with four workspaces; `has_file`: Redis writes to its file."""
    folder = Path(tempfile.mkdtemp(prefix="backroom-chaos-"))
    cable = cables.lay() if has_other else None
    listen = cable.listen if cable else "127.0.0.1"
    postgres = Postgres(folder, listen=listen)
    redis = Redis(folder, has_file=has_file, listen=listen)
    simulator_port = free_port()
    more = {}
    if uses_ai:
        more = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings_model", "AI_ECHO_SECONDS": "0.3"}
    hosts = [
        Host(
            folder / "host",
            environment(
                folder,
                database_url=postgres.url,
                redis_url=redis.url,
                simulator_url=f"http://127.0.0.1:{simulator_port}",
                **more,
            ),
        )
    ]
    stage = Stage(folder, postgres, redis, hosts[0], cable=cable)
    try:
        postgres.start()
        redis.start()
        stage.host.manage("migrate", "--noinput", "-v0")
        stage.host.start("simulator")
        stage.spaces = stock.make(
            stage.host, [f"shop-{n}" for n in range(_SPACES)], uses_ai=uses_ai
        )
        stage.town.start()
        if cable is not None:
            stage.other = _second(stage, cable, simulator_port)
            hosts.append(stage.other)
            stage.other.start(*_elsewhere())
        stage.town.warm(stage.spaces, rounds=5)
        yield stage
    finally:
        for host in reversed(hosts):
            host.stop()
        redis.stop()
        postgres.stop()
        if cable is not None:
            cable.close()
        shutil.rmtree(folder, ignore_errors=True)


def _elsewhere() -> list[str]:
    front = () if "edge" in known() else ("web",)
    return [*front, *(name for name in _ELSEWHERE if name in known())]


def _second(stage: Stage, cable: cables.Cable, simulator_port: int) -> Host:
    def url(base: str, port: int) -> str:
        host, seen = cable.there(port)
        return base.replace(f"127.0.0.1:{port}", f"{host}:{seen}")

    settings = environment(
        stage.folder,
        database_url=url(stage.postgres.url, stage.postgres.port),
        redis_url=url(stage.redis.url, stage.redis.port),
        simulator_url=url(f"http://127.0.0.1:{simulator_port}", simulator_port),
        ALLOWED_HOSTS="*",
    )
    return Host(stage.folder / "other", settings, address=cable.address, inside=cable.inside)


class Pages:
    """Asks for a page ten times a second; remembers when that last failed."""

    def __init__(self, url: str) -> None:
        self.asked = self.failed = 0
        self.last_failed = 0.0
        self._url, self._end = url, threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._end.wait(0.1):
            began = time.time()
            self.asked += 1
            if fetch(self._url)[0] != 200:
                self.failed += 1
                self.last_failed = max(began, time.time())

    def stop(self) -> None:
        """Ask no more."""
        self._end.set()
        self._thread.join(25)
