import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local import leftovers, processes
from config.local.processes import Program, Stopped, Supervisor
from tests.local.conftest import StandIn, wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(record=tmp_path / "processes.json", report=said.append) as supervisor:
        yield supervisor


def program(folder: Path, *command: str, name: str = "worker") -> Program:
    log = folder / f"{name}.log"
    return Program(name, command, dict(os.environ), folder, log)


def python(folder: Path, code: str) -> Program:
    return program(folder, sys.executable, "-c", code)


def moments(path: Path) -> list[float]:
    return [float(line) for line in path.read_text().split()] if path.exists() else []


def test_what_keeps_dying_is_started_again_more_and_more_slowly(
    supervisor: Supervisor, tmp_path: Path, said: list[str]
) -> None:
    starts = tmp_path / "starts"
    code = f"import time; open({str(starts)!r}, 'a').write(f'{{time.monotonic()}}\\n'); 1 / 0"

    supervisor.start(python(tmp_path, code), is_kept=True)
    while len(moments(starts)) < 4:
        supervisor.pause(0.05)

    first, second, third, fourth = moments(starts)[:4]
    assert second - first >= 0.2
    assert third - second >= 0.5
    assert fourth - third >= 1.0
    assert "worker ended with code 1" in said[0]
    assert "again in 0.2 s" in said[0]


def test_what_lived_long_is_started_again_at_once(
    supervisor: Supervisor, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LONG_LIFE_SECONDS", 0.0)
    child = supervisor.start(program(tmp_path, "sleep", "1000"), is_kept=True)
    first = child.process.pid

    os.kill(first, signal.SIGKILL)
    while child.process.pid == first:
        supervisor.pause(0.05)

    assert child.is_alive
    assert "worker was ended by SIGKILL" in said[0]
    assert "again now" in said[0]


def test_whatever_ignores_the_request_to_end_is_killed_with_its_own_children(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    pids = tmp_path / "pids"
    child = supervisor.start(
        program(
            tmp_path,
            "sh",
            "-c",
            f"trap '' TERM; sleep 1000 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait; wait",
        ),
        is_kept=True,
    )
    assert supervisor.until(pids.exists, child, seconds=20)

    supervisor.stop_all()

    ended = [int(word) for word in pids.read_text().split()]
    assert wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in ended))


def test_a_request_to_end_is_heard_while_waiting(supervisor: Supervisor) -> None:
    os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        supervisor.pause(30)


def test_a_program_that_does_not_exist_ends_with_a_reason(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    code = supervisor.run(program(tmp_path, "no-such-program"), seconds=20)

    assert code == 126
    assert "cannot start no-such-program" in (tmp_path / "worker.log").read_text()


def test_what_a_killed_launcher_left_behind_is_ended_by_the_next(tmp_path: Path) -> None:
    record = tmp_path / "processes.json"
    pid = os.posix_spawnp("sleep", ["sleep", "1000"], os.environ, setsid=True)
    time.sleep(0.05)  # The kernel's note of a start is as fine as a hundredth of a second.
    stranger = os.posix_spawnp("sleep", ["sleep", "1000"], os.environ, setsid=True)
    leftovers.write(record, [("worker", pid, signal.SIGTERM), ("web", stranger, signal.SIGTERM)])
    # The second id has been given to somebody else since.
    record.write_text(record.read_text().replace(leftovers.began(stranger), "1"))

    names = leftovers.stop(record, tmp_path)

    assert names == ["worker"]
    assert os.waitpid(stranger, os.WNOHANG) == (0, 0)
    os.kill(stranger, signal.SIGKILL)
    os.waitpid(stranger, 0)
    os.waitpid(pid, 0)


def test_what_a_gone_process_had_started_is_ended_too(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stand_in.folder)
    words = ["sh", "-c", "sleep 1000 & sleep 0.1"]
    pid = os.posix_spawnp("sh", words, os.environ, setsid=True)
    record = stand_in.folder / "processes.json"
    leftovers.write(record, [("web", pid, signal.SIGTERM)])
    os.waitpid(pid, 0)
    assert stand_in.processes()

    names = leftovers.stop(record, stand_in.folder)

    assert names == ["web"]
    assert wait_until(lambda: not stand_in.processes())


def test_everything_ends_with_a_launcher_that_was_killed(stand_in: StandIn) -> None:
    urls = {"DATABASE_URL": "postgres://unused", "REDIS_URL": "redis://unused"}
    launcher = stand_in.start("run", "--once-ready", "touch ready; exec sleep 1000", **urls)
    assert wait_until((stand_in.folder / "ready").exists)

    launcher.kill()

    assert wait_until(lambda: not stand_in.processes(), seconds=20), stand_in.processes()
