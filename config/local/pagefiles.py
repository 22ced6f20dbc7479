"""Whether the pages' files have to be collected again: compressing them takes many seconds."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from config.local.folders import Folder


def print_of(project: Path) -> str:
    """A fingerprint of what the files are collected from: ours, the packages', the settings."""
    seen = hashlib.sha256()
    for path in sorted(_sources(project)):
        about = path.stat()
        seen.update(f"{path.relative_to(project)} {about.st_size} {about.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def are_collected(folder: Folder) -> bool:
    note = _note(folder)
    return note.exists() and note.read_text() == print_of(folder.project)


def note_collected(folder: Folder) -> None:
    # Beside the files themselves, so that it goes when they are removed.
    if _note(folder).parent.is_dir():
        _note(folder).write_text(print_of(folder.project))


def _note(folder: Folder) -> Path:
    return folder.data / "static" / ".collected-from"


def _sources(project: Path) -> Iterator[Path]:
    for pattern in ("requirements.txt", "config/settings.py", "static/**/*", "*/static/**/*"):
        for path in project.glob(pattern):
            if path.is_file() and path.relative_to(project).parts[0] != "var":
                yield path
