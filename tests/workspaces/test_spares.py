"""Schemas made ahead: a sign-up takes one, nobody takes it twice, and none is left lying about."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction

from config.celery import app
from lib import clock
from messaging.models import BotSettings
from tests.conftest import NOW
from tests.workspaces.elsewhere import make, other_database, shops
from tests.workspaces.shapes import shape
from workspaces import blueprint, schemas, scope, spares
from workspaces.models import SpareSchema, User, Workspace
from workspaces.tasks import keep_spares

__all__ = ["other_database", "shops"]

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=2)


def sign_up(owner: User, slug: str = "bisi") -> Workspace:
    return schemas.create(name="Bisi Bakes", slug=slug, country="NG", owner=owner, now=NOW)


def kept() -> list[tuple[str, str]]:
    with scope.owner():
        rows = SpareSchema.objects.order_by("id").values_list("schema_name", "schema_version")
        return [(str(name), str(version)) for name, version in rows]


def names() -> list[str]:
    return [name for name, _ in kept()]


def is_there(schema: str) -> bool:
    with scope.owner(), database.cursor() as cursor:
        # (`to_regnamespace` may still know a schema that another session has dropped meanwhile.)
        cursor.execute("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", [schema])
        return bool(cursor.fetchone()[0])


def rename(schema: str, version: str) -> None:
    with scope.owner():
        SpareSchema.objects.filter(schema_name=schema).update(schema_version=version)


def newer() -> str:
    app_label, _, number = blueprint.current_version().rpartition(".")
    return f"{app_label}.{int(number) + 1:04d}"


@pytest.fixture(autouse=True)
def two(settings: Any) -> None:
    settings.SPARE_WORKSPACES = 2


def test_there_are_as_many_as_wanted(settings: Any) -> None:
    assert spares.keep(now=NOW) == (2, 0)
    assert spares.keep(now=NOW) == (0, 0)
    assert [version for _, version in kept()] == [blueprint.current_version()] * 2
    first, _ = names()

    settings.SPARE_WORKSPACES = 1
    assert spares.keep(now=NOW) == (0, 0), "another host may have been told another number"
    assert spares.keep(now=LATER) == (0, 1)
    assert names() == [first], "the oldest stays: it is the next to be taken"

    settings.SPARE_WORKSPACES = 0
    assert spares.keep(now=LATER) == (0, 1)
    assert not is_there(first)


def test_a_sign_up_takes_the_oldest_and_it_is_like_any_other(ada: User, chidi: User) -> None:
    made_here = sign_up(chidi, "chidi")
    spares.keep(now=NOW)
    first, second = names()

    space = sign_up(ada)

    assert space.schema_name == first
    assert names() == [second]
    assert shape(first) == shape(made_here.schema_name)
    with scope.workspace(space):  # as the pages' role, which needs the rights
        assert BotSettings.objects.count() == 1


def test_with_none_left_a_sign_up_makes_its_own_tables(ada: User) -> None:
    spares.keep(now=NOW)
    made = [sign_up(ada, f"shop-{n}") for n in range(3)]

    assert len({space.schema_name for space in made}) == 3
    assert kept() == []
    assert shape(made[2].schema_name) == shape(made[0].schema_name)


def test_a_sign_up_that_fails_gives_it_back(ada: User) -> None:
    sign_up(ada)
    spares.keep(now=NOW)
    before = names()

    with pytest.raises(schemas.UnableToCreateWorkspace), transaction.atomic():
        sign_up(ada)

    assert names() == before


def test_other_versions_are_not_taken_and_only_older_ones_are_dropped(ada: User) -> None:
    spares.keep(now=NOW)
    old, new = names()
    rename(old, "faqs.0001,messaging.0001")
    rename(new, newer())

    space = sign_up(ada)
    assert space.schema_name not in (old, new)
    assert spares.keep(now=NOW) == (2, 1)

    assert not is_there(old)
    assert new in names()


def test_the_job_keeps_them_and_runs_by_the_clock_and_after_a_sign_up(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("lib.jobs.enqueue", lambda name, **_: asked.append(name))

    keep_spares()
    sign_up(ada)

    assert len(kept()) == 1
    assert "workspaces.keep_spares" in asked
    assert "workspaces.keep_spares" in {e["task"] for e in app.conf.beat_schedule.values()}


def test_pages_and_workers_see_none_of_it(acme: Workspace) -> None:
    spares.keep(now=NOW)

    with scope.workspace(acme), pytest.raises(Exception, match="permission denied"):
        SpareSchema.objects.count()


def test_one_whose_tables_are_gone_is_not_taken_and_another_is_made(ada: User) -> None:
    spares.keep(now=NOW)
    gone, good = names()
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{gone}" CASCADE')

    assert sign_up(ada).schema_name == good
    assert spares.keep(now=NOW) == (2, 1)


def test_a_workspaces_schema_is_neither_taken_nor_dropped(ada: User, acme: Workspace) -> None:
    """A table of spares that was restored by itself names those that were taken since."""
    with scope.owner():
        for name, version in (
            (acme.schema_name, blueprint.current_version()),
            ("w_of_an_older_one", "faqs.0001,messaging.0001"),
        ):
            SpareSchema.objects.create(schema_name=name, schema_version=version, made_at=NOW)

    assert sign_up(ada).schema_name != acme.schema_name
    assert spares.keep(now=LATER) == (2, 2)

    assert is_there(acme.schema_name)
    assert acme.schema_name not in names()


# --- Several at once, with commits -------------------------------------------------------------


@pytest.fixture
def stock(commits: None, settings: Any) -> Iterator[None]:
    yield
    settings.SPARE_WORKSPACES = 0
    spares.keep(now=clock.now() + timedelta(hours=2))
    assert kept() == []


def at_once(count: int, work: Any) -> list[Any]:
    """Do `work(n)` in threads that begin together; return what came of each."""
    ready, results = threading.Barrier(count), []

    def one(n: int) -> None:
        ready.wait()
        try:
            results.append(work(n))
        finally:
            database.close()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_sign_ups_at_once_take_different_ones(stock: None) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    spares.keep(now=clock.now())
    before = set(names())

    made = at_once(4, lambda n: sign_up(owner, f"race-{n}"))
    try:
        assert len({space.schema_name for space in made}) == 4
        assert before <= {space.schema_name for space in made}
        assert kept() == []
    finally:
        for space in made:
            schemas.delete(workspace=space, now=clock.now())


def test_two_keepers_at_once_make_no_more_than_wanted(stock: None) -> None:
    done = at_once(3, lambda n: spares.keep(now=clock.now()))

    spares.keep(now=clock.now())  # all may have left it to one that was about to end
    assert len(kept()) == 2
    assert sum(made for made, _ in done) <= 2


def test_one_that_a_sign_up_has_its_hand_on_is_not_dropped(stock: None, settings: Any) -> None:
    spares.keep(now=clock.now())
    first, second = names()
    settings.SPARE_WORKSPACES = 0
    later = clock.now() + timedelta(hours=2)
    with scope.owner(), transaction.atomic():
        assert schemas._take_spare(blueprint.current_version()) == first

        [(made, dropped)] = at_once(1, lambda n: spares.keep(now=later))

        assert (made, dropped) == (0, 1)
        assert (is_there(first), is_there(second)) == (True, False)
        transaction.set_rollback(True)
    assert names() == [first]


def test_nobody_waits_for_a_dump_that_reads_one(stock: None, settings: Any) -> None:
    spares.keep(now=clock.now())
    first, second = names()
    settings.SPARE_WORKSPACES = 0
    later = clock.now() + timedelta(hours=2)
    with scope.owner(), transaction.atomic(), database.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{first}".faqs_entry IN ACCESS SHARE MODE')

        [(made, dropped)] = at_once(1, lambda n: spares.keep(now=later))

        assert (made, dropped) == (0, 1)
        assert (is_there(first), is_there(second)) == (True, False)
    assert names() == [first]


# --- Beside migrations, in a database of its own -----------------------------------------------


def test_after_a_migration_none_that_was_there_is_taken(shops: list[Workspace]) -> None:
    """One that was taken back and another in its place have the same number."""
    spares.keep(now=NOW)
    before = names()

    call_command("migrate", verbosity=0, interactive=False)

    assert make("shop-early").schema_name not in before
    assert spares.keep(now=NOW) == (2, 2)
    assert not any(is_there(name) for name in before)


def test_the_version_that_brought_them_can_be_taken_back(shops: list[Workspace]) -> None:
    spares.keep(now=NOW)
    before = names()
    try:
        call_command("migrate", "workspaces", "0007", verbosity=0, interactive=False)
        assert not any(is_there(name) for name in before)
    finally:
        call_command("migrate", verbosity=0, interactive=False)
    assert spares.keep(now=NOW) == (2, 0)
