"""What the bridge is measured against: the local WhatsApp server, a database, a Backroom that answers."""

import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from tests.bench.town import _database, note
from tests.hosts import Host, environment
from tests.house import ROOT, die_with_me, free_port

FOLDER = ROOT / "connections" / "bridge"
SECRET = "the bench's secret"
_KEYS = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

Happening = dict[str, Any]


def call(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """Ask an HTTP server on this machine for JSON. Raises RuntimeError for a refusal."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        text = None if body is None else json.dumps(body)
        head = {"Content-Type": "application/json"} | (headers or {})
        line.request(method, url.removeprefix(f"http://{parts.netloc}"), text, head)
        answer = line.getresponse()
        said = json.loads(answer.read() or b"{}")
        if answer.status >= 300:
            raise RuntimeError(f"{method} {parts.path}: {answer.status} {said}")
        return said
    finally:
        line.close()


class WhatsApp:
    """The local server in a process of its own, and its phones."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [_node(), str(FOLDER / "fake_whatsapp" / "main.js"), "--port", "0", "--control-port", "0"],
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_me,
        )  # fmt: skip
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("ready "):
            raise RuntimeError("The local WhatsApp server did not start: is `npm ci` done?")
        ready = json.loads(line.removeprefix("ready "))
        self.url, self.root_key, self.control = ready["url"], ready["rootKey"], ready["control"]
        self._seen = 0

    def stop(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()

    def post(self, path: str, **body: Any) -> Any:
        """Do something at its desk (fake_whatsapp/README.md)."""
        return call("POST", self.control + path, body)

    def news(self) -> list[Happening]:
        """Return what has happened since the last time."""
        found: list[Happening] = call("GET", f"{self.control}/happenings?after={self._seen}")
        self._seen = found[-1]["number"] if found else self._seen
        return found

    def wait_for(
        self, wanted: set[str], *, what: str, key: str, seconds: float
    ) -> dict[str, float]:
        """Return when `what` happened to each of `wanted`; those that are missing did not in time."""
        came: dict[str, float] = {}
        until = time.monotonic() + seconds
        while wanted - came.keys() and time.monotonic() < until:
            for one in self.news():
                name = str(one["about"].get(key))
                if one["what"] == what and name in wanted:
                    came[name] = _seconds(one["at"])
            time.sleep(0.02)
        return came


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


class Sink:
    """A Backroom that stores at once and answers every message at once."""

    def __init__(self) -> None:
        sink = self
        self.bridges: dict[str, str] = {}  # address by owner
        self.told: set[str] = set()  # texts that came
        self.answered: set[str] = set()  # those that WhatsApp took an answer to
        self._pool = ThreadPoolExecutor(8)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802
                batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                for event in batch["events"]:
                    if event["type"] == "message":
                        sink.told.add(event["text"])
                        sink._pool.submit(sink._answer, batch["bridge"], event)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events"

    def _answer(self, owner: str, event: dict[str, Any]) -> None:
        body = {
            "opaque": event["id"][-150:], "kind": "text", "chat": event["chat"],
            "text": f"Answer to {event['text']}", "reply_to": event["wa_id"],
        }  # fmt: skip
        moment = str(int(time.time()))
        text = json.dumps(body)
        mark = hmac.new(SECRET.encode(), f"{moment}.{text}".encode(), hashlib.sha256).hexdigest()
        url = f"{self.bridges[owner]}/sessions/{event['session']}/messages"
        try:
            call("POST", url, body, {"X-Backroom-Signature": f"t={moment},v1={mark}"})
            self.answered.add(event["text"])
        except Exception as error:
            note(f"an answer was lost: {error!r}")

    def stop(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Bridge:
    """One process of the bridge."""

    def __init__(self, settings: dict[str, str], folder: Path, sink: Sink) -> None:
        self.port = free_port()
        self._log = folder / f"bridge-{self.port}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [_node(), "--max-old-space-size=1024", str(FOLDER / "src" / "main.js")],
                env={**settings, "BRIDGE_PORT": str(self.port)},
                stdout=log, stderr=log, preexec_fn=die_with_me,
            )  # fmt: skip
        self.owner = self._owner()
        sink.bridges[self.owner] = f"http://127.0.0.1:{self.port}"
        self._measured = psutil.Process(self._process.pid)

    def _owner(self) -> str:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for line in self._log.read_text().splitlines():
                if "bridge.process.started" in line:
                    return str(json.loads(line)["owner"])
            time.sleep(0.05)
        raise RuntimeError(f"The bridge did not start.\n{self._log.read_text()[-2000:]}")

    @property
    def rss_mb(self) -> float:
        """Return its resident memory."""
        return float(self._measured.memory_info().rss) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used."""
        times = self._measured.cpu_times()
        return float(times.user + times.system)

    def health(self) -> dict[str, Any]:
        """Return what it says of itself; {} when it does not."""
        try:
            found: dict[str, Any] = call("GET", f"http://127.0.0.1:{self.port}/health")
            return found
        except (OSError, RuntimeError):
            return {}

    def send(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it in order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class World:
    """All of it, with sessions by the phone of their account."""

    def __init__(self, folder: Path, database_url: str, whatsapp: WhatsApp, sink: Sink) -> None:
        self.folder, self.whatsapp, self.sink = folder, whatsapp, sink
        self.database_url = database_url
        self.sessions: dict[str, str] = {}
        self.bridges: list[Bridge] = []
        self._free: list[str] = []
        self._settings = {
            "PATH": os.environ.get("PATH", os.defpath),
            "DATABASE_URL": database_url,
            "BACKROOM_ENV": "test",
            "BACKROOM_KEYS": _KEYS,
            "BRIDGE_SECRET": SECRET,
            "BRIDGE_EVENTS_URL": sink.url,
            "BRIDGE_FOLDER": str(folder / "spool"),
            "BRIDGE_TEXTS_PER_MINUTE": "10000",
            "LINKED_DEVICE_URL": whatsapp.url,
            "LINKED_DEVICE_ROOT_KEY": whatsapp.root_key,
        }

    def bridge(self) -> Bridge:
        """Start one more process."""
        made = Bridge(self._settings, self.folder, self.sink)
        self.bridges.append(made)
        return made

    def make_rows(self, host: Host, count: int) -> None:
        """Make sessions that nobody has asked to link yet, as Backroom does."""
        self._free = host.script(_ROWS % {"count": count})

    def sql(self, query: str, arguments: Sequence[Any] = ()) -> list[Any]:
        """Ask the database as its owner."""
        with psycopg.connect(self.database_url, autocommit=True) as line:
            done = line.execute(query, arguments)
            return done.fetchall() if done.description else []

    def link_up_to(self, count: int) -> None:
        """Link accounts until there are so many."""
        while len(self.sessions) < count:
            group = [self._free.pop() for _ in range(min(10, count - len(self.sessions)))]
            for session in group:
                phone = f"234803{len(self.sessions):07d}"
                self.sessions[phone] = session
                self.whatsapp.post("/accounts", phone=phone, name=f"Shop {phone}")
            self.sql(
                "UPDATE connections_linkedsession SET link_serial = 1 WHERE id = ANY(%s)", [group]
            )
            for phone in list(self.sessions)[-len(group) :]:
                self.whatsapp.post(f"/accounts/{phone}/scan", qr=self._shown(self.sessions[phone]))
            self.wait_until_open(group)

    def _shown(self, session: str) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            [(shown,)] = self.sql(
                "SELECT pairing->>'value' FROM connections_linkedsession WHERE id = %s", [session]
            )
            if shown:
                return str(shown)
            time.sleep(0.02)
        raise RuntimeError("No QR was shown.")

    def wait_until_open(self, sessions: Sequence[str], *, seconds: float = 120) -> None:
        """Wait until all are connected."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            [(count,)] = self.sql(
                "SELECT count(*) FROM connections_linkedsession"
                " WHERE id = ANY(%s) AND state = 'open' AND lease_until > now()",
                [list(sessions)],
            )
            if count == len(sessions):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{len(sessions) - count} of {len(sessions)} sessions are not open.")

    def stop(self) -> None:
        """End every process of the bridge."""
        for bridge in self.bridges:
            bridge.stop()


@contextmanager
def open_world(name: str, *, sessions: int) -> Iterator[World]:
    """Yield a world with an empty database on the server of DATABASE_URL."""
    folder = Path(tempfile.mkdtemp(prefix=f"backroom-{name}-"))
    base, _, own = os.environ["DATABASE_URL"].rpartition("/")
    database = f"{own}_{name}"
    _database(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"')
    url = f"{base}/{database}"
    settings = environment(
        folder,
        database_url=url,
        redis_url=os.environ.get("REDIS_URL", "redis://127.0.0.1:1/0"),
        simulator_url=f"http://127.0.0.1:{free_port()}",
    )
    host = Host(folder / "host", settings)
    whatsapp, sink = WhatsApp(), Sink()
    world = World(folder, url, whatsapp, sink)
    try:
        host.manage("migrate", "--noinput", "-v0")
        world.make_rows(host, sessions)
        yield world
    finally:
        world.stop()
        host.stop()
        sink.stop()
        whatsapp.stop()
        _database(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        raise RuntimeError("There is no Node here; see connections/bridge/README.md.")
    return found


_ROWS = """
import json, uuid
from connections.linked.models import LinkedSession
from connections.models import Connection
from lib import clock
from workspaces import schemas, scope
from workspaces.models import User
now = clock.now()
with scope.system():
    owner = User.objects.create_user("owner@bench.example", "bench-password-1", name="Owner")
    space = schemas.create(name="Bench", slug="bench", country="NG", owner=owner, now=now)
made = []
with scope.workspace(space):
    for _ in range(%(count)d):
        session = LinkedSession(workspace=space)
        session.connection = Connection.every.create(
            workspace=space, provider="linked_device", phone="", external_id=str(session.pk),
            state_changed_at=now, created_at=now, verified_at=now,
        )
        session.save(force_insert=True)
        made.append(str(session.pk))
print(json.dumps(made))
"""
