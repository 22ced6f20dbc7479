"""A front door as a real process, and what tests need to knock at it and to hold it up."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests import whatsapp
from tests.house import BIN, ROOT, House, die_with_me, fetch, free_port, wait_until

PATH = "/webhooks/whatsapp/"


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Return the refusal's word."""
        return str(json.loads(self.body)["error"]["code"])


def ask(
    url: str,
    *,
    method: str = "POST",
    path: str = PATH,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    seconds: float = 20,
) -> Answer:
    """Send one request over a line of its own."""
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=seconds)
    try:
        line.request(method, path, body or None, headers or {})
        answer = line.getresponse()
        return Answer(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        line.close()


class Edge:
    """One process of the front door."""

    def __init__(self, house: House, log: Path, environment: dict[str, str]) -> None:
        self.house, self.log = house, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(BIN / "uvicorn"), "config.asgi:application", "--port", str(self.port),
                 "--lifespan", "on", "--no-access-log", "--timeout-graceful-shutdown", "20",
                 "--log-config", "config/uvicorn_log.json", "--log-level", "error"],
                cwd=ROOT, env={**house.environment, **environment},
                stdout=output, stderr=subprocess.STDOUT, preexec_fn=die_with_me,
            )  # fmt: skip
        wait_until(lambda: fetch(f"{self.url}/healthz")[0] == 200, "the front door lives")

    def post(
        self, payload: dict[str, Any] | bytes, *, secret: str = "", seconds: float = 20
    ) -> Answer:
        """Post a signed webhook."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signature = whatsapp.sign(body, secret or self.house.secret)
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        return ask(self.url, body=body, headers=headers, seconds=seconds)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of one event."""
        found = []
        for line in self.log.read_text().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return [line for line in found if line.get("event") == event]

    def terminate(self) -> int:
        """Ask it to end, and wait; return its code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def edge(house: House, **environment: str) -> Iterator[Edge]:
    """Run a front door with these settings beside the house's."""
    log = house.folder / f"edge-{len(list(house.folder.glob('edge-*')))}.log"
    door = Edge(house, log, environment)
    try:
        yield door
    finally:
        door.process.kill()
        door.process.wait(10)


class Posting(threading.Thread):
    """A webhook on its way: posted at once, its answer read when it comes."""

    def __init__(self, door: Edge, payload: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._door, self._payload = door, payload
        self.answer: Answer | None = None
        self.start()

    def run(self) -> None:
        self.answer = self._door.post(self._payload)

    def wait(self) -> Answer:
        """Wait for the answer."""
        self.join(30)
        assert self.answer is not None, "no answer in 30 s"
        return self.answer


@contextmanager
def held_table(house: House) -> Iterator[None]:
    """Keep everybody from storing inside the block: their statements wait."""
    with psycopg.connect(house.database_url) as connection:
        connection.execute("LOCK TABLE connections_inboundevent IN ACCESS EXCLUSIVE MODE")
        yield


def wait_for_held_store(house: House) -> None:
    """Wait until a statement of a front door stands before the held table."""
    wait_until(
        lambda: bool(
            house.sql(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND query LIKE '%INSERT INTO connections_inboundevent%'"
                " AND datname = current_database()"
            )
        ),
        "a statement waits for the table",
    )


class Wire:
    """The way to the database, to be cut, or to be blocked so that nothing comes through."""

    def __init__(self, url: str) -> None:
        host, _, rest = url.rpartition("@")[2].partition(":")
        self._target = (host, int(rest.partition("/")[0]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[socket.socket] = []
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        port = self._listener.getsockname()[1]
        self.url = f"{url.rpartition('@')[0]}@127.0.0.1:{port}/{url.rpartition('/')[2]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """End every connection and take no new one."""
        self._is_cut = True
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def block(self) -> None:
        """Let nothing through, and say nothing about it."""
        self._flows.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._is_cut = False
        self._flows.set()

    def close(self) -> None:
        """End for good."""
        self._listener.close()
        self._flows.set()
        self.cut()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                if self._is_cut:
                    visitor.close()
                    continue
                server = socket.create_connection(self._target)
                self._pairs += [visitor, server]
                for one, other in ((visitor, server), (server, visitor)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(house: House) -> Iterator[Wire]:
    """Lay a way to the house's database."""
    line = Wire(house.database_url)
    try:
        yield line
    finally:
        line.close()


def kept(house: House, *subjects: str) -> list[str]:
    """Return which of these message ids are stored, sorted."""
    with psycopg.connect(house.database_url) as connection:
        rows = connection.execute(
            "SELECT subject FROM connections_inboundevent WHERE subject = ANY(%s) ORDER BY subject",
            [list(subjects)],
        ).fetchall()
    return [row[0] for row in rows]


def children(pid: int) -> list[int]:
    """Return the serving processes under a supervisor (its resource tracker is none)."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (
                f"\nPPid:\t{pid}\n" in (path / "status").read_text()
                and b"spawn_main" in (path / "cmdline").read_bytes()
            ):
                found.append(int(path.name))
    return sorted(found)


def end_hard(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)
