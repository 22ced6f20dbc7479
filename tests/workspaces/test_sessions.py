"""A database session: how much it may remember, how long it lives, what it must not lose."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import close_old_connections, transaction
from django.db import connection as database

from config import environment
from tests.workspaces import elsewhere
from tests.workspaces.elsewhere import other_database, shops
from workspaces import scope
from workspaces.models import Member, Workspace

__all__ = ["other_database", "shops"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_at_most(shops: list[Workspace], settings: Any) -> Iterator[None]:
    settings.DATABASE_MAX_SCHEMAS = 2
    database.close()
    yield
    settings.DATABASE_MAX_SCHEMAS = 200


def backend(space: Workspace) -> int:
    """Return the backend that serves this workspace, which sees it and nothing else."""
    with scope.workspace(space), database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_schema()")
        pid, schema = cursor.fetchone()
        assert schema == space.schema_name
        assert {m.workspace_id for m in Member.objects.all()} == {space.pk}
    return int(pid)


def test_a_backend_serves_so_many_workspaces_and_goes(shops: list[Workspace]) -> None:
    pids = [backend(space) for space in shops]

    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_workspace_that_it_knows_costs_it_nothing(shops: list[Workspace]) -> None:
    pids = [backend(space) for space in (*shops[:2], *shops[:2], *shops[:2])]

    assert len(set(pids)) == 1


def test_a_request_ends_with_a_full_backend(shops: list[Workspace]) -> None:
    backend(shops[0])
    close_old_connections()
    assert database.connection is not None

    backend(shops[1])
    close_old_connections()

    assert database.connection is None


def test_a_running_transaction_is_never_cut(shops: list[Workspace]) -> None:
    with transaction.atomic():
        pids = {backend(space) for space in shops}
        pids.add(backend(shops[0]))

    assert len(pids) == 1
    assert backend(elsewhere.make("shop-new")) not in pids


def test_within_a_scope_nothing_is_cut(shops: list[Workspace]) -> None:
    with scope.system():
        rows = Workspace.objects.order_by("pk").iterator(chunk_size=1)
        pids = {backend(space) for space in rows}

    assert len(pids) == 1


def test_a_session_that_holds_a_lock_stays(shops: list[Workspace]) -> None:
    pid = backend(shops[0])
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(42)")

    assert {backend(space) for space in shops} == {pid}
    close_old_connections()
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(42)")
        assert cursor.fetchone() == (True,)
    close_old_connections()
    assert backend(shops[0]) != pid


def test_a_session_that_broke_is_replaced(shops: list[Workspace]) -> None:
    pid = backend(shops[0])
    backend(shops[1])
    with psycopg.connect(elsewhere.database_url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    close_old_connections()

    assert backend(shops[2]) != pid


def asked(setting: str) -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [setting])
        return str(cursor.fetchone()[0])


def test_a_host_that_is_cut_off_in_a_transaction_does_not_keep_its_locks(
    shops: list[Workspace], settings: Any
) -> None:
    settings.DATABASE_IDLE_TRANSACTION_SECONDS = 5.0
    with scope.workspace(shops[0]):
        assert asked("idle_in_transaction_session_timeout") == "5s"
        with scope.owner():
            assert asked("idle_in_transaction_session_timeout") == "0"
        assert asked("idle_in_transaction_session_timeout") == "5s"
    with scope.system():
        assert asked("idle_in_transaction_session_timeout") == "5s"


def test_sessions_do_not_all_end_at_once(settings: Any) -> None:
    ends = set()
    most = database.settings_dict["CONN_MAX_AGE"]
    for _ in range(5):
        database.close()
        database.connect()
        ends.add(round(database.close_at or 0, 3))

    assert most > 0 and len(ends) == 5


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/v/bin/gunicorn", "config.wsgi", "--bind", "x"], "web"),
        (["/v/bin/uvicorn", "config.asgi:application"], "edge"),
        (["/v/bin/celery", "-A", "config", "worker", "--hostname", "bulk@%h"], "bulk"),
        (["/v/bin/celery", "-A", "config", "worker", "-n", "ai@h"], "ai"),
        (["/v/bin/celery", "-A", "config", "beat"], "beat"),
        (["manage.py", "migrate_workspaces", "--jobs", "2"], "migrate_workspaces"),
        (["/v/bin/pytest"], "pytest"),
        ([], ""),
    ],
)
def test_a_session_says_whose_it_is(words: list[str], name: str) -> None:
    assert environment.process_name(words) == name
    assert asked("application_name").startswith("backroom ")
