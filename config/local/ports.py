"""Finding free ports on 127.0.0.1, and saying who holds one that is taken."""

import os
import re
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from config.local.folders import Folder, UnableToStart, read_json, write_private_json

HOST = "127.0.0.1"
# Those that people type, and their usual numbers.
TYPED = {"PORT": 8000, "EDGE_PORT": 8001, "SIMULATOR_PORT": 8010}
# Below the range from which the kernel lends ports to outgoing connections: a client that keeps
# retrying a dead server inside that range may be lent the server's own port.
LOWEST, HIGHEST = 20_000, 29_999


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def pick() -> int:
    """A free port that was not promised to anybody."""
    for _ in range(200):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if is_free(port):
            return port
    raise UnableToStart(f"No free port was found between {LOWEST} and {HIGHEST}.")


def remembered(folder: Folder, name: str, *, again: bool = False) -> int:
    """The port which this folder's server had last time, unless somebody else has it now."""
    known = read_json(folder.ports) or {}
    port = known.get(name)
    if again or not isinstance(port, int) or not is_free(port):
        port = pick()
        write_private_json(folder.ports, {**known, name: port})
    return port


def fill(folder: Folder, wanted: Mapping[str, int], usual: Mapping[str, int]) -> dict[str, int]:
    """The wanted ports, and those which nobody types: the usual ones, or others where taken."""
    found = dict(wanted)
    for name, port in usual.items():
        if name not in found:
            is_ours = port not in found.values() and is_free(port)
            found[name] = port if is_ours else remembered(folder, name.lower())
    return found


def number(name: str, value: str) -> int:
    if not value.isdigit() or not 0 < int(value) < 65_536:
        raise UnableToStart(
            f"{name} is {value!r}, which is not a port.", remedy=f"Try {name}=8001 make run"
        )
    return int(value)


def require_free(wanted: dict[str, int]) -> None:
    """Refuse to go on when a port that people will type is taken."""
    if len(set(wanted.values())) < len(wanted):
        same = " and ".join(wanted)
        raise UnableToStart(f"{same} are the same port.", remedy=_other_ports(wanted))
    for port in wanted.values():
        if not is_free(port):
            raise UnableToStart(
                f"Port {port} is taken by {holder(port) or 'another program'}.",
                remedy=_other_ports(wanted),
            )


def holder(port: int) -> str:
    """The process that listens on a port, as far as this user may see it."""
    wanted = _listening_sockets(port)
    if not wanted:
        return ""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in wanted:
                    words = (process / "cmdline").read_bytes().split(b"\0")
                    command = b" ".join(words).decode(errors="replace").strip()
                    return f"process {process.name} ({command[:100]})"
        except OSError:
            continue
    return ""


def _listening_sockets(port: int) -> set[str]:
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and re.search(f":{port:04X}$", fields[1]):
                sockets.add(f"socket:[{fields[9]}]")
    return sockets


def _other_ports(wanted: dict[str, int]) -> str:
    chosen: list[str] = []
    used: set[int] = set()
    for name, port in wanted.items():
        other = next(
            (each for each in range(port + 1, port + 100) if each not in used and is_free(each)),
            None,
        )
        other = other if other is not None and other < 65_536 else pick()
        used.add(other)
        chosen.append(f"{name}={other}")
    return f"Use others: {' '.join(chosen)} make run"
