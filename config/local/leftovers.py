"""Remembering which processes run, so that a start after a crash can end what was left behind."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.local.folders import UnableToStart, read_json, write_private_json

GRACE_SECONDS = 8.0


def write(path: Path, processes: Sequence[tuple[str, int, int]]) -> None:
    """Note each process by name, id, the moment of its start, and the signal that ends it."""
    rows = [
        {"name": name, "pid": pid, "began": began(pid), "signal": stop}
        for name, pid, stop in processes
    ]
    write_private_json(path, rows)


def forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def stop(path: Path, project: Path) -> list[str]:
    """End what still runs of the noted processes and of those they started; the names of those.

    Each noted process leads a session, by whose number its own are found when it has gone. The
    moment of the start and the folder tell ours from strangers who were given a number later.
    """
    rows = [row for row in read_json(path) or [] if _session(row, project)]
    for row in rows:
        _send(row["pid"], row["signal"])
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(_session(row, project) for row in rows):
        time.sleep(0.05)
    for row in rows:
        if _session(row, project):
            _send(row["pid"], signal.SIGKILL)
    forget(path)
    return [row["name"] for row in rows]


def _session(row: dict[str, Any], project: Path) -> bool:
    """Whether anything runs of a noted process's session."""
    leader = _stat(row["pid"])
    if leader is not None:
        if leader.began != row["began"]:
            return False
        if leader.state != "Z":
            return True
    return any(
        found.session == row["pid"] and found.state != "Z" and _is_inside(found.pid, project)
        for found in _all()
    )


def _is_inside(pid: int, project: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(project)
    except OSError:
        return False


def _all() -> Iterator["_Stat"]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (found := _stat(int(path.name))):
            yield found


def stop_postgres(pid_file: Path) -> None:
    """End a PostgreSQL of ours that outlived its launcher, and clear its mark if it is gone."""
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not _is_postgres(pid, pid_file.parent):
            break
        _send(pid, number, is_group=False)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and _is_postgres(pid, pid_file.parent):
            time.sleep(0.05)
    if not _is_postgres(pid, pid_file.parent):
        # A recycled id would make PostgreSQL believe that it still runs.
        pid_file.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Stat:
    pid: int
    state: str
    session: int
    began: str


def _stat(pid: int) -> _Stat | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return _Stat(pid, state=fields[0], session=int(fields[3]), began=fields[19])


def began(pid: int) -> str:
    """The kernel's own note of when a process began; empty if there is no such process."""
    found = _stat(pid)
    return found.began if found else ""


def _is_postgres(pid: int, folder: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(folder) in words and b"postgres" in os.path.basename(words[0])


def _send(pid: int, number: int, *, is_group: bool = True) -> None:
    try:
        if is_group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise UnableToStart(
            f"Process {pid} of an earlier start still runs and belongs to another user.",
            remedy=f"Stop it: sudo kill {pid}",
        ) from error
