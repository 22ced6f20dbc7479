"""Who is told what of a linked phone, and what a plan that ends does to it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from connections import lifecycle, manager
from connections.linked import supervising
from lib import clock
from tests.connections.linked.acts import disconnect, link_again, notices, open_incidents, subscribe
from tests.connections.linked.conftest import PHONE, Phone
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
OTHER = "+2348098765432"
Link = Callable[[Workspace], Phone]


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
