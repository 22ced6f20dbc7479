"""Hosts: the processes of the Procfile, kept alive as a supervisor does, killed as a test wants.

Beside tests.house, which knows each process by heart for the tests, a host runs exactly what
the Procfile says, so that what is measured is what is deployed. Several share one database.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg

from config.local import procfile
from tests.house import ROOT, die_with_me, fetch, free_port, path_of_programs
from tests.servers import connects
from tests.whatsapp_lines import WhatsApp

SECRET = "host-app-secret"
RESTART_SECONDS = 1.0
BRIDGE_SECRET = "host-bridge-secret"
_SERVES = {
    "web": "PORT", "edge": "EDGE_PORT", "simulator": "SIMULATOR_PORT", "bridge": "BRIDGE_PORT",
    "whatsapp": "FAKE_WHATSAPP_CONTROL_PORT",
}  # fmt: skip


def known() -> dict[str, str]:
    """Return the commands of both Procfiles by name."""
    return procfile.read(ROOT / "Procfile.local") | procfile.read(ROOT / "Procfile")


def environment(
    folder: Path,
    *,
    database_url: str,
    redis_url: str,
    simulator_url: str,
    graph_url: str = "",
    **more: str,
) -> dict[str, str]:
    """Return what every process of a host gets."""
    port, edge_port, control_port = (str(free_port()) for _ in range(3))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_URL": redis_url,
        "BACKROOM_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORT": port,
        "EDGE_PORT": edge_port,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "SIMULATOR_PORT": simulator_url.rpartition(":")[2],
        "SIMULATOR_URL": simulator_url,
        "GRAPH_API_URL": graph_url or simulator_url,
        "SIMULATOR_KEEP": "100000",
        "WHATSAPP_APP_SECRET": SECRET,
        "BRIDGE_SECRET": BRIDGE_SECRET,
        "BRIDGE_PORT": str(free_port()),
        "BRIDGE_FOLDER": str(folder / "bridge"),
        "FAKE_WHATSAPP_PORT": str(free_port()),
        "FAKE_WHATSAPP_CONTROL_PORT": control_port,
        "FAKE_WHATSAPP_URL": f"http://127.0.0.1:{control_port}",
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONWARNINGS": "ignore",
        "PATH": path_of_programs(),
        **more,
    }


class Host:
    """The processes of one machine."""

    def __init__(
        self,
        folder: Path,
        settings: dict[str, str],
        *,
        address: str = "127.0.0.1",
        inside: Sequence[str] = (),
    ) -> None:
        self.folder, self.settings, self.address = folder, settings, address
        self.deaths: list[tuple[float, str, int]] = []
        self._inside = list(inside)  # what runs a command in another network, say
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._restart_at: dict[str, float] = {}
        self._led: dict[str, str] = {}  # what leads the bridge to the local WhatsApp server
        self._kept: set[str] = set()
        self._lock = threading.RLock()
        self._end = threading.Event()
        # One thread starts and reaps everything: a child dies with the thread that made it.
        self._orders: list[tuple[str, threading.Event]] = []
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    # --- addresses --------------------------------------------------------------------------

    @property
    def web_url(self) -> str:
        return f"http://{self.address}:{self.settings['PORT']}"

    @property
    def edge_url(self) -> str:
        """Return where webhooks go: the front door, or the pages' process without one."""
        port = self.settings["EDGE_PORT" if "edge" in known() else "PORT"]
        return f"http://{self.address}:{port}"

    @property
    def database_url(self) -> str:
        return self.settings["DATABASE_URL"]

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.settings['SIMULATOR_PORT']}"

    @property
    def whatsapp(self) -> WhatsApp:
        """Return the local WhatsApp server, which any host may run."""
        return WhatsApp(self.settings["FAKE_WHATSAPP_URL"])

    # --- commands ---------------------------------------------------------------------------

    def manage(self, *arguments: str, seconds: float = 600) -> str:
        """Run `manage.py` with these arguments and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.settings, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]}: exit {done.returncode}\n{done.stderr[-3000:]}")
        return done.stdout

    def script(self, text: str) -> Any:
        """Run Python in the project; return the JSON of the last line that it printed."""
        return json.loads(self.manage("shell", "-v0", "-c", text).strip().splitlines()[-1])

    def sql(self, query: str, arguments: Sequence[Any] = ()) -> list[Any]:
        """Ask the database, as its owner."""
        with psycopg.connect(self.settings["DATABASE_URL"]) as line:
            return list(line.execute(query, arguments).fetchall())

    # --- processes --------------------------------------------------------------------------

    def start(self, *names: str, is_kept: bool = True) -> None:
        """Start processes of the Procfile and wait until those that listen do."""
        for name in names:
            done = threading.Event()
            with self._lock:
                if is_kept:
                    self._kept.add(name)
                self._orders.append((name, done))
            done.wait(10)
        for name in names:
            self.wait_for(name)

    def wait_for(self, name: str, *, seconds: float = 60) -> None:
        """Wait until a process that serves answers."""
        port = int(self.settings.get(_SERVES.get(name, ""), "0"))
        until = time.monotonic() + seconds
        while port and time.monotonic() < until:
            if connects(port, self.address) and fetch(f"http://{self.address}:{port}/healthz")[0]:
                return
            time.sleep(0.05)
        if port:
            raise RuntimeError(f"{name} does not answer\n{self.log(name)[-3000:]}")

    def wait_until_whole(self, *, seconds: float = 60) -> None:
        """Wait until every process lives and has lived for a moment."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with self._lock:
                is_whole = not self._restart_at and all(
                    process.poll() is None for process in self._processes.values()
                )
            if is_whole:
                break
            time.sleep(0.1)
        for name in self.names():
            self.wait_for(name)

    def _spawn(self, name: str) -> None:
        words = procfile.expand(known()[name], self.settings)
        here = "0.0.0.0" if name == "simulator" else self.address  # noqa: S104
        words = [word.replace("127.0.0.1", here) for word in words]
        for option, file in (("--schedule", "beat-schedule"), ("--state", "whatsapp.json")):
            if option in words:
                words[words.index(option) + 1] = str(self.folder / file)
        settings = dict(self.settings)
        if name == "simulator":
            settings["DJANGO_SETTINGS_MODULE"] = "config.settings_simulator"
        elif name == "bridge":
            settings |= self._bridge_settings()
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*self._inside, *words], cwd=ROOT, env=settings, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_me,
            )  # fmt: skip

    def _bridge_settings(self) -> dict[str, str]:
        """Return where a bridge here is found, and what it is led to (settings of the host win)."""
        found = {
            "BRIDGE_HOST": self.address,
            "BRIDGE_URL": f"http://{self.address}:{self.settings['BRIDGE_PORT']}",
            "BRIDGE_EVENTS_URL": f"{self.edge_url}/webhooks/linked-device/",
        }
        if "whatsapp" in self._processes and not self._led:
            self.wait_for("whatsapp")
            self._led = self.whatsapp.bridge_settings()
        found |= self._led
        return {**found, **{k: v for k, v in self.settings.items() if k in found}}

    def _supervise(self) -> None:
        while not self._end.wait(0.05):
            with self._lock:
                orders, self._orders = self._orders, []
                for name, done in orders:
                    self._restart_at.pop(name, None)
                    self._spawn(name)
                    done.set()
                for name, process in self._processes.items():
                    if name in self._restart_at:
                        if time.monotonic() >= self._restart_at[name]:
                            del self._restart_at[name]
                            self._spawn(name)
                    elif name in self._kept and process.poll() is not None:
                        self.deaths.append((time.time(), name, int(process.returncode)))
                        _signal_group(process.pid, signal.SIGKILL)
                        self._restart_at[name] = time.monotonic() + RESTART_SECONDS

    def names(self) -> list[str]:
        """Return the processes that were started."""
        return list(self._processes)

    def kill(self, name: str) -> float:
        """kill -9 a process with everything it started; return the moment."""
        with self._lock:
            _signal_group(self._processes[name].pid, signal.SIGKILL)
        return time.time()

    def kill_child(self, name: str) -> float:
        """kill -9 one child of a process, or itself where it has none."""
        parent = psutil.Process(self._processes[name].pid)
        children = [c for c in parent.children() if "resource_tracker" not in " ".join(c.cmdline())]
        (children[-1] if children else parent).kill()
        return time.time()

    def restart(self, name: str, *, patience: float = 40) -> float:
        """SIGTERM, wait until it has ended by itself, start it again; return how long it took."""
        began = time.monotonic()
        with self._lock:
            self._kept.discard(name)
            process = self._processes[name]
            process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            self.deaths.append((time.time(), f"{name} (did not end)", -9))
            _signal_group(process.pid, signal.SIGKILL)
            process.wait(10)
        self.start(name)
        return time.monotonic() - began

    def stop(self) -> None:
        """Stop everything."""
        with self._lock:
            self._kept.clear()
            self._restart_at.clear()
            processes = list(self._processes.values())
        for process in processes:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + 10
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, until - time.monotonic()))
            _signal_group(process.pid, signal.SIGKILL)
            process.wait(5)
        self._end.set()
        self._thread.join(5)

    # --- what they do -----------------------------------------------------------------------

    def trees(self) -> dict[str, list[psutil.Process]]:
        """Return the processes by name, each with everything it started."""
        found: dict[str, list[psutil.Process]] = {}
        for name, process in list(self._processes.items()):
            try:
                top = psutil.Process(process.pid)
                found[name] = [top, *top.children(recursive=True)]
            except psutil.Error:
                found[name] = []
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time that each has used so far."""
        used = {name: cpu_of(tree) for name, tree in self.trees().items()}
        return {**used, "postgres": cpu_of(self._backends())}

    def _backends(self) -> list[psutil.Process]:
        folder = self.sql("SHOW data_directory")[0][0]
        try:
            top = psutil.Process(int((Path(folder) / "postmaster.pid").read_text().split()[0]))
            return [top, *top.children(recursive=True)]
        except (OSError, psutil.Error):
            return []  # a server of another machine, or of another user

    def log(self, name: str) -> str:
        """Return what a process wrote."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def error_lines(self) -> list[str]:
        """Return what any process logged as an error, or said outside the log's form."""
        found = []
        for path in sorted(self.folder.glob("*.log")):
            for line in path.read_text(errors="replace").splitlines():
                if re.search(
                    r'"level": ?"(error|critical)"|Traceback|^\w*(Error|Exception)\b',
                    line,
                    re.IGNORECASE,
                ):
                    found.append(f"{path.stem}: {line[:300]}")
        return found


def cpu_of(processes: Iterable[psutil.Process]) -> float:
    """Return the CPU seconds of processes, as far as they still live."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
