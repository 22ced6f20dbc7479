"""Draft, publishing and versions: what customers get changes when it is published, not before."""

from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from lib import clock
from messaging import behaviour, bot, hours, versions
from messaging.models import BotDraft, BotSettings, BotVersion
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def inside(acme: Workspace) -> Any:
    with scope.workspace(acme):
        yield acme


def save(space: Workspace, ada: User, **changes: object) -> bool:
    return versions.save_draft(workspace=space, changes=changes, actor=ada, now=clock.now())


def publish(space: Workspace, ada: User) -> BotVersion | None:
    return versions.publish(workspace=space, actor=ada, now=clock.now())


def test_a_draft_changes_nothing_until_it_is_published(way: Way, ada: User) -> None:
    with scope.workspace(way.space):
        assert save(way.space, ada, greeting="Welcome!")
    way.say("hello", wamid="wamid.1")
    with scope.workspace(way.space):
        assert publish(way.space, ada)
    way.say("hello", wamid="wamid.2")

    said = [message["text"]["body"] for message in way.api.messages]
    assert said[0].startswith("Hello, welcome to Acme Fabrics") and said[1] == "Welcome!"


def test_a_draft_is_what_differs(inside: Workspace, ada: User) -> None:
    save(inside, ada, **behaviour.values_of(bot.settings_of()) | {"name": "Zuri"})

    kept = versions.draft(live=bot.settings_of())

    assert kept is not None and BotDraft.objects.get().changes == {"name": "Zuri"}
    assert [(d.label, d.before, d.after) for d in kept.differences] == [("Name", "–", "Zuri")]
    assert kept.settings.name == "Zuri" and bot.settings_of().name == ""
    assert not save(inside, ada, name="")
    assert versions.draft(live=bot.settings_of()) is None


def test_what_is_published_is_a_version_and_so_is_what_was_before(
    inside: Workspace, ada: User
) -> None:
    save(inside, ada, name="Zuri", hours=hours.ALWAYS)
    publish(inside, ada)

    newest, first = versions.history()

    assert (newest.number, newest.by, newest.is_live) == (2, "Ada", True)
    assert [(d.label, d.after) for d in newest.differences] == [
        ("Name", "Zuri"), ("Opening hours", "Always open"),
    ]  # fmt: skip
    assert (first.number, first.by, first.is_live, first.differences) == (1, "", False, [])
    entry = AuditEntry.objects.get(action="bot.published")
    assert (entry.target, entry.reason) == ("version 2", "Name, Opening hours")
    assert publish(inside, ada) is None


def test_a_version_is_brought_back_by_way_of_a_draft(inside: Workspace, ada: User) -> None:
    bot.configure(workspace=inside, changes={"name": "Zuri"}, actor=ada, now=clock.now())
    bot.configure(workspace=inside, changes={"name": "Tobi"}, actor=ada, now=clock.now())

    versions.restore(workspace=inside, number=2, actor=ada, now=clock.now())

    assert bot.settings_of().name == "Tobi"
    publish(inside, ada)
    assert bot.settings_of().name == "Zuri"
    assert [version.number for version in versions.history()] == [4, 3, 2, 1]
    assert not versions.restore(workspace=inside, number=4, actor=ada, now=clock.now())
    with pytest.raises(versions.UnableToFindVersion):
        versions.restore(workspace=inside, number=99, actor=ada, now=clock.now())


def test_a_version_of_another_program_is_brought_back_as_far_as_it_is_known(
    inside: Workspace, ada: User
) -> None:
    BotVersion.objects.create(
        number=1, values={"name": "Zuri", "volume": 11}, published_at=clock.now()
    )

    assert versions.restore(workspace=inside, number=1, actor=ada, now=clock.now())
    assert BotDraft.objects.get().changes == {"name": "Zuri"}


def test_publishing_at_once_leaves_the_rest_of_a_draft(inside: Workspace, ada: User) -> None:
    save(inside, ada, name="Zuri", manner="eager")

    bot.set_manner(workspace=inside, manner="careful", actor=ada, now=clock.now())
    assert BotDraft.objects.get().changes == {"name": "Zuri", "manner": "eager"}
    bot.configure(workspace=inside, changes={"name": "Zuri"}, actor=ada, now=clock.now())

    assert BotDraft.objects.get().changes == {"manner": "eager"}
    assert (
        bot.configure(workspace=inside, changes={"name": "Zuri"}, actor=ada, now=clock.now())
        is None
    )


def test_a_draft_is_thrown_away_once(inside: Workspace, ada: User) -> None:
    save(inside, ada, name="Zuri")

    assert versions.discard(workspace=inside, actor=ada, now=clock.now())
    assert not versions.discard(workspace=inside, actor=ada, now=clock.now())


HOSTILE: dict[str, object] = {
    "name": "n" * 41,
    "greeting": "g" * 601,
    "language": "fr",
    "is_short": "yes",
    "hours": "always",
    "handback_minutes": 0,
    "manner": None,
    "off_limits": "\n".join(f"word {n}" for n in range(101)),
    "handover_words": "😀",
    "mode": "on",
    "test_phones": "x",
    "id": 2,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_setting_that_cannot_be_so_is_refused(inside: Workspace, ada: User, name: str) -> None:
    with pytest.raises(behaviour.UnableToConfigure) as refused:
        bot.configure(workspace=inside, changes={name: HOSTILE[name]}, actor=ada, now=clock.now())

    assert refused.value.name == name and str(refused.value).endswith(".")
    assert not BotVersion.objects.exists()


def test_texts_are_kept_clean(inside: Workspace, ada: User) -> None:
    changes = {
        "greeting": " a\x00b\r\nc ",
        "off_limits": "Refund, REFUND\n\n réfund\nlawyer ",
        "name": " Z  u\n",
    }
    bot.configure(workspace=inside, changes=changes, actor=ada, now=clock.now())

    how = bot.settings_of()
    assert (how.greeting, how.off_limits, how.name) == ("ab\nc", "Refund\nlawyer", "Z u")


def test_drafts_and_versions_are_the_workspaces_own(
    inside: Workspace, ada: User, rival: Workspace
) -> None:
    save(inside, ada, name="Zuri")
    publish(inside, ada)
    save(inside, ada, name="Tobi")

    with scope.workspace(rival):
        assert versions.draft(live=bot.settings_of()) is None
        assert versions.history() == []
        assert bot.settings_of().name == ""


def test_what_was_set_before_there_were_modes_goes_on(inside: Workspace) -> None:
    old_greeting = (
        "Hello, welcome to 100% Lace! Ask me anything about our products, prices and delivery."
    )
    BotSettings.objects.update(
        is_on=False, mode="on", greeting=old_greeting, handover_text="Wait for Ada."
    )
    migration = import_module("messaging.migrations.0005_bot_mode_filled").Migration

    with connection.cursor() as cursor:
        cursor.execute(migration.operations[0].sql)

    how = bot.settings_of()
    assert (how.mode, how.greeting, how.handover_text) == ("off", "", "Wait for Ada.")


def test_the_settings_are_one_statement(
    inside: Workspace, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(1):
        bot.settings_of()
    with django_assert_max_num_queries(1):
        bot.settings_held()


def test_the_history_is_two_queries_however_long(
    inside: Workspace, ada: User, django_assert_max_num_queries: Any
) -> None:
    for n in range(25):
        bot.configure(workspace=inside, changes={"name": f"N{n}"}, actor=ada, now=clock.now())

    with django_assert_max_num_queries(2):
        assert len(versions.history()) == versions.SHOWN
