"""Linking, showing the code, disconnecting: what pages and the API do with a number."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from connections import lifecycle, manager
from connections.linked.models import LinkedSession
from connections.models import Connection, FirstContact, OutboundJob
from lib import clock
from tests.connections.linked.conftest import PHONE, Phone
from workspaces import scope
from workspaces.models import AuditEntry, Workspace

pytestmark = pytest.mark.django_db


def begin(line: Phone, /, **kwargs: Any) -> Connection:
    with scope.workspace(line.space):
        return lifecycle.create_connection(
            workspace=line.space, actor=None, now=clock.now(), **kwargs
        )


def shown(phone: Phone) -> lifecycle.Pairing | None:
    with scope.workspace(phone.space):
        return lifecycle.get_qr(connection=phone.read(), now=clock.now())


def status(phone: Phone) -> lifecycle.Status:
    with scope.workspace(phone.space):
        return lifecycle.get_status(connection=phone.read())


def pairing(seconds: float, value: str = "2@abc") -> dict[str, str]:
    expires = clock.now() + timedelta(seconds=seconds)
    return {"kind": "qr", "value": value, "expires_at": expires.isoformat()}


def test_without_the_link_service_no_phone_is_linked(acme: Workspace, settings: Settings) -> None:
    settings.BRIDGE_SECRET = ""

    with scope.workspace(acme), pytest.raises(lifecycle.UnableToConnect) as caught:
        lifecycle.create_connection(workspace=acme, actor=None, now=clock.now())

    assert "not set up" in str(caught.value)


def test_a_new_number_asks_its_engine_for_a_first_attempt(phone: Phone) -> None:
    connection, session = phone.read(), phone.session

    assert (connection.state, connection.phone, connection.provider) == (
        "connecting", "", "linked_device",
    )  # fmt: skip
    assert connection.external_id == str(session.pk)
    assert (connection.least_gap_ms, connection.most_gap_ms) == (1500, 4000)
    assert (session.wanted, session.link_serial, session.link_method) == ("on", 1, "qr")


def test_pressing_twice_makes_one_number_and_a_second_attempt(phone: Phone) -> None:
    again = begin(phone)

    assert again.pk == phone.connection.pk
    assert phone.session.link_serial == 2


def test_a_code_wants_a_phone_number(phone: Phone) -> None:
    with pytest.raises(lifecycle.UnableToConnect):
        begin(phone, method="code", phone="12")
    begin(phone, method="code", phone="0801 234 5678")

    assert (phone.session.link_method, phone.session.link_phone) == ("code", PHONE)


def test_the_code_is_shown_until_it_expires(phone: Phone) -> None:
    phone.engine(state="pairing", linked_serial=1, pairing=pairing(20))
    now_shown = shown(phone)
    phone.engine(pairing=pairing(-1))

    assert now_shown and (now_shown.kind, now_shown.value) == ("qr", "2@abc")
    assert shown(phone) is None


def test_the_code_of_an_earlier_attempt_is_not_shown(phone: Phone) -> None:
    phone.engine(state="pairing", linked_serial=1, pairing=pairing(20))
    begin(phone)
    phone.engine(pairing=pairing(20))  # the engine has not seen the new one yet

    assert shown(phone) is None


def test_a_linked_phone_is_not_linked_again(phone: Phone) -> None:
    phone.opens()

    with pytest.raises(lifecycle.UnableToConnect) as caught:
        begin(phone, connection=phone.read())

    assert "linked already" in str(caught.value)


def test_only_linked_phones_are_linked(acme: Workspace, may_link: None) -> None:
    with scope.workspace(acme):
        other = manager.add(
            workspace=acme, provider="cloud_api", phone=PHONE, external_id="1", account_id="",
            secrets={"access_token": "t"}, actor=None, now=clock.now(), is_verified=True,
        )  # fmt: skip
        with pytest.raises(lifecycle.UnableToConnect):
            lifecycle.create_connection(
                workspace=acme, actor=None, now=clock.now(), connection=other
            )


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("connecting", "connecting"),
        ("pairing", "connecting"),
        ("open", "connected"),
        ("backoff", "reconnecting"),
        ("outdated", "reconnecting"),
        ("expired", "disconnected"),
        ("replaced", "disconnected"),
        ("needs_human", "disconnected"),
        ("logged_out", "logged out"),
        ("passkey_required", "needs passkey"),
        ("banned", "blocked"),
        ("a state of tomorrow", "disconnected"),
    ],
)
def test_every_state_has_its_word_and_a_sentence_unless_all_is_well(
    phone: Phone, said: str, word: str
) -> None:
    phone.says(said)

    found = status(phone)

    assert found.word == word
    assert found.is_connected is (said == "open")
    is_well = said in ("connecting", "pairing", "open")
    assert bool(found.reason) is not is_well


def test_disconnecting_unlinks_the_phone_and_later_news_of_it_change_nothing(
    phone: Phone, acme: Workspace
) -> None:
    phone.opens()
    with scope.workspace(acme):
        lifecycle.disconnect(connection=phone.read(), actor=None, now=clock.now())

    after = phone.says("logged_out")

    assert phone.session.wanted == LinkedSession.Wanted.LOGOUT
    assert (after.state, after.state_code, after.is_sending) == (
        "not_connected", "disconnected", False,
    )  # fmt: skip
    with scope.system():
        actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"connection.added", "connection.linking", "connection.disconnected"} <= actions


def test_after_disconnecting_the_phone_is_linked_again_in_its_place(phone: Phone) -> None:
    phone.opens()
    with scope.workspace(phone.space):
        lifecycle.disconnect(connection=phone.read(), actor=None, now=clock.now())

    begin(phone, connection=phone.read())
    after = phone.opens()

    assert (after.state, after.is_sending) == ("connected", True)
    assert phone.session.link_serial == 2


def test_removing_the_number_unlinks_it(phone: Phone) -> None:
    phone.opens()
    with scope.workspace(phone.space):
        manager.remove(connection=phone.read(), actor=None, now=clock.now())

    assert phone.session.wanted == LinkedSession.Wanted.LOGOUT


def test_a_workspace_sees_no_session_of_another(phone: Phone, rival: Workspace) -> None:
    with scope.workspace(rival):
        assert not LinkedSession.objects.exists()
        assert lifecycle.newest(workspace=rival) is None


# --- Beginning a conversation --------------------------------------------------------------


def write(phone: Phone, to: str, text: str = "Your order is here.") -> int:
    with scope.workspace(phone.space):
        return lifecycle.send(connection=phone.read(), phone=to, text=text, now=clock.now())


def test_a_message_that_the_business_begins_is_queued_once_for_its_customer(phone: Phone) -> None:
    phone.opens()

    pk = write(phone, "0809 876 5432")

    with scope.system():
        job = OutboundJob.objects.get(pk=pk)
    payload = job.payload or {}
    assert (payload["to_phone"], payload["text"]) == (
        "+2348098765432", "Your order is here.",
    )  # fmt: skip


def test_few_conversations_are_begun_a_day_and_the_same_customer_counts_once(
    phone: Phone, settings: Settings
) -> None:
    settings.LINKED_DEVICE_FIRST_CONTACTS = [3, 2]
    phone.opens()
    for n in (1, 2, 3, 3, 3):
        write(phone, f"+23480900000{n:02d}")

    with pytest.raises(lifecycle.UnableToSend) as caught:
        write(phone, "+2348090000099")

    assert "at most 3" in str(caught.value)
    with scope.system():
        assert FirstContact.objects.count() == 3
    phone.change(linked_at=clock.now() - timedelta(days=2))
    write(phone, "+2348090000099")  # warmed up: 3 + 2 x 2 a day


def test_a_cooled_number_begins_nothing(phone: Phone) -> None:
    phone.opens()
    phone.change(cold_until=clock.now() + timedelta(hours=5))

    with pytest.raises(lifecycle.UnableToSend) as caught:
        write(phone, "+2348090000001")

    assert "no conversations" in str(caught.value)


def test_a_number_that_is_not_connected_begins_nothing(phone: Phone) -> None:
    with pytest.raises(lifecycle.UnableToSend):
        write(phone, "+2348090000001")


def test_a_second_workspace_cannot_link_a_number_that_is_held(
    phone: Phone, rival: Workspace, link: Callable[[Workspace], Phone]
) -> None:
    phone.opens()
    theirs = link(rival)

    after = theirs.opens()

    assert (after.state, after.state_code, after.phone) == ("not_connected", "held", "")
    assert "another workspace" in after.state_reason
    assert theirs.session.wanted == LinkedSession.Wanted.LOGOUT
    assert phone.read().state == "connected"


def test_a_number_that_was_logged_out_may_be_linked_elsewhere(
    phone: Phone, rival: Workspace, link: Callable[[Workspace], Phone]
) -> None:
    phone.opens()
    phone.says("logged_out")

    assert link(rival).opens().state == "connected"
