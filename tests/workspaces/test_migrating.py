"""Schemas are brought up to date whole or not at all, one after the other, while messages flow."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from faqs.models import Entry
from tests import whatsapp
from tests.messaging.conftest import Way, graph, stock
from tests.workspaces import elsewhere
from tests.workspaces.elsewhere import later, other_database, shops
from tests.workspaces.shapes import shape
from workspaces import blueprint, migrating, scope
from workspaces.migrating import Outcome
from workspaces.models import Workspace

__all__ = ["graph", "later", "other_database", "shops"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("later")]


def has_stock(space: Workspace) -> bool:
    return "stock_count" in {row[2] for row in shape(space.schema_name)["columns"]}


def version(space: Workspace) -> str:
    with scope.owner():
        return str(Workspace.objects.values_list("schema_version", flat=True).get(pk=space.pk))


@contextmanager
def held(statement: str) -> Iterator[psycopg.Connection]:
    """Hold in another session what the statement locks."""
    with psycopg.connect(elsewhere.database_url()) as other:
        other.execute(statement)
        yield other
        other.rollback()


def in_use(space: Workspace) -> str:
    return f'LOCK TABLE "{space.schema_name}".faqs_entry IN ROW EXCLUSIVE MODE'


def run_command(*words: str) -> list[dict[str, Any]]:
    out = StringIO()
    try:
        call_command("migrate_workspaces", *words, "--json", stdout=out)
    finally:
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return lines


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_schema_gets_what_it_lacks(shops: list[Workspace], jobs: int) -> None:
    told: list[Outcome] = []

    report = migrating.run(jobs=jobs, tell=told.append)

    assert report.counts == {"migrated": 4} and report.is_done
    assert {each.slug for each in told} == {space.slug for space in shops}
    assert all(each.steps == ("faqs.9001_stock", "faqs.9002_filled") for each in told)
    assert all(has_stock(space) for space in shops)
    assert {version(space) for space in shops} == {blueprint.current_version()}
    assert migrating.verify() == [] == migrating.find_behind()
    assert migrating.run().counts == {}


def test_a_migrated_schema_equals_a_fresh_one_and_one_of_the_library(
    shops: list[Workspace],
) -> None:
    migrating.run(only=shops[0])
    with scope.owner():
        call_command("migrate_schemas", schema_name=shops[1].schema_name, tenant=True, verbosity=0)
    migrating.run(only=shops[1])
    fresh = elsewhere.make("shop-fresh")

    ours, library, new = (shape(space.schema_name) for space in (shops[0], shops[1], fresh))

    assert any("entry_by_stock" in row for row in ours["indexes"])
    for name, rows in ours.items():
        assert rows == library[name] == new[name], name


def test_a_migration_in_python_moves_the_rows_of_each_schema(shops: list[Workspace]) -> None:
    for space in shops[:2]:
        stock(space, number_id=f"{space.pk}")
    with scope.workspace(shops[0]):
        Entry.objects.filter(faq_id="returns").update(use_count=3)

    migrating.run()

    found = []
    for space in shops[:2]:
        with scope.workspace(space), database.cursor() as cursor:
            cursor.execute("SELECT faq_id, stock_count FROM faqs_entry ORDER BY faq_id")
            found.append(cursor.fetchall())
    assert found == [
        [("delivery_fee", 0), ("opening_hours", 0), ("returns", 7)],
        [("delivery_fee", 0), ("opening_hours", 0), ("returns", 0)],
    ]


def test_the_application_may_use_what_was_added(shops: list[Workspace]) -> None:
    migrating.run()

    with scope.workspace(shops[2]), database.cursor() as cursor:
        cursor.execute("UPDATE faqs_entry SET stock_count = 1")
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == (shops[2].schema_name,)


def test_a_schema_in_use_is_left_whole_and_the_others_go_on(shops: list[Workspace]) -> None:
    with held(in_use(shops[1])):
        report = migrating.run(pauses_seconds=())

    assert report.counts == {"migrated": 3} and (report.left, report.is_done) == (1, False)
    assert not has_stock(shops[1]) and migrating.find_behind() == [shops[1]]
    assert migrating.verify() == []
    assert migrating.run().counts == {"migrated": 1}


def test_a_schema_in_use_is_tried_again_in_the_same_run(shops: list[Workspace]) -> None:
    told: list[str] = []
    with held(in_use(shops[0])) as other:

        def tell(outcome: Outcome) -> None:
            told.append(outcome.state)
            if outcome.state == "locked":
                other.rollback()

        report = migrating.run(tell=tell, pauses_seconds=(0.01,))

    assert told == ["locked", "migrated", "migrated", "migrated", "migrated"]
    assert report.is_done


def test_of_two_runs_one_leaves_a_schema_to_the_other(shops: list[Workspace]) -> None:
    at_it = f"SELECT pg_advisory_xact_lock(hashtextextended('migrate-schema', {shops[3].pk}))"
    told: list[Outcome] = []
    with held(at_it):
        report = migrating.run(tell=told.append, pauses_seconds=())

    assert report.counts == {"migrated": 3}
    assert [(o.slug, o.reason) for o in told if o.state == "locked"] == [
        ("shop-denim", "another run is at it")
    ]


def test_a_run_that_is_stopped_ends_with_a_whole_schema_and_the_next_goes_on(
    shops: list[Workspace],
) -> None:
    stop = threading.Event()

    report = migrating.run(tell=lambda outcome: stop.set(), stop=stop)

    assert (report.counts, report.left, report.is_stopped) == ({"migrated": 1}, 3, True)
    assert [has_stock(space) for space in shops] == [True, False, False, False]
    assert migrating.run().counts == {"migrated": 3}


def test_at_most_as_many_as_asked_for(shops: list[Workspace]) -> None:
    lines = run_command("--limit", "2")

    assert [line.get("state") for line in lines] == ["migrated", "migrated", None]
    assert lines[-1]["left"] == 2


def test_a_schema_whose_rows_refuse_stays_as_it_was(shops: list[Workspace], settings: Any) -> None:
    settings.MIGRATION_MODULES = {"faqs": "tests.workspaces.refused"}
    blueprint.forget()
    stock(shops[1], number_id="77")  # several entries of one category
    out = StringIO()

    with pytest.raises(CommandError, match="1 schemas failed") as raised:
        call_command("migrate_workspaces", stdout=out)

    assert raised.value.returncode == 1
    assert 'could not create unique index "entry_alone_in_category"' in out.getvalue()
    assert [has_stock(space) for space in shops] == [True, False, True, True]
    assert migrating.verify() == []


def test_a_newer_schema_is_left_alone_and_said(shops: list[Workspace]) -> None:
    with scope.owner():
        Workspace.objects.filter(pk=shops[0].pk).update(schema_version="faqs.9500,messaging.0001")
    told: list[Outcome] = []

    report = migrating.run(tell=told.append)

    assert report.counts == {"migrated": 3, "newer": 1} and report.is_done
    assert "is newer than this code" in next(o.reason for o in told if o.state == "newer")
    assert not has_stock(shops[0])


def test_a_schema_with_a_migration_that_nobody_knows_is_left_alone(shops: list[Workspace]) -> None:
    with scope.owner(shops[0].schema_name), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('faqs', '9999_future', now())"
        )

    assert migrating.migrate(shops[0]).state == "newer"
    assert not has_stock(shops[0])


def test_a_row_that_is_wrong_is_found_and_mended(shops: list[Workspace]) -> None:
    with scope.owner():
        Workspace.objects.filter(pk=shops[2].pk).update(schema_version=blueprint.current_version())
    assert shops[2] not in migrating.find_behind()

    with pytest.raises(CommandError, match="1 schemas differ"):
        run_command("--verify")
    found = migrating.verify()
    run_command("--workspace", "shop-coral")

    assert [each.slug for each in found] == ["shop-coral"]
    assert has_stock(shops[2]) and migrating.verify() == []


def test_a_workspace_without_its_schema_is_found(shops: list[Workspace]) -> None:
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{shops[0].schema_name}" CASCADE')

    assert [(each.slug, each.has) for each in migrating.verify()] == [("shop-amber", "no tables")]
    assert migrating.migrate(shops[0]).reason == "it has no schema"


def test_the_plan_names_what_would_run_and_runs_nothing(shops: list[Workspace]) -> None:
    lines = run_command("--plan")

    assert [(line["schemas"], line["steps"]) for line in lines] == [
        (4, ["faqs.9001_stock", "faqs.9002_filled"])
    ]
    assert not any(has_stock(space) for space in shops)


def test_migrate_takes_the_same_way_and_raises_the_walls(shops: list[Workspace]) -> None:
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(f'REVOKE USAGE ON SCHEMA "{shops[0].schema_name}" FROM backroom_app')

    call_command("migrate", verbosity=0, interactive=False)

    assert migrating.find_behind() == [] == migrating.verify()
    with scope.workspace(shops[0]):
        assert Entry.objects.count() == 0


def test_migrate_can_go_back_and_the_rows_say_so(shops: list[Workspace]) -> None:
    call_command("migrate", verbosity=0, interactive=False)

    call_command("migrate", "faqs", "9001", tenant=True, verbosity=0, interactive=False)

    assert {version(space).split(",")[0] for space in shops} == {"faqs.9001"}
    assert migrating.verify() == []
    assert migrating.run().counts == {"migrated": 4}


def test_messages_are_answered_while_schemas_change(
    shops: list[Workspace], graph: whatsapp.Graph
) -> None:
    way = Way(shops[0], stock(shops[0], number_id="4242"), graph)
    began, errors = threading.Event(), []

    def talk() -> None:
        try:
            for n in range(12):
                way.say("What time do you open?", wamid=f"wamid.M{n}", sender=f"2348030000{n:03d}")
                began.set()
        except Exception as error:
            errors.append(error)
        finally:
            database.close()

    talking = threading.Thread(target=talk)
    talking.start()
    began.wait(20)
    report = migrating.run(jobs=2)
    talking.join()

    assert errors == [] and report.is_done and has_stock(shops[0])
    with scope.workspace(way.space), database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM messaging_message WHERE direction = 'out'")
        assert cursor.fetchone()[0] == 12


def test_a_workspace_made_by_older_code_meanwhile_is_found(
    shops: list[Workspace], settings: Any
) -> None:
    made: list[Workspace] = []

    def tell(outcome: Outcome) -> None:
        if made:
            return
        settings.MIGRATION_MODULES = {}
        blueprint.forget()
        made.append(elsewhere.make("shop-late"))
        settings.MIGRATION_MODULES = {"faqs": "tests.workspaces.later"}
        blueprint.forget()

    report = migrating.run(tell=tell, pauses_seconds=(0.0,))

    assert report.counts == {"migrated": 5} and has_stock(made[0])


def test_nothing_was_asked_wrongly() -> None:
    for words in (["--jobs", "0"], ["--limit", "0"], ["--workspace", "nobody"]):
        with pytest.raises(CommandError) as raised:
            call_command("migrate_workspaces", *words)
        assert raised.value.returncode == 2
