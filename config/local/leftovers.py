"""Remembering which processes run, so that a start after a crash can end what was left behind."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

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


def stop(path: Path) -> list[str]:
    """End the noted processes that still run; the names of those that did.

    The moment of the start tells our process from a stranger who was given the same id later.
    """
    rows = [row for row in read_json(path) or [] if _runs(row["pid"], row["began"])]
    for row in rows:
        _send(row["pid"], row["signal"])
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(_runs(row["pid"], row["began"]) for row in rows):
        time.sleep(0.05)
    for row in rows:
        if _runs(row["pid"], row["began"]):
            _send(row["pid"], signal.SIGKILL)
    forget(path)
    return [row["name"] for row in rows]


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


def began(pid: int) -> str:
    """The kernel's own note of when a process began; empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _runs(pid: int, since: str) -> bool:
    return bool(since) and began(pid) == since and not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


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
