"""Connecting WhatsApp: how, the code, what comes of it, going back; who may, and who sees what."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from connections import agreements, lifecycle, qr
from connections.linked.models import LinkedSession
from connections.models import Connection, ConnectionEvent
from lib import clock
from tests.pages.conftest import HTMX
from tests.pages.engine import QR, Engine
from workspaces import scope
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db
LIST = "/w/acme/connections/"
BY_QR = {"method": "qr", "agreed": "on"}
BY_CODE = {"method": "code", "phone": "0803 555 0142", "agreed": "on"}


@pytest.fixture(autouse=True)
def _has_engine(settings: Any) -> None:
    settings.BRIDGE_SECRET = "a-secret-of-the-engines"
    settings.FAKE_WHATSAPP_URL = ""


@pytest.fixture
def engine(acme: Workspace, ada: User) -> Engine:
    """A phone that Ada has begun to link, having read the notice."""
    with scope.workspace(acme):
        connection = lifecycle.create_connection(workspace=acme, actor=ada, now=clock.now())
        agreements.remember(connection=connection, actor=ada, now=clock.now())
    return Engine(acme, connection)


def link_of(engine: Engine) -> str:
    return f"{LIST}{engine.pk}/link/"


def poll(client: Client, page: str) -> Any:
    """Ask as the page does after its interval."""
    match = re.search(r'hx-get="([^"]+)" hx-trigger="every', page)
    assert match, "the page polls"
    return client.get(match[1].replace("&amp;", "&"), headers=HTMX)


# --- How ---------------------------------------------------------------------------------------


def test_the_ways_are_told_by_what_one_has_at_hand(acme: Workspace, owner: Client) -> None:
    page = owner.get(LIST + "connect/").text

    for way in ("on this phone", "on another phone", "Official Cloud API", "pretend phone"):
        assert way in page
    assert "WhatsApp may limit or ban numbers" in page and "What a ban means" in page
    assert f'href="{LIST}connect/"' in owner.get(LIST).text


def test_without_an_engine_phones_are_not_offered(
    acme: Workspace, owner: Client, settings: Any
) -> None:
    settings.BRIDGE_SECRET = settings.SIMULATOR_URL = ""

    page = owner.get(LIST + "connect/").text

    assert page.count("Not possible here") == 2 and "Show the QR code" not in page
    assert "No number yet: pretend phone" not in page
    refused = owner.post(LIST + "connect/", BY_QR)
    assert refused.status_code == 422 and lifecycle.newest(workspace=acme) is None


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"method": "qr"}, "Tick the box"),
        ({**BY_CODE, "phone": ""}, "This field is required"),
        ({**BY_CODE, "phone": "0803"}, "too short"),
    ],
)
def test_nothing_is_linked_before_the_box_and_the_number(
    acme: Workspace, owner: Client, sent: dict[str, str], said: str
) -> None:
    part = owner.post(LIST + "connect/", sent, headers=HTMX)

    assert part.status_code == 422 and said in part.text and "<html" not in part.text
    assert len(re.findall(r"<details[^>]* open", part.text)) == 1
    with scope.workspace(acme):
        assert not LinkedSession.objects.exists()


def test_an_attempt_begins_and_who_agreed_is_remembered(
    acme: Workspace, ada: User, owner: Client
) -> None:
    answer = owner.post(LIST + "connect/", BY_CODE)

    with scope.workspace(acme):
        connection = Connection.objects.get(provider="linked_device")
        session = LinkedSession.objects.get(connection=connection)
        agreed = AuditEntry.objects.get(action="connection.linking-agreed")
    assert answer.headers["Location"] == f"{LIST}{connection.pk}/link/"
    assert (session.link_method, session.link_phone) == ("code", "+2348035550142")
    assert (agreed.actor, agreed.target) == (ada, f"connection {connection.pk}")


def test_only_managers_link_and_viewers_see_the_state(
    engine: Engine, viewer: Client, agent: Client, stranger: Client
) -> None:
    engine.show()
    at = f"{LIST}{engine.pk}/"
    doors = ["link/", "link/cancel/", "link/screen/", "disconnect/", "remove/"]

    for client in (viewer, agent):
        assert client.get(LIST + "connect/").status_code == 403
        assert client.post(LIST + "connect/", BY_QR).status_code == 403
        assert client.get(at + "link/").status_code == 403
        assert [client.post(at + door).status_code for door in doors] == [403] * 5
    page = viewer.get(at)
    assert "Waiting for scan" in page.text and QR not in page.text
    assert "Go on linking" not in page.text
    for door in doors:
        assert stranger.post(at + door).status_code == 404
        assert stranger.post(at.replace("acme", "rival") + door).status_code == 404
    assert engine.session.wanted == "on"


def test_two_workspaces_never_see_each_others_code(
    engine: Engine, rival: Workspace, chidi: User, owner: Client, stranger: Client
) -> None:
    with scope.workspace(rival):
        theirs = Engine(
            rival, lifecycle.create_connection(workspace=rival, actor=chidi, now=clock.now())
        )
    engine.show(QR + "ours")
    theirs.show(QR + "theirs")
    ours, other = qr.svg_of(QR + "ours"), qr.svg_of(QR + "theirs")

    page = owner.get(link_of(engine)).text
    their_page = stranger.get(f"/w/rival/connections/{theirs.pk}/link/").text

    assert ours in page and other not in page
    assert other in their_page and ours not in their_page
    assert owner.get(link_of(theirs)).status_code == 404
    assert stranger.get(f"/w/rival/connections/{engine.pk}/link/").status_code == 404


# --- The code and what comes of it -------------------------------------------------------------


def test_the_qr_code_travels_only_when_it_changed(engine: Engine, owner: Client) -> None:
    waiting = owner.get(link_of(engine)).text
    assert "Getting a code from WhatsApp" in waiting and "every 3s" in waiting
    engine.show()

    shown = poll(owner, waiting)
    assert qr.svg_of(QR) in shown.text and "Waiting for the scan" in shown.text
    left = re.search(r'data-left="(\d+)"', shown.text)
    assert left and 55 <= int(left[1]) <= 60

    assert poll(owner, shown.text).status_code == 204
    with scope.system():  # the page looks less often: something changed, but not the code
        ConnectionEvent.objects.filter(kind="linking").update(at=clock.now() - timedelta(minutes=3))
    opened = int((clock.now() - timedelta(minutes=3)).timestamp())
    slower = poll(owner, re.sub(r"opened=\d+", f"opened={opened}", shown.text))
    assert "every 10s" in slower.text
    assert qr.svg_of(QR) not in slower.text and 'id="shown" hx-preserve' in slower.text
    engine.show(QR + "second", seconds=20)
    assert qr.svg_of(QR + "second") in poll(owner, slower.text).text


def test_looking_ends_after_a_quarter_of_an_hour_until_one_goes_on(
    engine: Engine, owner: Client
) -> None:
    with scope.system():
        ConnectionEvent.objects.filter(kind="linking").update(
            at=clock.now() - timedelta(minutes=16)
        )
    opened = int((clock.now() - timedelta(minutes=16)).timestamp())

    ended = owner.get(f"{link_of(engine)}?opened={opened}", headers=HTMX).text

    assert "every" not in ended and "Go on" in ended
    assert "every 3s" in owner.get(link_of(engine)).text
    for odd in ("99999999999999999", "-1", "x"):
        assert owner.get(f"{link_of(engine)}?opened={odd}").status_code == 200


def test_a_code_is_shown_in_halves_with_its_steps(engine: Engine, owner: Client) -> None:
    owner.post(link_of(engine), {"method": "code", "phone": "08035550142"})
    engine.show("K7QP2M4X", kind="code", seconds=160)

    page = owner.get(link_of(engine)).text

    assert 'value="K7QP-2M4X"' in page and "+234 803 555 0142" in page
    assert "Link with phone number instead" in page and "Copy the code" in page


def test_scanned_then_connected_leads_to_trying_it(engine: Engine, owner: Client) -> None:
    engine.show()
    page = owner.get(link_of(engine)).text
    engine.scanned()
    checking = poll(owner, page).text
    assert "Scanned, checking" in checking and 'class="qr"' not in checking

    engine.open()
    connected = poll(owner, checking).text

    assert "Connected +234 803 000 0001" in connected
    assert main_buttons(connected) == ["Try it"]


def main_buttons(page: str) -> list[str]:
    body = page.partition('id="attempt"')[2]
    found = re.findall(r'class="button main[^"]*"[^>]*>(?:<svg.*?</svg>)?([^<]+)<', body)
    return [text.strip() for text in found]


@pytest.mark.parametrize(
    ("state", "reason", "title", "button"),
    [
        ("expired", "not_scanned", "Nobody scanned in time", "Link again"),
        ("expired", "code_refused", "The code was not accepted", "Show a QR code instead"),
        ("expired", "no_phone", "The number is missing", "Get a code"),
        ("expired", "failed", "Could not link", "Link again"),
        ("passkey_required", "passkey", "asks for a passkey", "Use the official Cloud API"),
        ("banned", "locked", "Blocked by WhatsApp", "Use the official Cloud API"),
        ("logged_out", "unlinked", "Logged out by the phone", "Link again"),
        ("replaced", "opened_elsewhere", "Not connected", "Link again"),
        ("needs_human", "bad_session", "Not connected", "Link again"),
    ],
)
def test_a_failure_says_what_happened_and_has_one_next_step(
    engine: Engine, owner: Client, state: str, reason: str, title: str, button: str
) -> None:
    engine.tell(state, reason=reason)

    page = owner.get(link_of(engine)).text

    assert title in page and main_buttons(page) == [button]
    assert engine.connection.state_reason and engine.connection.state_reason in page


def test_linking_again_needs_no_second_tick_and_begins_anew(engine: Engine, owner: Client) -> None:
    engine.tell("logged_out", reason="unlinked")

    owner.post(link_of(engine), {"method": "qr"})

    assert engine.session.link_serial == 2 and engine.connection.state == "connecting"
    assert "Getting a code" in owner.get(link_of(engine)).text


def test_an_attempt_that_a_program_began_asks_for_the_tick(acme: Workspace, owner: Client) -> None:
    with scope.workspace(acme):
        connection = lifecycle.create_connection(workspace=acme, actor=None, now=clock.now())
    begun = Engine(acme, connection)
    begun.tell("expired", reason="not_scanned")

    refused = owner.post(link_of(begun), {"method": "qr"})

    assert refused.status_code == 422 and "Tick the box" in refused.text
    assert begun.session.link_serial == 1
    assert owner.post(link_of(begun), BY_QR).status_code == 302


def test_a_late_word_about_the_attempt_before_is_no_failure(engine: Engine, owner: Client) -> None:
    engine.tell("expired", reason="not_scanned")
    with scope.system():
        LinkedSession.objects.filter(pk=engine.session.pk).update(link_serial=2)

    assert "Getting a code" in owner.get(link_of(engine)).text


def test_cancelling_forgets_what_was_never_linked(engine: Engine, owner: Client) -> None:
    page = owner.post(f"{link_of(engine)}cancel/", follow=True).text

    assert "Nothing was linked" in page and "Not linked yet" not in page
    assert engine.session.wanted == "logout"


def test_cancelling_keeps_a_number_that_is_known(engine: Engine, owner: Client) -> None:
    engine.open()
    linked = owner.post(f"{link_of(engine)}cancel/", follow=True).text
    assert "was linked meanwhile" in linked and engine.session.wanted == "on"
    engine.tell("logged_out", reason="unlinked")
    owner.post(link_of(engine), {"method": "qr"})

    page = owner.post(f"{link_of(engine)}cancel/", follow=True).text

    assert "+234 803 000 0001" in page and "Disconnected by your team" in page


# --- The number afterwards ---------------------------------------------------------------------


def test_a_linked_phone_shows_no_fields_of_the_cloud_api(engine: Engine, owner: Client) -> None:
    at = f"{LIST}{engine.pk}/"
    assert "Not linked yet" in owner.get(LIST).text
    engine.open()

    page = owner.get(at).text

    assert "Linked phone" in page and "+234 803 000 0001" in page
    for field in ("Phone number ID", "Access token", "Callback URL", "Verify token"):
        assert field not in page
    assert "Linking begun by QR code" in page and "Connected" in page
    assert "Ban risk" in page and "linked less than a week ago" in page


def test_logged_out_is_on_the_page_at_the_next_look_with_one_button(
    engine: Engine, owner: Client, viewer: Client
) -> None:
    engine.open()
    at = f"{LIST}{engine.pk}/"
    page = owner.get(at).text
    assert "every 3s" in page and poll(owner, page).status_code == 204
    listed = owner.get(LIST).text
    assert poll(owner, listed).status_code == 204

    engine.tell("logged_out", reason="unlinked", code="401")

    part = poll(owner, page).text
    assert "Logged out" in part and "Chats are safe" in part
    assert re.findall(r'class="button main"[^>]*>([^<]+)<', part) == ["Link again"]
    assert "Logged out" in poll(owner, listed).text
    assert "Link again" not in viewer.get(at).text
    owner.post(link_of(engine), {"method": "qr"})
    assert engine.session.link_serial == 2


def test_reconnecting_shows_the_next_try_and_the_incident(engine: Engine, owner: Client) -> None:
    engine.open()
    for n in range(10):
        until = clock.now() + timedelta(seconds=8)
        engine.tell("backoff", reason="cut", code=str(n), until=until)

    page = owner.get(f"{LIST}{engine.pk}/").text

    left = re.search(r'Next try in <b data-left="(\d+)"', page)
    assert left and 6 <= int(left[1]) <= 8
    assert "Open incident since" in page and "was cut 10 times" in page
    assert "next try in" in owner.get(link_of(engine)).text


def test_disconnecting_lists_what_stops_and_what_stays(engine: Engine, owner: Client) -> None:
    engine.open()
    asked = owner.get(f"{LIST}{engine.pk}/disconnect/").text
    assert "What stops" in asked and "What stays" in asked and engine.session.wanted == "on"

    page = owner.post(f"{LIST}{engine.pk}/disconnect/", follow=True).text

    assert "is disconnected" in page and engine.session.wanted == "logout"
    assert "Link again" in page


def test_a_phone_that_was_never_linked_is_removed_without_digits(
    engine: Engine, owner: Client
) -> None:
    at = f"{LIST}{engine.pk}/remove/"
    assert "Last 4 digits" not in owner.get(at).text

    page = owner.post(at, follow=True).text

    assert "never linked is removed" in page
    with scope.workspace(engine.space):
        assert not Connection.objects.filter(pk=engine.pk).exists()


def test_polls_ask_little_of_the_database(
    engine: Engine, owner: Client, django_assert_max_num_queries: Any
) -> None:
    engine.show()
    page = owner.get(link_of(engine)).text
    with django_assert_max_num_queries(14):
        assert poll(owner, page).status_code == 204
    engine.open()
    page = owner.get(f"{LIST}{engine.pk}/").text
    with django_assert_max_num_queries(14):
        assert poll(owner, page).status_code == 204
