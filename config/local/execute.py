"""`make test` and friends: one command beside servers of its own, away from the demo's data."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from config.local import leftovers, ports, services, settings_file
from config.local.folders import Folder, Lock, UnableToStart
from config.local.launch import child_environment, shell_code
from config.local.processes import Program, Stopped, Supervisor
from config.local.screen import Screen
from config.local.settings_file import Given

PATIENCE = 3


def execute(
    project: Path,
    environ: Mapping[str, str],
    screen: Screen,
    command: Sequence[str],
    *,
    is_kept: bool = False,
) -> int:
    """Run the command and return its code. `.env` is not read: it may hold real credentials."""
    folder = Folder(project=project, data=project / "var" / "test")
    try:
        with _own_folder(project, is_kept=is_kept) as folder:
            return _execute(folder, environ, screen, command)
    except UnableToStart as error:
        screen.trouble(error, folder)
        return 1


def _execute(
    folder: Folder, environ: Mapping[str, str], screen: Screen, command: Sequence[str]
) -> int:
    # `make test` may itself be run by something that has settings of a running copy.
    given = Given({name: value for name, value in environ.items() if name != "BACKROOM_ENV"})
    is_durable = given.get("BACKROOM_TEST_FSYNC").lower() in ("on", "1", "true", "yes")
    with Supervisor(record=folder.processes, report=screen.say) as supervisor:
        try:
            servers = _start_servers(supervisor, folder, screen, given, is_durable=is_durable)
        except Stopped:
            return 130
        settings = settings_file.compose(
            folder,
            given=given,
            servers=servers,
            numbers={name: _port(given, name) for name in ports.TYPED},
            mode="test",
        )
        program = Program(
            name="command",
            command=tuple(command),
            environment=child_environment(given.all(), settings),
            folder=Path.cwd(),
            is_foreground=True,
        )
        return _run(supervisor, program)


def _start_servers(
    supervisor: Supervisor,
    folder: Folder,
    screen: Screen,
    given: Given,
    *,
    is_durable: bool,
) -> dict[str, str]:
    for name in ("postgres.log", "redis.log"):
        (folder.log / name).unlink(missing_ok=True)
    try:
        return services.start(supervisor, folder, screen, given=given, is_durable=is_durable)
    except UnableToStart:
        # Test data is written without fsync, so a power cut may spoil it; it may simply go.
        supervisor.stop_all()
        _remove(folder.data / "postgres")
        return services.start(supervisor, folder, screen, given=given, is_durable=is_durable)


def _port(given: Given, name: str) -> int:
    return ports.number(name, given.get(name)) if given.has(name) else ports.pick()


def _run(supervisor: Supervisor, program: Program) -> int:
    child = supervisor.start(program)
    interrupts: list[int] = []
    while child.process.returncode is None and len(interrupts) < PATIENCE:
        try:
            supervisor.pause(0.5)
        except Stopped:
            for number in supervisor.take_interrupts():
                interrupts.append(number)
                # A Ctrl-C at the terminal has reached the command by itself.
                if number != signal.SIGINT or not os.isatty(0):
                    child.send(signal.Signals(number))
    code = child.process.returncode
    return 130 if code is None else shell_code(code)


@contextmanager
def _own_folder(project: Path, *, is_kept: bool) -> Iterator[Folder]:
    """`var/test`, whose database is ready from last time; a passing one while that is in use."""
    _sweep(project)
    folder = Folder(project=project, data=project / "var" / "test")
    folder.make()
    lock = Lock(folder.run / "lock")
    if lock.take():
        try:
            leftovers.stop(folder.processes, project)
            yield folder
        finally:
            lock.release()
        return
    folder = Folder(project=project, data=project / "var" / f"test-{os.getpid()}")
    folder.make()
    try:
        yield folder
    finally:
        if not is_kept:
            _remove(folder.data)


def _sweep(project: Path) -> None:
    """Remove passing folders whose command was killed."""
    for path in (project / "var").glob("test-*"):
        if not leftovers.began(int(path.name.removeprefix("test-") or 0)):
            leftovers.stop(Folder(project=project, data=path).processes, project)
            _remove(path)


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)
