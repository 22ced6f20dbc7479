"""`migrate_workspaces` as a process: stopped, killed, two at once; nothing is half, all resume."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.house import ROOT, wait_until
from tests.workspaces import elsewhere
from tests.workspaces.elsewhere import other_database, shops
from workspaces.models import Workspace

__all__ = ["other_database", "shops"]

pytestmark = [pytest.mark.django_db, pytest.mark.processes]


def start(folder: Path, *words: str, module: str = "later") -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": elsewhere.database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.workspaces.settings_later",
        "LATER_FAQS": f"tests.workspaces.{module}",
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate_workspaces", *words],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ask(query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(elsewhere.database_url()) as other:
        return other.execute(query).fetchall()


def migrated(shops: list[Workspace]) -> list[bool]:
    """Say of each schema whether it has the new column; its rows must agree."""
    found = []
    for space in shops:
        name = space.schema_name
        ((column, row, version),) = ask(
            f"SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attname = 'stock_count'"
            f" AND attrelid = '{name}.faqs_entry'::regclass),"
            f" EXISTS (SELECT 1 FROM {name}.django_migrations WHERE name LIKE '9%'),"
            f" (SELECT schema_version LIKE 'faqs.9%' FROM workspaces_workspace WHERE id = {space.pk})"
        )
        assert column == row == version
        found.append(bool(column))
    return found


def waits_for_a_table() -> bool:
    return bool(ask("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


def sleeps() -> bool:
    return bool(ask("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))


def test_a_run_that_is_told_to_end_finishes_the_schema_in_hand(
    shops: list[Workspace], tmp_path: Path
) -> None:
    process = start(tmp_path, "--jobs", "1", module="slow")
    wait_until(sleeps, "it is in the middle of a schema")
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "shop-amber" in said
    assert "Stopped with 3 schemas to go. Run it again to go on" in complained
    assert migrated(shops) == [True, False, False, False]


def test_a_run_that_is_killed_leaves_no_half_schema_and_the_next_goes_on(
    shops: list[Workspace], tmp_path: Path
) -> None:
    process = start(tmp_path, "--jobs", "1", module="slow")
    wait_until(sleeps, "it is in the middle of a schema")
    process.kill()
    process.communicate(timeout=60)
    wait_until(lambda: not sleeps(), "PostgreSQL has noticed")
    assert migrated(shops) == [False, False, False, False]

    again = start(tmp_path)
    said, complained = again.communicate(timeout=60)

    assert (again.returncode, complained) == (0, "")
    assert migrated(shops) == [True, True, True, True]


def test_two_runs_at_once_share_the_work(shops: list[Workspace], tmp_path: Path) -> None:
    with psycopg.connect(elsewhere.database_url()) as other:
        other.execute(f'LOCK TABLE "{shops[0].schema_name}".faqs_entry IN ROW EXCLUSIVE MODE')
        runs = [start(tmp_path, "--jobs", "1") for _ in range(2)]
        wait_until(waits_for_a_table, "one has met the table in use")
        other.rollback()
        results = [run.communicate(timeout=60) for run in runs]

    assert [run.returncode for run in runs] == [0, 0], results
    assert sum(said.count(" migrated ") for said, _ in results) == 4
    assert migrated(shops) == [True, True, True, True]
