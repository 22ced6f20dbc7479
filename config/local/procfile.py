"""Reading the Procfile: which processes there are, and how each is started."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from config.local.folders import UnableToStart

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def read(path: Path) -> dict[str, str]:
    """The commands by name, in the file's order; a file that is not there holds none."""
    commands: dict[str, str] = {}
    if not path.exists():
        return commands
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line.strip())
        if not found or found[1] in commands:
            raise UnableToStart(
                f"{path.name}, line {number} is not understood: {line.strip()}",
                remedy="Each line is `name: command`, each name once.",
            )
        commands[found[1]] = found[2]
    return commands


def expand(command: str, environment: Mapping[str, str]) -> list[str]:
    """Split a command into words; `$NAME` and `${NAME}` become their values."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in environment:
            raise UnableToStart(f"The Procfile uses ${name}, which is not set: {command}")
        return environment[name]

    return [_VARIABLE.sub(value, word) for word in shlex.split(command)]
