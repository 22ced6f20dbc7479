"""Where one running copy keeps its files, and the lock that lets only one copy use them."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


class UnableToStart(Exception):
    """What went wrong, what to do about it, and the log whose last lines tell more."""

    def __init__(self, problem: str, *, remedy: str = "", log: Path | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.log = log


@dataclass(frozen=True)
class Folder:
    """The project's folder and the part of `var/` that this copy owns."""

    project: Path
    data: Path

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets.json"

    @property
    def ports(self) -> Path:
        return self.data / "ports.json"

    @property
    def settings(self) -> Path:
        """The settings which every other command in this folder reads."""
        return self.run / "env.json"

    @property
    def processes(self) -> Path:
        return self.run / "processes.json"

    def make(self) -> None:
        try:
            for path in (self.log, self.run):
                path.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise UnableToStart(
                f"{error.filename} may not be written",
                remedy=_owner_remedy(self.project),
            ) from error

    def show(self, path: Path) -> str:
        """A path as people see it from the project's folder."""
        return str(path.relative_to(self.project) if path.is_relative_to(self.project) else path)


class Lock:
    """Held as long as its process lives, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("a+")
        except PermissionError as error:
            raise UnableToStart(
                f"{path} belongs to another user", remedy=_owner_remedy(path.parents[2])
            ) from error

    def take(self, *, wait: bool = False) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._file.seek(0)
        self._file.truncate()
        self._file.write(str(os.getpid()))
        self._file.flush()
        return True

    def holder(self) -> str:
        self._file.seek(0)
        return self._file.read().strip()

    def release(self) -> None:
        self._file.close()


def read_json(path: Path) -> Any:
    """The file's contents; None if there is no such file or it was cut off half-way."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    except PermissionError as error:
        raise UnableToStart(
            f"{path} belongs to another user", remedy=_owner_remedy(path.parent)
        ) from error


def write_private_json(path: Path, contents: Any) -> None:
    """Replace the file at one stroke, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(contents, file, indent=2, sort_keys=True)
        file.write("\n")
    draft.replace(path)


def last_lines(path: Path, count: int = 15) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def rotate(path: Path) -> None:
    """Begin a new log; keep the one before."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))


def _owner_remedy(project: Path) -> str:
    return (
        "It was made by another user, perhaps root. Start as that user, "
        f"or give the folder to yourself: sudo chown -R $(id -un) {project}"
    )
