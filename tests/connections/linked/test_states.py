"""What the owner sees of a number follows its line, and never another line's, or an older one's."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from billing.models import Subscription
from connections import lifecycle, manager, outbox
from connections.events import Outbound, OutboundKind
from connections.linked import limits, states, supervising
from connections.models import Connection, FirstContact, Incident, OutboundJob
from lib import clock
from tests.connections.linked.conftest import PHONE, Phone
from workspaces import scope
from workspaces.models import Notice, Workspace

pytestmark = pytest.mark.django_db
OTHER = "+2348098765432"
Link = Callable[[Workspace], Phone]


def disconnect(phone: Phone) -> None:
    with scope.workspace(phone.space):
        lifecycle.disconnect(connection=phone.read(), actor=None, now=clock.now())


def link_again(phone: Phone) -> None:
    with scope.workspace(phone.space):
        lifecycle.create_connection(
            workspace=phone.space, actor=None, now=clock.now(), connection=phone.read()
        )


def put(phone: Phone, key: str = "answer") -> None:
    item = outbox.Item(
        connection_id=phone.connection.pk,
        key=key,
        message=Outbound(kind=OutboundKind.TEXT, to_phone="+2348031230000", text="We open at 8."),
        conversation_key="customer",
        correlation="",
        message_id=1,
        expires_at=clock.now() + timedelta(hours=20),
    )
    with scope.workspace(phone.space):
        outbox.put_all(workspace=phone.space, items=[item], now=clock.now())


def put_state(phone: Phone) -> str:
    with scope.system():
        return str(OutboundJob.objects.get(connection=phone.connection).state)


def subscribe(phone: Phone, state: str) -> None:
    with scope.system():
        Subscription.objects.filter(workspace=phone.space).update(state=state)


def open_incidents() -> int:
    with scope.system():
        return Incident.objects.filter(closed_at__isnull=True).count()


def notices() -> list[str]:
    with scope.system():
        return list(Notice.objects.order_by("pk").values_list("text", flat=True))


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


# --- Who is told, and of what ------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["needs_human", "replaced", "something_new"])
def test_owners_hear_of_a_line_that_rests_for_good(phone: Phone, state: str) -> None:
    phone.opens()

    phone.says(state, phone=PHONE)

    assert phone.read().state == "not_connected"
    assert open_incidents() == 1
    assert any("is not connected" in text for text in notices())
    phone.opens()
    assert open_incidents() == 0


def test_nobody_is_told_that_a_code_was_not_scanned(phone: Phone) -> None:
    phone.says("expired", reason="not_scanned")

    assert (open_incidents(), notices()) == (0, [])


def test_an_incident_ends_with_its_number(phone: Phone) -> None:
    phone.opens()
    phone.says("needs_human", phone=PHONE)
    disconnect(phone)
    assert open_incidents() == 0

    link_again(phone)
    phone.opens()
    phone.says("needs_human", phone=PHONE)
    with scope.workspace(phone.space):
        manager.remove(connection=phone.read(), actor=None, now=clock.now())
    assert open_incidents() == 0


def test_a_renewed_plan_is_no_incident(phone: Phone) -> None:
    long_ago = clock.now() - timedelta(days=3)
    phone.says("open", phone=PHONE, now=long_ago)
    subscribe(phone, "cancelled")
    supervising.look(now=long_ago)
    phone.engine(state="off")
    subscribe(phone, "active")

    found = supervising.look(now=clock.now())

    assert found == {"woken": 1}
    assert phone.read().state == "reconnecting"
    assert (open_incidents(), notices()) == (0, [])


def test_lines_that_are_tried_once_more_are_no_incident_yet(phone: Phone) -> None:
    long_ago = clock.now() - timedelta(days=3)
    phone.says("open", phone=PHONE, now=long_ago)
    phone.says("replaced", phone=PHONE, now=long_ago)
    told = notices()

    supervising.reconnect_all(now=clock.now())
    supervising.look(now=clock.now() + timedelta(seconds=30))

    assert notices() == told


# --- Plans -----------------------------------------------------------------------------------------


def test_a_plan_that_ends_leaves_a_logged_out_number_as_it_is(phone: Phone) -> None:
    phone.opens()
    phone.says("logged_out")
    subscribe(phone, "cancelled")

    supervising.look(now=clock.now())

    assert phone.read().state == "logged_out"


def test_without_a_plan_nothing_is_linked_and_kept_keys_stay(phone: Phone) -> None:
    phone.opens()
    subscribe(phone, "cancelled")
    supervising.look(now=clock.now())
    assert phone.read().state_code == "not_served"
    serial = phone.session.link_serial

    with pytest.raises(lifecycle.UnableToConnect, match="Choose a plan"):
        link_again(phone)

    assert phone.session.link_serial == serial


def test_an_attempt_that_the_end_of_a_plan_stopped_can_be_made_again(phone: Phone) -> None:
    phone.says("pairing")
    subscribe(phone, "cancelled")

    supervising.look(now=clock.now())

    stopped = phone.read()
    assert (stopped.state, stopped.state_code) == ("not_connected", "stopped")
    phone.engine(state="off")
    subscribe(phone, "active")
    supervising.look(now=clock.now())
    assert phone.read().state == "not_connected", "there are no keys to come back with"
    link_again(phone)
    assert phone.read().state == "connecting"
