"""Small stand-in projects for the launcher, and a view of the processes they leave."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from config.local import ports
from config.local.folders import PROJECT

MANAGE = """
import json, os, sys
print(sys.argv[1:])
if sys.argv[1] == os.environ.get("BROKEN_STEP"):
    sys.exit("the reason why it broke")
if sys.argv[1] == "demo":
    facts = {"sign_in_email": "ada@demo.example", "workspace_slug": "s", "phone_url": "/phone"}
    print(json.dumps(facts, indent=2))
"""
SERVER = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


class StandIn:
    """A project's folder with a manage.py and processes that take no time to start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.edge_port, self.simulator_port = ports.pick(), ports.pick(), ports.pick()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(PROJECT),
            "PORT": str(self.port),
            "EDGE_PORT": str(self.edge_port),
            "SIMULATOR_PORT": str(self.simulator_port),
        }
        self._started: list[subprocess.Popen[str]] = []
        (folder / "manage.py").write_text(MANAGE)
        (folder / "server.py").write_text(SERVER)
        self.write(
            "Procfile",
            "web: python server.py $PORT\nedge: python server.py $EDGE_PORT\nidle: sleep 1000\n",
        )
        self.write("Procfile.local", "simulator: python server.py $SIMULATOR_PORT\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.local", "--folder", str(self.folder), *words],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def processes(self) -> dict[int, str]:
        """What runs out of this folder, whoever started it."""
        found = {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit() and int(path.name) != os.getpid():
                with suppress(OSError):
                    command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if str(self.folder) in command + os.readlink(path / "cwd"):
                        found[int(path.name)] = command
        return found

    def clean_up(self) -> None:
        for process in self._started:
            process.kill()
        if not wait_until(lambda: not self.processes(), seconds=10):
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.communicate(timeout=20)


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Listen on a port, as a program that was there before."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ports.HOST, port))
        listener.listen()
        yield


def wait_until(is_done: Callable[[], object], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_done():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    project = StandIn(tmp_path)
    yield project
    project.clean_up()
