"""The simulator as a real process, a receiver for its webhooks, and a client nobody of us wrote."""

import base64
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import requests
from pywa.client import WhatsApp

ROOT = Path(__file__).resolve().parents[3]
KEEP = 160
_ids = itertools.count(1)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ask: Callable[[], Any], *, seconds: float = 5.0) -> Any:
    """Ask again until the answer is true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return answer


@dataclass
class Hook:
    """One webhook as it came."""

    body: bytes
    signature: str
    at: float

    @property
    def data(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def changes(self, field_name: str = "messages") -> list[dict[str, Any]]:
        return [
            change["value"]
            for entry in self.data["entry"]
            for change in entry["changes"]
            if change["field"] == field_name
        ]


@dataclass
class Mailbox:
    """What came for one number, and how its deliveries are answered."""

    hooks: list[Hook] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    verify_token: str = ""

    def items(self, name: str) -> list[dict[str, Any]]:
        """Return all `messages` or `statuses` in the order they came."""
        return [i for h in list(self.hooks) for v in h.changes() for i in v.get(name, [])]

    def statuses(self, message_id: str) -> list[str]:
        return [s["status"] for s in self.items("statuses") if s["id"] == message_id]


class Receiver(ThreadingHTTPServer):
    """The business's server: one path for each number."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mailboxes: dict[str, Mailbox] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Receiver

    def log_message(self, *args: object) -> None:
        """Stay quiet."""

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        box = self.server.mailboxes.setdefault(urlsplit(self.path).path, Mailbox())
        status = box.answers.popleft() if box.answers else 200
        if status == 200:
            box.hooks.append(Hook(body, self.headers["X-Hub-Signature-256"], time.time()))
        self._answer(status)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        box = self.server.mailboxes.setdefault(parts.path, Mailbox())
        if query.get("hub.verify_token") == [box.verify_token]:
            self._answer(200, query["hub.challenge"][0].encode())
        else:
            self._answer(403)


@dataclass
class Simulator:
    """The running process and its control side."""

    url: str
    pid: int

    def post(self, path: str, body: dict[str, Any], *, expect: int | None = None) -> Any:
        answer = requests.post(f"{self.url}/control/{path}", json=body, timeout=10)
        assert answer.status_code in ((expect,) if expect else (200, 201)), answer.text
        return answer.json()

    def get(self, path: str, **params: Any) -> Any:
        answer = requests.get(f"{self.url}/control/{path}", params=params, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()


def start_simulator(**extra: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the server as it runs for real and wait until it answers."""
    port = free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "SECRET_KEY": "test",
        "BACKROOM_KEYS": "k1:" + base64.b64encode(b"0" * 32).decode(),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "BACKROOM_ENV": "test",
        "BASE_URL": "http://127.0.0.1:1",
        "SIMULATOR_KEEP": str(KEEP),
        **extra,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "config.wsgi_simulator", "--workers", "1",
         "--threads", "16", "--bind", f"127.0.0.1:{port}", "--no-control-socket",
         "--log-level", "warning"],
        cwd=ROOT,
        env=environment,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        assert process.poll() is None, "the simulator ended"
        try:
            return requests.get(f"{url}/healthz", timeout=1).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    until(is_up, seconds=20)
    return process, url


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    process, url = start_simulator()
    yield Simulator(url=url, pid=process.pid)
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.shutdown()


@dataclass
class Shop:
    """A business number of its own for each test."""

    simulator: Simulator
    mailbox: Mailbox
    id: str
    waba_id: str
    secret: str
    path: str
    customer: str

    def write(self, text: str = "", **item: Any) -> list[str]:
        """Let the customer write and return the message ids."""
        body = {"phone_number_id": self.id, "from": self.customer, **item}
        if text:
            body["text"] = text
        return [m["id"] for m in self.simulator.post("inbound", body)["messages"]]

    def faults(self, **fields: Any) -> None:
        self.simulator.post("faults", {"phone_number_id": self.id, **fields})

    def sent(self) -> list[dict[str, Any]]:
        """Return what was accepted from this number."""
        found: list[dict[str, Any]] = self.simulator.get("messages", phone_number_id=self.id)[
            "messages"
        ]
        return found

    def call(
        self, body: dict[str, Any], *, token: str = "token", timeout: float = 5
    ) -> requests.Response:
        """Send by plain HTTP, as a client that knows nothing would."""
        return requests.post(
            f"{self.simulator.url}/v26.0/{self.id}/messages",
            json={"messaging_product": "whatsapp", **body},
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
        )

    def text(self, words: str = "hello", **more: Any) -> requests.Response:
        body = {"to": self.customer, "type": "text", "text": {"body": words}}
        return self.call(body, **more)


@pytest.fixture
def shop(simulator: Simulator, receiver: Receiver) -> Shop:
    index = next(_ids)
    path = f"/hooks/{index}/"
    shop = Shop(
        simulator=simulator,
        mailbox=receiver.mailboxes.setdefault(path, Mailbox()),
        id=str(10_000_000 + index),
        waba_id=str(20_000_000 + index),
        secret=f"secret-{index}",
        path=path,
        customer=f"23480355{index:05d}",
    )
    simulator.post(
        "numbers",
        {
            "phone_number_id": shop.id,
            "waba_id": shop.waba_id,
            "display_phone_number": f"+234 803 777 {index:04d}",
            "name": f"Shop {index}",
            "app_secret": shop.secret,
            "callback_url": f"{receiver.url}{path}",
        },
    )
    return shop


@pytest.fixture
def client(shop: Shop) -> Iterator[WhatsApp]:
    """pywa, pointed at the simulator; nothing else about it is changed."""
    session = httpx.Client(timeout=5, trust_env=False)
    whatsapp = WhatsApp(phone_id=shop.id, token="token", session=session, waba_id=shop.waba_id)
    session.base_url = f"{shop.simulator.url}/v26.0"
    yield whatsapp
    session.close()
