import json
import signal
from pathlib import Path

import pytest

from tests.local.conftest import StandIn, wait_until

pytestmark = pytest.mark.processes

ASK = """
import json, os, pathlib, sys, time
import psycopg, redis
with psycopg.connect(os.environ["DATABASE_URL"]) as link:
    version = link.execute("SHOW server_version").fetchone()[0]
    fsync = link.execute("SHOW fsync").fetchone()[0]
redis.from_url(os.environ["REDIS_URL"]).ping()
names = ("DATABASE_URL", "REDIS_URL", "BACKROOM_ENV", "SECRET_KEY", "BACKROOM_KEYS", "PORT")
answer = {name: os.environ[name] for name in names} | {"version": version, "fsync": fsync}
path = pathlib.Path(sys.argv[1])
path.with_suffix(".new").write_text(json.dumps(answer))
path.with_suffix(".new").rename(path)
deadline = time.monotonic() + 30
while not pathlib.Path(sys.argv[2]).exists() and time.monotonic() < deadline:
    time.sleep(0.05)
sys.exit(5)
"""


def test_two_at_once_in_one_folder_have_servers_of_their_own(
    stand_in: StandIn, tmp_path: Path
) -> None:
    del stand_in.environ["PORT"]
    stand_in.write("ask.py", ASK)

    first = stand_in.start("exec", "--", "python", "ask.py", "one", "two")
    second = stand_in.start(
        "exec", "--", "python", "ask.py", "two", "one", BACKROOM_TEST_FSYNC="on"
    )
    codes = [stand_in.finish(process)[0] for process in (first, second)]

    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one", "two"))
    assert codes == [5, 5]
    assert one["version"].startswith("18")
    assert one["BACKROOM_ENV"] == "test"
    assert (one["fsync"], two["fsync"]) == ("off", "on")
    assert all(one[name] != two[name] for name in ("DATABASE_URL", "REDIS_URL", "PORT"))
    assert stand_in.processes() == {}
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["test"]


def test_with_servers_given_nothing_is_started(stand_in: StandIn, tmp_path: Path) -> None:
    urls = {"DATABASE_URL": "postgres://given", "REDIS_URL": "redis://given"}

    code, shown = stand_in.finish(
        stand_in.start("exec", "--", "sh", "-c", "echo $DATABASE_URL $REDIS_URL", **urls)
    )

    assert code == 0
    assert shown.strip() == "postgres://given redis://given"
    assert not (tmp_path / "var/test/postgres").exists()


def test_a_request_to_end_reaches_the_command(stand_in: StandIn, tmp_path: Path) -> None:
    urls = {"DATABASE_URL": "postgres://given", "REDIS_URL": "redis://given"}
    launcher = stand_in.start("exec", "--", "sh", "-c", "touch began; exec sleep 1000", **urls)
    assert wait_until((tmp_path / "began").exists)

    launcher.send_signal(signal.SIGTERM)

    assert stand_in.finish(launcher)[0] == 128 + signal.SIGTERM
    assert stand_in.processes() == {}
