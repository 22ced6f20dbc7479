"""The audit log: plain words, by person and kind, page by page, as CSV; also when it is long."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from lib import clock
from messaging.models import BotSettings
from workspaces import audit, audit_log, scope
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/settings/audit/"


def note(space: Workspace, action: str, actor: User | None = None, **more: Any) -> None:
    with scope.workspace(space):
        audit.record(action=action, workspace=space, actor=actor, now=clock.now(), **more)


def test_managers_and_owners_read_it_and_nobody_else(
    owner: Client, agent: Client, viewer: Client, stranger: Client
) -> None:
    for path in (PAGE, PAGE + "export/"):
        assert owner.get(path).status_code == 200
        assert owner.post(path).status_code == 405
        for client, status in ((agent, 403), (viewer, 403), (stranger, 404), (Client(), 302)):
            assert client.get(path).status_code == status, path


def test_entries_are_told_in_plain_words(
    acme: Workspace, owner: Client, ada: User, bola: User, sam: User
) -> None:
    note(acme, "member.role-changed", ada, target=f"user {bola.pk} as manager")
    note(acme, "staff.looked", sam, actor_kind="staff", target="/staff/w/acme/conversations/3/")
    note(acme, "bot.off", None, actor_kind="whatsapp")
    note(acme, "something.new", ada, target="thing 4")
    note(acme, "workspace.suspended", sam, actor_kind="staff", reason="<b>bulk</b>")

    text = re.sub(r"\s+", " ", re.sub(r"</?(b|td|span)[^>]*>", "", owner.get(PAGE).text))

    assert "Ada made Bola Manager" in text
    assert "Support (Sam) looked at a conversation" in text
    assert "An owner, by WhatsApp turned the bot off" in text
    assert "Ada something.new · thing 4" in text
    assert "&lt;b&gt;bulk&lt;/b&gt;" in text


def test_it_is_filtered_by_person_and_kind(
    acme: Workspace, owner: Client, ada: User, bola: User
) -> None:
    note(acme, "bot.on", ada)
    note(acme, "connection.paused", bola)
    note(acme, "something.new", bola)

    def shown(query: str) -> set[str]:
        lines = re.findall(r"</b> ([^<]+)</td>|</b> ([^<]+?) <span", owner.get(PAGE + query).text)
        return {first or second for first, second in lines}

    assert shown(f"?person={bola.pk}") == {"stopped sending on a number", "something.new"}
    assert shown("?kind=numbers") == {"stopped sending on a number"}
    assert shown("?kind=other") == {"something.new"}
    assert "Nothing was done that fits" in owner.get(f"{PAGE}?person={ada.pk}&kind=numbers").text
    for query in ("?person=x", "?kind=%00", "?before=-1", "?person=99999999999999999999"):
        assert owner.get(PAGE + query).status_code == 200, query


def test_a_neighbours_entries_are_not_shown(
    acme: Workspace, rival: Workspace, owner: Client, chidi: User
) -> None:
    note(rival, "bot.off", chidi)

    assert "Chidi" not in owner.get(f"{PAGE}?person={chidi.pk}").text
    assert "Chidi" not in owner.get(PAGE + "export/").text


def test_its_csv_runs_nothing(acme: Workspace, owner: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(name="=cmd|' /C calc'!A0")
    note(acme, "bot.on", ada, reason="+1")

    rows = list(csv.DictReader(io.StringIO(owner.get(PAGE + "export/").text)))

    assert rows[0]["who"].startswith("'=") and rows[0]["reason"] == "'+1"
    assert rows[0]["what"] == "turned the bot on"


def test_a_hundred_thousand_entries_are_read_page_by_page(
    acme: Workspace, owner: Client, ada: User, django_assert_max_num_queries: Any
) -> None:
    now = clock.now()
    with scope.workspace(acme):
        AuditEntry.objects.bulk_create(
            (
                AuditEntry(
                    workspace=acme, actor=ada, actor_kind="member", at=now + timedelta(seconds=n),
                    action="bot.on" if n % 1000 else "bot.off", target=f"thing {n}",
                )
                for n in range(100_000)
            ),
            batch_size=5_000,
        )  # fmt: skip
    owner.get(PAGE)

    with django_assert_max_num_queries(14):
        started = clock.now()
        first = owner.get(PAGE).text
        assert (clock.now() - started).total_seconds() < 2
    older = re.search(r"\?before=(\d+)", first)
    assert older is not None and "thing 99999" in first
    second = owner.get(f"{PAGE}?before={older[1]}").text

    assert "thing 99949" in second and "thing 99950" not in second
    assert "Newest" in second
    started = clock.now()
    assert owner.get(f"{PAGE}?person={ada.pk}&kind=bot&before={older[1]}").status_code == 200
    assert (clock.now() - started).total_seconds() < 2


def test_every_action_that_the_house_records_has_its_sentence() -> None:
    root = Path(settings.BASE_DIR)
    said: set[str] = set()
    for app in ("workspaces", "billing", "ai", "connections", "faqs", "messaging"):
        for path in (root / app).rglob("*.py"):
            for call in re.findall(r"audit\.record\((.*?)\n\s*\)", path.read_text(), re.S):
                head = call.split("workspace=")[0]
                said |= set(re.findall(r'"([a-z-]+\.[a-z-]+)"', head))
            # What is recorded by way of a function of the file's own, or under a name.
            if "audit.record(" in path.read_text() and path.name != "exporting.py":
                named = r'"((?:bot|contact|connection|conversation|export|member)\.[a-z-]+)"'
                said |= set(re.findall(named, path.read_text()))
    said |= {f"bot.{mode}" for mode in BotSettings.Mode.values}

    assert len(said) > 20
    known = {code for _name, codes in audit_log.KINDS.values() for code in codes}
    assert said - known == {"workspace.deleted"}  # it is kept when nobody is left to read it
