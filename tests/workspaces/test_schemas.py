"""A workspace is made whole or not at all, is like any other, and leaves nothing behind."""

import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database

from billing.models import Subscription
from connections.models import InboundEvent
from lib import clock
from messaging import sentences
from messaging.models import BotSettings
from tests import whatsapp
from tests.conftest import NOW
from tests.messaging.conftest import Way
from tests.workspaces.shapes import shape
from workspaces import blueprint, schemas, scope
from workspaces.models import AuditEntry, Member, User, Workspace

pytestmark = pytest.mark.django_db


def create(owner: User, **changes: Any) -> Workspace:
    values: dict[str, Any] = {
        "name": "Bisi Bakes", "slug": "bisi", "country": "NG", "owner": owner, "now": NOW, **changes,
    }  # fmt: skip
    return schemas.create(**values)


def slugs() -> set[str]:
    with scope.system():
        return set(Workspace.objects.values_list("slug", flat=True))


def existing_schemas() -> set[str]:
    with scope.owner(), database.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'w\\_%'")
        return {row[0] for row in cursor.fetchall()}


# --- Making ------------------------------------------------------------------------------------


def test_a_new_workspace_has_owner_trial_settings_and_schema(ada: User) -> None:
    space = create(ada)

    with scope.workspace(space):
        assert Member.objects.get().role == "owner"
        assert Subscription.objects.get().state == "trial"
        assert "Bisi Bakes" in sentences.greeting(BotSettings.objects.get(), business=space.name)
        assert AuditEntry.objects.get().action == "workspace.created"
    assert space.schema_name in existing_schemas()
    assert (space.time_zone, space.schema_version) == ("Africa/Lagos", blueprint.current_version())


@pytest.mark.parametrize(
    ("country", "zone"),
    [("GH", "Africa/Accra"), ("ke", "Africa/Nairobi"), ("GB", "Europe/London"), ("JP", "UTC")],
)
def test_the_time_zone_follows_the_country(ada: User, country: str, zone: str) -> None:
    assert create(ada, country=country).time_zone == zone


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "acme"}, "is taken"),
        ({"slug": "ACME "}, "is taken"),
        ({"slug": ""}, "letters, digits and hyphens"),
        ({"slug": "a b"}, "letters, digits and hyphens"),
        ({"slug": "ädà"}, "letters, digits and hyphens"),
        ({"slug": "a/b"}, "letters, digits and hyphens"),
        ({"slug": "a.b"}, "letters, digits and hyphens"),
        ({"slug": "a\x00b"}, "letters, digits and hyphens"),
        ({"slug": "a\nb"}, "letters, digits and hyphens"),
        ({"slug": "x" * 51}, "cannot be used"),
        ({"slug": "x" * 5_000}, "cannot be used"),
        ({"slug": "admin"}, "cannot be used"),
        ({"slug": "Staff"}, "cannot be used"),
        ({"slug": "new"}, "cannot be used"),
        ({"name": ""}, "name of at most"),
        ({"name": "  "}, "name of at most"),
        ({"name": "x" * 121}, "name of at most"),
        ({"name": "a\x00b"}, "name of at most"),
        ({"name": "a\nBcc: b"}, "name of at most"),
        ({"country": ""}, "two letters"),
        ({"country": "Nigeria"}, "two letters"),
        ({"country": "XX"}, "two letters"),
        ({"time_zone": "Lagos"}, "time zone"),
        ({"time_zone": "../etc/passwd"}, "time zone"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words_and_leaves_nothing(
    ada: User, changes: dict[str, Any], words: str
) -> None:
    before = slugs(), existing_schemas()

    with pytest.raises(schemas.UnableToCreateWorkspace, match=words):
        create(ada, **changes)

    assert (slugs(), existing_schemas()) == before


@pytest.mark.parametrize(
    "name", ["Adé & Ọmọ", "مقهى", "Crêpes 👨\u200d👩\u200d👧", "{name} %s <b>", "O'Neill"]
)
def test_any_name_that_people_write_is_taken(ada: User, name: str) -> None:
    space = create(ada, name=name)

    with scope.workspace(space):
        assert name in sentences.greeting(BotSettings.objects.get(), business=space.name)


def fails(*, workspace: Workspace, now: Any) -> None:
    raise RuntimeError("the foundation gives way")


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_foundation_that_fails_leaves_no_row_and_no_schema(
    commits: None, settings: Any, position: int
) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    steps = list(settings.WORKSPACE_FOUNDATIONS)
    steps.insert(position, f"{__name__}.fails")
    settings.WORKSPACE_FOUNDATIONS = steps
    before = slugs(), existing_schemas()

    with pytest.raises(RuntimeError):
        create(owner, slug="half")

    assert (slugs(), existing_schemas()) == before
    with scope.system():
        assert not AuditEntry.objects.filter(action="workspace.created", actor=owner).exists()


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Bisi Bakes!", "bisi-bakes"), ("Acme", "acme-2"), ("Admin", "admin-2"), ("مقهى", "shop"),
     ("x" * 300, "x" * 40), ("--", "shop"), ("", "shop")],
)  # fmt: skip
def test_an_address_is_suggested_that_can_be_had(ada: User, name: str, slug: str) -> None:
    suggested = schemas.suggest_slug(name)

    assert suggested == slug
    assert create(ada, slug=suggested).slug == slug


# --- Like any other ----------------------------------------------------------------------------


def test_a_replayed_schema_equals_a_migrated_one(commits: None) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    replayed = create(owner, slug="replayed")
    migrated = create(owner, slug="migrated")
    try:
        with scope.owner(), database.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA "{migrated.schema_name}" CASCADE')
            cursor.execute(f'CREATE SCHEMA "{migrated.schema_name}"')
        with scope.owner():  # the library's own way, which asks Django at every step
            call_command(
                "migrate_schemas",
                schema_name=migrated.schema_name,
                tenant=True,
                verbosity=0,
                interactive=False,
            )
        call_command("migrate", verbosity=0, interactive=False)  # lets the roles in

        one, other = shape(replayed.schema_name), shape(migrated.schema_name)
        call_command(
            "migrate", schema_name=replayed.schema_name, tenant=True, verbosity=0, interactive=False
        )
        migrated_again = shape(replayed.schema_name)
    finally:
        for space in (replayed, migrated):
            schemas.delete(workspace=space, now=clock.now())

    assert len(one["columns"]) > 80 and len(one["constraints"]) > 20
    for name, rows in one.items():
        assert rows == other[name] == migrated_again[name], name


# --- Removing ----------------------------------------------------------------------------------


def search_everywhere(words: list[str], workspace_id: int) -> list[str]:
    """Return the tables, of every schema, with a row that holds one of `words` or the id."""
    found = []
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid"
            " AND a.attname = 'workspace_id') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table, has_id in cursor.fetchall():
            where = " OR ".join(["t::text ILIKE %s"] * len(words))
            if has_id:
                where += f" OR t.workspace_id = {int(workspace_id)}"
            cursor.execute(
                f'SELECT count(*) FROM "{schema}"."{table}" t WHERE {where}',
                [f"%{word}%" for word in words],
            )
            if cursor.fetchone()[0]:
                found.append(f"{schema}.{table}")
    return sorted(found)


def test_a_removed_workspace_is_found_in_no_table(committed_way: Way) -> None:
    way, number_id = committed_way, committed_way.connection.external_id
    way.say(
        "canary-text what time do you open?",
        wamid="wamid.CANARY",
        name="Canary Person",
        sender="2348061999888",
    )
    way.post(
        whatsapp.text("unsure", wamid="wamid.LATER", sender="2348061999888", number_id=number_id)
    )
    with scope.system():  # what came before the number was connected, too long ago to adopt
        InboundEvent.objects.create(
            provider="cloud_api", number_id=number_id, kind="message", key=f"msg:{number_id}:old",
            conversation_key="+2348061999888", payload={"data": {"text": "canary-old"}},
            state="unrouted", received_at=clock.now(), due_at=clock.now(),
        )  # fmt: skip
        neighbour = Workspace.objects.get(slug="acme")
    words = ["canary", "8061999888", number_id, way.space.schema_name]
    assert len(search_everywhere(words, way.space.pk)) > 8
    others = slugs() - {way.space.slug}

    removed = schemas.delete(workspace=way.space, now=clock.now())

    assert search_everywhere(words, way.space.pk) == []
    assert way.space.schema_name not in existing_schemas()
    assert removed["connections_connection"] == 1
    assert slugs() == others and neighbour.schema_name in existing_schemas()
    with scope.system():
        assert AuditEntry.objects.filter(action="workspace.deleted", target=way.space.slug).exists()
        assert User.objects.filter(email="racer@race.example").exists()


def test_of_two_who_want_the_same_address_one_gets_it(commits: None) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    made: list[Workspace] = []
    refused: list[str] = []
    ready = threading.Barrier(3)

    def want() -> None:
        try:
            ready.wait()
            made.append(create(owner, slug="wanted"))
        except schemas.UnableToCreateWorkspace as error:
            refused.append(str(error))
        finally:
            database.close()

    threads = [threading.Thread(target=want) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for space in made:
        schemas.delete(workspace=space, now=clock.now())

    assert (len(made), len(refused)) == (1, 2)
    assert "is taken" in refused[0]


def test_a_process_of_the_version_before_makes_a_workspace_beside_us(acme: Workspace) -> None:
    """Its INSERT names the columns it knows; what came with this version has a default."""
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workspaces_workspace (schema_name, name, slug, country, time_zone, state,"
            " state_reason, schema_version, flags, created_at) VALUES ('w_old', 'Old', 'old', 'NG',"
            " 'Africa/Lagos', 'active', '', '', '{}', %s)",
            [NOW],
        )
        made = Workspace.objects.get(slug="old")

    assert (made.kind, made.city, made.setup, made.erase_at) == ("", "", {}, None)
