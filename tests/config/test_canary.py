"""No process of the house works behind a transaction pooler."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.checks import Tags, run_checks
from django.db import OperationalError

from config import canary
from tests.config.pooler import Pooler
from tests.house import ROOT, free_port

pytestmark = pytest.mark.django_db
BIN = Path(sys.executable).parent


@pytest.fixture
def pooler() -> Iterator[Pooler]:
    one = Pooler(os.environ["DATABASE_URL"])
    yield one
    one.close()


PROCESSES = {
    "web": [
        str(BIN / "gunicorn"),
        "config.wsgi",
        "--bind",
        "127.0.0.1:{port}",
        "--no-control-socket",
    ],
    "worker": [
        str(BIN / "celery"), "-A", "config", "worker", "--pool", "threads", "-c", "1",
        "-Q", "interactive", "--without-gossip", "--without-mingle",
    ],
    "beat": [str(BIN / "celery"), "-A", "config", "beat", "--schedule", "{folder}/beat"],
}  # fmt: skip


@pytest.mark.processes
@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_refuses_to_start_behind_a_pooler(
    name: str, pooler: Pooler, tmp_path: Path
) -> None:
    words = [word.format(port=free_port(), folder=tmp_path) for word in PROCESSES[name]]
    environment = {**os.environ, "DATABASE_URL": pooler.url, "BACKROOM_ENV": "test"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"

    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert canary.SENTENCE in done.stdout + done.stderr


@pytest.fixture
def own_database() -> Iterator[str]:
    """A database that a migration may leave a table in: who is refused has begun one."""
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as line:
        line.execute("DROP DATABASE IF EXISTS backroom_pooled WITH (FORCE)")
        line.execute("CREATE DATABASE backroom_pooled")
        yield f"{base}/backroom_pooled"
        line.execute("DROP DATABASE backroom_pooled WITH (FORCE)")


def test_migrating_behind_a_pooler_is_refused(own_database: str) -> None:
    pooler = Pooler(own_database)
    environment = {**os.environ, "DATABASE_URL": pooler.url, "BACKROOM_ENV": "test"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"

    for command in ("migrate", "migrate_workspaces"):
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

        assert done.returncode != 0
        assert canary.SENTENCE in done.stderr
    pooler.close()


def test_postgresql_itself_is_fine() -> None:
    assert canary.is_behind_pooler() is False
    assert not run_checks(tags=[Tags.database], databases=["default"])
    canary.refuse()


def test_a_database_that_is_away_is_no_pooler(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away() -> bool:
        asked.append("once")
        raise OperationalError("nobody there")

    monkeypatch.setattr(canary, "is_behind_pooler", away)
    monkeypatch.setattr(canary, "_ask_until_known", lambda: asked.append("later"))

    canary.refuse()

    assert asked[0] == "once"
