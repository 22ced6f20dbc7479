"""The file with everything: whole, without secrets, of one workspace; and what a crash leaves."""

import csv
import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from faqs import entries
from lib import clock
from messaging.models import Contact
from tests.messaging.conftest import Way
from workspaces import passport_contents, passports, scope, tokens, walls
from workspaces.models import Passport, PassportPart, User, Workspace

pytestmark = pytest.mark.django_db


def ask(space: Workspace, user: User, now: datetime | None = None) -> Passport:
    with scope.workspace(space):
        return passports.ask(workspace=space, actor=user, now=now or clock.now())


def make(space: Workspace, passport: Passport) -> bool:
    return passports.make(workspace=space, passport_id=passport.pk, clock=clock.now)


def content(passport: Passport) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(passports.pieces(passport=passport))))


def again(passport: Passport) -> Passport:
    with scope.system():
        return Passport.objects.get(pk=passport.pk)


def text_of(archive: zipfile.ZipFile) -> str:
    return "\n".join(archive.read(name).decode() for name in archive.namelist())


def test_it_holds_content_and_public_rows_and_no_secret(way: Way, ada: User) -> None:
    way.say("Do you deliver to Lekki?", wamid="wamid.EXPORT")
    with scope.workspace(way.space):
        token = tokens.make(workspace=way.space, actor=None, now=clock.now())
    passport = ask(way.space, ada)

    assert make(way.space, passport)

    archive = content(passport)
    names = set(archive.namelist())
    assert {"about.json", "people.csv", "csv/messaging_message.csv", "json/faqs_entry.jsonl",
            "csv/connections_connection.csv", "csv/billing_usageevent.csv"} <= names  # fmt: skip
    everything = text_of(archive)
    assert "Do you deliver to Lekki?" in everything and "ada@acme.example" in everything
    for secret in (token.text, token.row.jti, way.connection.credentials, way.space.schema_name):
        assert secret and secret not in everything
    done = again(passport)
    assert (done.state, done.done_rows) == ("ready", done.all_rows)
    assert done.size == sum(len(piece) for piece in passports.pieces(passport=passport))


def test_it_holds_nothing_of_a_neighbour(acme: Workspace, rival: Workspace, ada: User) -> None:
    with scope.workspace(rival):
        entries.create(question="rival-canary", answer="a", category="", phrasings=[], now=clock.now())  # fmt: skip
    passport = ask(acme, ada)
    make(acme, passport)

    everything = text_of(content(passport))

    assert "rival" not in everything and "chidi" not in everything


def test_every_table_with_a_workspaces_rows_is_handed_out_or_left_out_on_purpose(
    acme: Workspace, settings: Any
) -> None:
    handed_out = {table.name for table in passport_contents.tables_of(acme)}
    public = {name for name, _ in walls.guarded_tables()}
    own = {
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in settings.TENANT_APPS
    }

    assert public | own == handed_out | set(settings.EXPORT_HIDDEN_TABLES)
    assert not handed_out & set(settings.EXPORT_HIDDEN_TABLES)


@pytest.mark.parametrize(
    "name",
    ["access_token", "app_secret", "credentials", "code_digest", "api_key", "password", "jti",
     "sealed_value", "private_part", "webhook_signature", "key", "schema_name"],
)  # fmt: skip
def test_a_column_that_may_hold_a_secret_stays_here(name: str) -> None:
    fields = {name: models.TextField(), "raw": models.BinaryField(), "note": models.TextField()}
    with isolate_apps("workspaces"):
        meta = type("Meta", (), {"app_label": "workspaces"})
        model = type("Thing", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})

    assert passport_contents.columns_of(model) == ("id", "note")


def test_a_spreadsheet_runs_nothing_of_it_and_programs_read_it_exactly(
    acme: Workspace, ada: User
) -> None:
    name = '=HYPERLINK("http://x.example","a")'
    with scope.workspace(acme):
        Contact.objects.create(name=name, created_at=clock.now(), last_seen_at=clock.now())
    passport = ask(acme, ada)
    make(acme, passport)

    archive = content(passport)

    rows = list(csv.DictReader(io.StringIO(archive.read("csv/messaging_contact.csv").decode())))
    line = archive.read("json/messaging_contact.jsonl").decode().splitlines()[0]
    assert rows[0]["name"] == "'" + name and json.loads(line)["name"] == name


def test_long_tables_come_whole(
    acme: Workspace, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passport_contents, "BATCH", 7)
    with scope.workspace(acme):
        Contact.objects.bulk_create(
            Contact(name=f"n{n}", created_at=clock.now(), last_seen_at=clock.now())
            for n in range(21)
        )
    passport = ask(acme, ada)
    make(acme, passport)

    lines = content(passport).read("json/messaging_contact.jsonl").decode().splitlines()

    assert [json.loads(line)["name"] for line in lines] == [f"n{n}" for n in range(21)]


# --- Crashes -----------------------------------------------------------------------------------


class Killed(BaseException):
    """What ends a process."""


def test_a_job_that_was_killed_is_tried_again_and_finishes(
    acme: Workspace, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    passport = ask(acme, ada)
    with monkeypatch.context() as patch:
        patch.setattr(passport_contents, "people", _die)
        with pytest.raises(Killed):
            make(acme, passport)
    assert again(passport).state == "making"
    assert not make(acme, passport), "nobody else takes it while it may live"

    passports.tidy(now=clock.now() + timedelta(minutes=4))

    assert again(passport).state == "waiting"
    assert make(acme, passport) and again(passport).attempts == 2


def _die(*_: object) -> None:
    raise Killed


def test_what_dies_three_times_ends_in_a_sentence(acme: Workspace, ada: User) -> None:
    passport = ask(acme, ada)
    with scope.workspace(acme):
        Passport.objects.filter(pk=passport.pk).update(state="making", attempts=3)

    passports.tidy(now=clock.now() + timedelta(minutes=4))

    failed = again(passport)
    assert failed.state == "failed" and "ask again" in failed.problem
    assert ask(acme, ada).pk != passport.pk


def test_one_that_was_overtaken_writes_nothing_more(
    acme: Workspace, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that slept wakes up after another one has begun."""
    passport = ask(acme, ada)
    inner = passport_contents.people

    def overtake(space: Workspace) -> Any:
        passports.tidy(now=clock.now() + timedelta(minutes=4))
        monkeypatch.setattr(passport_contents, "people", inner)
        assert make(acme, passport)
        return inner(space)

    monkeypatch.setattr(passport_contents, "people", overtake)

    assert not make(acme, passport)
    done = again(passport)
    assert (done.state, done.attempts) == ("ready", 2)
    assert content(passport).testzip() is None


def test_one_that_is_lost_on_the_way_is_asked_for_anew(acme: Workspace, ada: User) -> None:
    passport = ask(acme, ada)

    passports.tidy(now=clock.now() + timedelta(minutes=4))

    assert again(passport).state == "waiting"
    assert make(acme, passport) and not make(acme, passport)


def test_its_pieces_go_after_a_day(acme: Workspace, ada: User) -> None:
    passport = ask(acme, ada)
    make(acme, passport)

    passports.tidy(now=clock.now() + passports.LASTS + timedelta(minutes=1))

    assert again(passport).state == "gone"
    with scope.system():
        assert not PassportPart.objects.filter(passport=passport).exists()
    assert passports.find_ready(passport_id=passport.pk, now=clock.now()) is None
