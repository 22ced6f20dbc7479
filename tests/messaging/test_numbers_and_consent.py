"""Whose number it is, what a removed one leaves, and that STOP always counts."""

from datetime import timedelta
from typing import Any

import pytest

from connections import linking, manager
from connections.models import Connection, InboundEvent
from connections.providers.base import CheckResult, Code, ProviderError
from connections.providers.cloud_api import CloudApi
from lib import clock
from messaging import takeover
from messaging.models import Contact, Conversation, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db


def type_in(space: Workspace, actor: User) -> linking.Linked:
    """Do what the page does when somebody types a number and credentials."""
    with scope.workspace(space):
        return linking.link(
            workspace=space,
            phone="+15550783881",
            external_id=whatsapp.NUMBER_ID,
            account_id=whatsapp.ACCOUNT_ID,
            secrets={"access_token": "garbage"},
            actor=actor,
            now=clock.now(),
        )


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """WhatsApp does not let these credentials see the number."""

    def check(self: Any, account: Any) -> CheckResult:
        raise ProviderError(Code.LOGGED_OUT, "The token is wrong.", switch_off=True)

    monkeypatch.setattr(CloudApi, "check", check)


def test_who_only_types_a_number_gets_none_of_its_messages(
    way: Way, rival: Workspace, chidi: User, refused: None
) -> None:
    with scope.workspace(way.space):
        manager.remove(connection=way.connection, actor=None, now=clock.now())
    way.post(whatsapp.text("my secret order", wamid="wamid.secret"))

    type_in(rival, chidi)
    way.post(whatsapp.text("another secret", wamid="wamid.secret2"))

    with scope.system():
        kept = InboundEvent.objects.filter(subject__startswith="wamid.secret")
        found = {(event.state, event.workspace is None) for event in kept}
    assert found == {("unrouted", True)}


def test_a_typed_number_does_not_keep_its_owner_out(
    way: Way, rival: Workspace, chidi: User, refused: None
) -> None:
    linked = type_in(rival, chidi)
    way.say("How much is delivery?", wamid="wamid.mine")

    assert linked.is_refused and linked.connection.verified_at is None
    assert len(way.api.messages) == 1


def test_what_came_before_a_number_was_removed_is_still_kept(way: Way) -> None:
    way.post(whatsapp.text("How much is delivery?", wamid="wamid.late"))
    with scope.workspace(way.space):
        manager.remove(connection=way.connection, actor=None, now=clock.now())
    way.work()

    with scope.workspace(way.space):
        assert Message.objects.get(provider_message_id="wamid.late").text
        assert Conversation.objects.get().needs_person
        assert not Connection.objects.exists()
    assert not way.api.messages


def test_a_removed_number_can_be_connected_again(way: Way) -> None:
    with scope.workspace(way.space):
        manager.remove(connection=way.connection, actor=None, now=clock.now())
        way.connection = manager.add(
            workspace=way.space,
            provider="cloud_api",
            phone="+15550783881",
            external_id=whatsapp.NUMBER_ID,
            account_id="",
            secrets={"access_token": "token"},
            actor=None,
            is_verified=True,
            now=clock.now(),
        )
    way.say("How much is delivery?", wamid="wamid.again")

    assert len(way.api.messages) == 1


def test_stop_counts_while_a_person_has_the_conversation(way: Way, ada: User) -> None:
    way.say("How much is delivery?", wamid="wamid.1")
    with scope.workspace(way.space):
        talk = Conversation.objects.get()
        takeover.take(conversation_id=talk.pk, user=ada, now=clock.now())
    way.say("STOP", wamid="wamid.2")
    with scope.workspace(way.space):
        Conversation.objects.update(holder="bot", held_until=None)
    sent = len(way.api.messages)
    way.say("How much is delivery?", wamid="wamid.3")

    assert len(way.api.messages) == sent
    with scope.workspace(way.space):
        assert Contact.objects.get().is_opted_out


def test_a_status_weeks_later_still_counts(way: Way) -> None:
    way.say("How much is delivery?", wamid="wamid.1")
    with scope.workspace(way.space):
        Message.objects.update(created_at=clock.now() - timedelta(days=40))
    way.post(whatsapp.status("wamid.OUT1", "read"))
    way.work()

    with scope.workspace(way.space):
        assert Message.objects.get(direction="out").status == "read"
