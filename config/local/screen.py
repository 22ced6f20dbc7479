"""What the person at the terminal sees: steps with their seconds, a box, the logs' new lines."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from config.local.folders import Folder, UnableToStart, last_lines

_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95)


class Screen:
    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._is_mid_line = False
        self.is_terminal = output.isatty()

    def say(self, text: str = "") -> None:
        """A line of its own, also in the middle of a step."""
        self._write(f"\n{text}\n" if self._is_mid_line else f"{text}\n")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A line that begins with the step and ends with its outcome."""
        began = time.monotonic()
        self._write(f"  {name} ...")
        try:
            yield
        except Exception:
            self._write(" failed\n" if self._is_mid_line else f"  {name}: failed\n")
            raise
        if not self._is_mid_line:
            self._write(f"  {name}:")
        self._write(f" ok, {time.monotonic() - began:.1f} s\n")

    def _write(self, text: str) -> None:
        self._is_mid_line = not text.endswith("\n")
        try:
            self._output.write(text)
            self._output.flush()
        except (OSError, ValueError):
            # Nobody reads us any more; the services still have to be stopped in order.
            return

    def trouble(self, error: UnableToStart, folder: Folder, *, begin: str = "Cannot go on") -> None:
        self.say()
        self.say(f"{begin}: {error.problem}")
        if error.log is not None and (lines := last_lines(error.log)):
            self.say(f"The last lines of {folder.show(error.log)}:")
            for line in lines:
                self.say(f"    {line}")
        if error.remedy:
            self.say(f"What to do: {error.remedy}")

    def box(self, lines: Sequence[str]) -> None:
        width = max(len(line) for line in lines) + 4
        self.say()
        self.say(f"  ┌{'─' * width}┐")
        for line in ("", *lines, ""):
            self.say(f"  │  {line.ljust(width - 2)}│")
        self.say(f"  └{'─' * width}┘")
        self.say()


class Follower:
    """Shows what the processes add to their logs, each line with its process's name."""

    def __init__(self, screen: Screen, logs: dict[str, Path]) -> None:
        self._screen = screen
        self._logs = logs
        self._width = max((len(name) for name in logs), default=0)
        self._read = {name: _size(path) for name, path in logs.items()}

    def show_new_lines(self) -> None:
        for index, (name, path) in enumerate(self._logs.items()):
            for line in self._new_lines(name, path):
                colour = _COLOURS[index % len(_COLOURS)]
                self._screen.say(f"\033[{colour}m{name.ljust(self._width)} |\033[0m {line}")

    def _new_lines(self, name: str, path: Path) -> list[str]:
        begin = self._read[name]
        if _size(path) <= begin:
            return []
        with path.open("rb") as file:
            file.seek(begin)
            text = file.read(262_144)
        complete = text[: text.rfind(b"\n") + 1]
        self._read[name] += len(complete)
        return complete.decode(errors="replace").splitlines()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def standard(*, is_quiet_output: bool) -> Screen:
    """The screen on standard output, or beside it when the output belongs to a command."""
    output = sys.stderr if is_quiet_output else sys.stdout
    if hasattr(output, "reconfigure"):
        output.reconfigure(errors="replace")
    return Screen(output)
