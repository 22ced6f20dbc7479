"""What the owner sees of a number follows its line, and never another line's, or an older one's."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from connections import lifecycle, manager
from connections.linked import limits, states, supervising
from connections.models import Connection, FirstContact
from lib import clock
from tests.connections.linked.acts import disconnect, link_again, open_incidents, put, put_state
from tests.connections.linked.conftest import PHONE, Phone
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
OTHER = "+2348098765432"
Link = Callable[[Workspace], Phone]


# --- One phone, one number -----------------------------------------------------------------------


def test_a_phone_that_was_linked_elsewhere_since_is_not_answered_for_twice(
    acme: Workspace, rival: Workspace, link: Link
) -> None:
    first = link(acme)
    first.opens()
    disconnect(first)
    second = link(rival)
    second.opens()
    link_again(first)
    put(first)

    first.opens()

    assert second.read().state == "connected"
    refused = first.read()
    assert (refused.state, refused.state_code, refused.is_sending) == ("not_connected", "held", False)  # fmt: skip
    assert first.session.wanted == "logout"
    assert put_state(first) == "failed", "it would go out from whatever phone is linked next"


def test_of_two_that_come_back_at_once_the_last_one_linked_stays(
    acme: Workspace, rival: Workspace, link: Link
) -> None:
    old, new = link(acme), link(rival)
    old.says("open", phone=PHONE, now=clock.now() - timedelta(days=9))
    disconnect(old)
    new.opens()
    old.change(state="reconnecting")  # its plan was renewed
    old.engine(wanted="on")
    new.says("backoff", code="428", phone=PHONE)

    assert new.opens().state == "connected"
    assert old.opens().state_code == "held"


@pytest.mark.parametrize("state", ["connecting", "pairing", "passkey_required", "banned"])
def test_an_attempt_to_link_it_elsewhere_again_takes_no_line_that_stands(
    acme: Workspace, rival: Workspace, link: Link, state: str
) -> None:
    before, now = link(acme), link(rival)
    before.opens()
    disconnect(before)
    now.opens()
    link_again(before)
    before.says(state)

    now.says("backoff", code="428", phone=PHONE)

    assert now.opens().state == "connected"
    assert now.session.wanted == "on"


def test_what_waits_does_not_go_out_from_another_phone(phone: Phone) -> None:
    phone.opens()
    phone.says("logged_out")
    put(phone)
    link_again(phone)

    assert phone.opens(OTHER).phone == OTHER
    assert put_state(phone) == "failed"


def test_another_phone_inherits_no_limits(phone: Phone) -> None:
    phone.opens()
    with scope.workspace(phone.space):
        limits.may_begin(connection=phone.read(), phone="+2348031230000", now=clock.now())
    phone.change(cold_until=clock.now() + timedelta(days=1))
    phone.says("logged_out")
    link_again(phone)

    changed = phone.opens(OTHER)

    assert changed.cold_until is None
    with scope.workspace(phone.space):
        assert limits.risk(connection=changed, now=clock.now()).level == "low"
        assert not FirstContact.objects.exists()


def test_what_waits_goes_out_when_the_same_phone_is_linked_again(phone: Phone) -> None:
    phone.opens()
    phone.says("logged_out")
    put(phone)
    link_again(phone)
    phone.opens()

    assert put_state(phone) == "queued"


def test_a_number_is_noted_also_when_the_first_try_to_note_it_was_undone(phone: Phone) -> None:
    held = phone.read()

    def opens() -> None:
        states.apply(
            connection=held, state="open", code="", reason="", until=None, phone=PHONE,
            now=clock.now(),
        )  # fmt: skip

    with scope.workspace(phone.space):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            opens()
            raise ZeroDivisionError
        opens()

    assert phone.read().phone == PHONE


# --- Links that are there already ----------------------------------------------------------------


def test_an_engine_that_starts_anew_makes_no_new_link_of_an_old_one(phone: Phone) -> None:
    phone.opens()

    seen = phone.says("connecting", phone=PHONE)

    assert (seen.state, seen.state_code) == ("reconnecting", "restarted")
    with pytest.raises(lifecycle.AlreadyLinked):
        link_again(phone)
    supervising.look(now=clock.now() + timedelta(minutes=3))
    assert open_incidents() == 1, "it does not come back, and nobody is told"


@pytest.mark.parametrize("state", ["connected", "silent", "reconnecting"])
def test_a_stale_page_cannot_end_a_link_that_works(phone: Phone, state: str) -> None:
    phone.opens()
    stale = phone.read()
    stale.state = Connection.State.LOGGED_OUT
    phone.change(state=state)
    serial = phone.session.link_serial

    with scope.workspace(phone.space), pytest.raises(lifecycle.AlreadyLinked, match="Disconnect"):
        lifecycle.create_connection(
            workspace=phone.space, actor=None, now=clock.now(), connection=stale
        )

    assert phone.session.link_serial == serial


def test_a_late_message_does_not_end_linking_anew(phone: Phone) -> None:
    phone.opens()
    phone.says("logged_out")
    link_again(phone)

    with scope.workspace(phone.space):
        manager.note_inbound(connections=[phone.read()], now=clock.now())

    assert phone.read().state == "connecting"


def test_what_an_engine_that_lost_the_line_tells_late_changes_nothing(phone: Phone) -> None:
    phone.opens()
    said_at = phone.session.state_at
    assert said_at is not None

    for late, is_taken in ((True, False), (False, True)):
        with scope.workspace(phone.space):
            states.apply(
                connection=phone.read(), state="logged_out", code="401", reason="", until=None,
                phone=PHONE, now=clock.now(), at=said_at - timedelta(seconds=9 if late else 0),
            )  # fmt: skip
        assert (phone.read().state == "logged_out") is is_taken


# --- Sending ---------------------------------------------------------------------------------------


def test_a_pause_of_the_team_outlasts_the_line(phone: Phone) -> None:
    phone.opens()
    with scope.workspace(phone.space):
        manager.switch(connection=phone.read(), is_sending=False, actor=None, now=clock.now())

    phone.says("backoff", code="428", phone=PHONE)
    phone.opens()
    assert not phone.read().is_sending
    phone.says("banned", code="403", phone=PHONE)
    phone.says("backoff", code="428", phone=PHONE)
    phone.opens()
    assert not phone.read().is_sending


def test_a_block_that_is_over_lets_the_number_send_again(phone: Phone) -> None:
    phone.opens()
    phone.says("banned", code="403", phone=PHONE, until=clock.now() + timedelta(hours=1))
    assert not phone.read().is_sending

    phone.says("backoff", code="428", phone=PHONE)
    phone.opens()

    assert phone.read().is_sending


def test_a_block_before_the_first_line_is_over_with_it(phone: Phone) -> None:
    phone.says("banned", code="402", until=clock.now() + timedelta(hours=1))
    phone.says("connecting")

    assert phone.opens().is_sending


def test_linking_again_ends_a_pause(phone: Phone) -> None:
    phone.opens()
    with scope.workspace(phone.space):
        manager.switch(connection=phone.read(), is_sending=False, actor=None, now=clock.now())
    disconnect(phone)

    link_again(phone)
    assert phone.opens().is_sending
    phone.says("banned", code="403", phone=PHONE)
    assert phone.opens().is_sending, "nobody has paused this link"


# --- Silence -----------------------------------------------------------------------------------------


def test_a_silent_line_on_which_somebody_writes_is_connected(phone: Phone) -> None:
    phone.opens()
    before = phone.read()
    with scope.workspace(phone.space):
        manager.change_state(
            connection=phone.read(), state="silent", code="quiet", reason="", now=clock.now()
        )
        manager.note_inbound(connections=[phone.read()], now=clock.now())

    after = phone.read()
    assert after.state == "connected"
    assert after.last_disconnected_at is None, "it was never away"
    assert after.last_connected_at == before.last_connected_at


def test_an_old_copy_of_a_silent_line_does_not_revive_a_logged_out_one(phone: Phone) -> None:
    phone.opens()
    phone.change(state="silent")
    old = phone.read()
    phone.says("logged_out")

    with scope.workspace(phone.space):
        manager.note_inbound(connections=[old], now=clock.now())

    assert phone.read().state == "logged_out"


def test_a_silent_line_without_an_engine_is_shown_as_away(phone: Phone) -> None:
    phone.opens()
    phone.change(state="silent")
    phone.engine(lease_until=clock.now() - timedelta(minutes=1))

    supervising.look(now=clock.now())

    assert phone.read().state == "reconnecting"
