"""Starting programs, keeping them alive, and ending every one of them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from config.local import leftovers

BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
LONG_LIFE_SECONDS = 10.0
GRACE_SECONDS = 8.0
SHIM = Path(__file__).with_name("unprivileged.py")


class Stopped(BaseException):
    """Somebody asked the launcher to end. Like KeyboardInterrupt, no error to be mended."""


@dataclass(frozen=True)
class Program:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # Servers are stopped after the processes that use them,
    is_server: bool = False
    # and before all of those whoever needs the others for an orderly end.
    ends_first: bool = False
    # A foreground program shares our terminal, with its input and its Ctrl-C.
    is_foreground: bool = False
    user: tuple[int, int] | None = None
    needs: tuple[Path, ...] = ()

    def shim_command(self) -> list[str]:
        words = [sys.executable, "-I", "-S", str(SHIM), "--parent", str(os.getpid())]
        words += ["--death-signal", str(int(self.stop_signal))]
        if self.user is not None:
            words += ["--user", str(self.user[0]), "--group", str(self.user[1])]
            for path in self.needs:
                words += ["--needs", str(path)]
        return [*words, "--", *self.command]


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[bytes]
    began: float
    is_kept: bool = False
    quick_deaths: int = 0
    restart_at: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.restart_at is None and self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Signal the program and whatever it started."""
        try:
            if self.program.is_foreground:
                self.process.send_signal(number)
            else:
                os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def describe_end(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


class Supervisor:
    """Owns the children. To be used from the main thread: children die with the thread that
    started them, and signals arrive there."""

    def __init__(self, *, record: Path, report: Callable[[str], None]) -> None:
        self.on_wait: Callable[[], None] = lambda: None
        self._record = record
        self._report = report
        self._children: list[Child] = []
        self._interrupts: list[int] = []
        self._before: dict[signal.Signals, Any] = {}
        self._wake_read, self._wake_write = os.pipe()

    def __enter__(self) -> "Supervisor":
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._on_interrupt)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_all()
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts.append(number)

    def start(self, program: Program, *, is_kept: bool = False) -> Child:
        """Start a program; one that is kept is started again whenever it ends."""
        child = Child(program, self._spawn(program), time.monotonic(), is_kept=is_kept)
        self._children.append(child)
        self._write_record()
        return child

    def drop(self, child: Child) -> None:
        """End one program and forget it."""
        child.is_kept = False
        self._stop([child])
        self._children.remove(child)
        self._write_record()

    def run(self, program: Program, *, seconds: float) -> int | None:
        """Run a program to its end while the others are kept; None if it took too long."""
        child = self.start(program)
        deadline = time.monotonic() + seconds
        while child.process.returncode is None and time.monotonic() < deadline:
            self.pause(0.5)
        code = child.process.returncode
        self.drop(child)
        return code

    def until(self, is_done: Callable[[], bool], child: Child, *, seconds: float) -> bool:
        """Wait until something is so; False if the child ended or the time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and child.process.returncode is None:
            if is_done():
                return True
            self.pause(0.05, is_cut_short=False)
        return False

    def pause(self, seconds: float, *, is_cut_short: bool = True) -> None:
        """Let time pass while looking after the children. Raises Stopped when asked to end."""
        until = time.monotonic() + seconds
        while True:
            if self._interrupts:
                raise Stopped
            has_news = self._look_after()
            now = time.monotonic()
            if now >= until or (has_news and is_cut_short):
                return
            due = [child.restart_at for child in self._children if child.restart_at is not None]
            self._sleep(max(0.0, min([until, *due]) - now))

    def take_interrupts(self) -> list[int]:
        """The signals that asked us to end, for a caller that decides what they mean."""
        interrupts, self._interrupts = self._interrupts, []
        return interrupts

    def _sleep(self, seconds: float) -> None:
        self.on_wait()
        poll = select.poll()  # `select` knows no descriptor above 1,023
        poll.register(self._wake_read, select.POLLIN)
        if poll.poll(min(seconds, 0.25) * 1000):
            os.read(self._wake_read, 4096)

    def _look_after(self) -> bool:
        """Reap who ended, restart who is due. True if anything happened."""
        has_news = False
        for child in self._children:
            if child.restart_at is not None:
                if child.restart_at <= time.monotonic():
                    self._restart(child)
                continue
            if child.process.returncode is None and child.process.poll() is not None:
                has_news = True
                child.send(signal.SIGKILL)
                if child.is_kept:
                    self._plan_restart(child)
        return has_news

    def _plan_restart(self, child: Child) -> None:
        lived = time.monotonic() - child.began
        if lived >= LONG_LIFE_SECONDS:
            child.quick_deaths, delay = 0, 0.0
        else:
            delay = BACK_OFF_SECONDS[min(child.quick_deaths, len(BACK_OFF_SECONDS) - 1)]
            child.quick_deaths += 1
        child.restart_at = time.monotonic() + delay
        when = f"in {delay:g} s" if delay else "now"
        end = describe_end(child.process.returncode)
        self._report(f"{child.program.name} {end} after {lived:.1f} s; starting it again {when}")

    def _restart(self, child: Child) -> None:
        child.process = self._spawn(child.program)
        child.began = time.monotonic()
        child.restart_at = None
        self._write_record()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        if program.log is None:
            return subprocess.Popen(
                program.shim_command(),
                env=dict(program.environment),
                cwd=program.folder,
                start_new_session=not program.is_foreground,
            )
        with program.log.open("ab") as log:
            return subprocess.Popen(
                program.shim_command(),
                env=dict(program.environment),
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _write_record(self) -> None:
        leftovers.write(
            self._record,
            [
                (child.program.name, child.process.pid, int(child.program.stop_signal))
                for child in self._children
                if child.is_alive and not child.program.is_foreground
            ],
        )

    def stop_all(self) -> None:
        """End the processes, then the servers under them. A second Ctrl-C ends all at once."""
        self._interrupts.clear()
        for child in self._children:
            child.is_kept = False
            child.restart_at = None
        first = [child for child in self._children if child.program.ends_first]
        rest = [child for child in self._children if not child.program.ends_first]
        self._stop(first)
        for is_server in (False, True):
            self._stop([child for child in rest if child.program.is_server is is_server])
        self._children.clear()
        leftovers.forget(self._record)

    def _stop(self, children: list[Child]) -> None:
        self._end(children, None, GRACE_SECONDS)
        # PostgreSQL leaves at once on SIGQUIT, taking its own children along.
        self._end([child for child in children if child.program.is_server], signal.SIGQUIT, 2.0)
        self._end(children, signal.SIGKILL, 5.0)
        for child in children:
            child.send(signal.SIGKILL)

    def _end(self, children: list[Child], number: signal.Signals | None, seconds: float) -> None:
        alive = [child for child in children if child.process.poll() is None]
        for child in alive:
            child.send(number or child.program.stop_signal)
        deadline = time.monotonic() + seconds
        while any(child.process.poll() is None for child in alive) and not self._interrupts:
            if time.monotonic() >= deadline:
                return
            self._sleep(0.1)
