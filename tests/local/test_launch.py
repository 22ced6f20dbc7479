import json
import os
import signal
import stat

import pytest

from tests.local.conftest import StandIn, taken, wait_until

pytestmark = pytest.mark.processes

# With servers of the caller's own, nothing slow is started.
URLS = {"DATABASE_URL": "postgres://unused", "REDIS_URL": "redis://unused"}


def test_a_bare_folder_runs_until_ctrl_c_and_leaves_no_process(stand_in: StandIn) -> None:
    launcher = stand_in.start("run")
    settings_path = stand_in.folder / "var/run/env.json"
    assert launcher.stdout is not None
    shown = ""
    while "Ctrl-C" not in shown and (line := launcher.stdout.readline()):
        shown += line
    settings = json.loads(settings_path.read_text())
    mode = stat.S_IMODE(settings_path.stat().st_mode)
    names = " ".join(stand_in.processes().values())

    second_code, second_shown = stand_in.finish(stand_in.start("run"))
    os.kill(launcher.pid, signal.SIGINT)
    code, rest = stand_in.finish(launcher)

    assert f"http://127.0.0.1:{stand_in.port}/" in shown
    assert "ada@demo.example" in shown
    assert f"http://127.0.0.1:{stand_in.simulator_port}/phone" in shown
    assert f"http://127.0.0.1:{stand_in.edge_port}/webhooks/whatsapp/" in shown
    assert "bin/postgres" in names
    assert "redis-server" in names
    assert settings["DATABASE_URL"].startswith("postgres://")
    assert settings["BACKROOM_ENV"] == "development"
    assert mode == 0o600
    assert second_code == 1
    assert f"already at http://127.0.0.1:{stand_in.port}/" in second_shown
    assert code == 0, rest
    assert stand_in.processes() == {}
    assert not settings_path.exists()


def test_command_runs_once_ready_and_its_code_is_ours(stand_in: StandIn) -> None:
    code, shown = stand_in.finish(
        stand_in.start("run", "--once-ready", "echo base=$BASE_URL; exit 7", **URLS)
    )

    assert code == 7, shown
    assert f"base=http://127.0.0.1:{stand_in.port}" in shown
    assert stand_in.processes() == {}


def test_a_taken_port_is_told_before_anything_starts(stand_in: StandIn) -> None:
    with taken(stand_in.port):
        code, shown = stand_in.finish(stand_in.start("run"))

    assert code == 1
    assert f"Port {stand_in.port} is taken" in shown
    assert "make run" in shown
    assert "Starting" not in shown


def test_a_broken_step_shows_its_last_lines_and_what_to_try(stand_in: StandIn) -> None:
    code, shown = stand_in.finish(stand_in.start("run", BROKEN_STEP="migrate", **URLS))

    assert code == 1
    assert "`manage.py migrate --noinput` failed with code 1" in shown
    assert "the reason why it broke" in shown
    assert "var/log/migrate.log" in shown
    assert "DATABASE_URL and REDIS_URL came from your environment" in shown


def test_a_process_that_never_gets_ready_is_named_with_its_log(stand_in: StandIn) -> None:
    stand_in.write("Procfile", "web: python -c 'raise SystemExit(\"no-such-setting\")'\n")

    code, shown = stand_in.finish(stand_in.start("run", **URLS))

    assert code == 1
    assert "web is not ready: it keeps ending" in shown
    assert "no-such-setting" in shown
    assert stand_in.processes() == {}


def test_killed_servers_come_back_with_their_data(stand_in: StandIn) -> None:
    stand_in.write(
        "look.py",
        "import os, redis, psycopg, time\n"
        "def ask(query):\n"
        "    with psycopg.connect(os.environ['DATABASE_URL']) as link:\n"
        "        return link.execute(query)\n"
        "ask('CREATE TABLE kept (id int)')\n"
        "for name in ('postgres', 'redis'):\n"
        "    open(f'kill-{name}', 'w').close()\n"
        "while os.path.exists('kill-postgres') or os.path.exists('kill-redis'): time.sleep(0.05)\n"
        "for _ in range(200):\n"
        "    try:\n"
        "        ask('SELECT * FROM kept'); redis.from_url(os.environ['REDIS_URL']).ping(); break\n"
        "    except (psycopg.OperationalError, redis.ConnectionError): time.sleep(0.1)\n"
        "else: raise SystemExit(1)\n",
    )
    launcher = stand_in.start("run", "--once-ready", "python look.py")
    marks = {name: stand_in.folder / f"kill-{name}" for name in ("postgres", "redis")}
    assert wait_until(lambda: all(mark.exists() for mark in marks.values()))

    for pid, command in stand_in.processes().items():
        if "bin/postgres" in command or "redis-server" in command:
            os.kill(pid, signal.SIGKILL)
    for mark in marks.values():
        mark.unlink()
    code, shown = stand_in.finish(launcher)

    assert code == 0, shown
    assert "postgres was ended by SIGKILL" in shown
    assert "redis was ended by SIGKILL" in shown
