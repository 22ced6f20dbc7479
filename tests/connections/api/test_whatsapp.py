"""Link a phone, see its code, see how it is, take it off; each workspace its own."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database

from connections import manager
from connections.api import numbers, shapes
from connections.models import Connection, LinkedSession
from lib import clock
from tests.connections.api.conftest import CODE, Program, begin, play, put, show_code, token_of
from workspaces import schemas, scope
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db
State = Connection.State


@pytest.fixture
def cloud(acme: Workspace) -> Connection:
    """A number of the official API."""
    with scope.workspace(acme):
        return manager.add(
            workspace=acme, provider="cloud_api", phone="0803 123 4567", external_id="100200300",
            account_id="1", secrets={"access_token": "t"}, actor=None, now=clock.now(),
            is_verified=True,
        )  # fmt: skip


def session(connection_id: int) -> LinkedSession:
    with scope.system():
        found: LinkedSession = LinkedSession.objects.get(connection_id=connection_id)
    return found


def test_a_workspace_without_a_number_is_disconnected(acmes: Program) -> None:
    status, code = acmes.get("whatsapp/status").json(), acmes.get("whatsapp/qr").json()

    assert (status["status"], status["connected"], status["connection"]) == (
        "disconnected",
        False,
        None,
    )
    assert code == {
        "status": "disconnected", "connection": None, "qr": None, "svg": None,
        "expires_at": None, "code": None,
    }  # fmt: skip
    assert acmes.post("whatsapp/disconnect").json() == status


def test_connecting_begins_an_attempt_and_says_so(acmes: Program, acme: Workspace) -> None:
    found = acmes.post("whatsapp/connect")

    assert found.status_code == 202
    assert found.headers["Cache-Control"] == "no-store"
    told = found.json()
    assert (told["status"], told["phone"], told["provider"], told["connected"]) == (
        "connecting",
        None,
        "linked_device",
        False,
    )
    row = session(told["connection"])
    assert (row.workspace_id, row.wanted, row.link_serial, row.link_method) == (
        acme.pk, "on", 1, "qr",
    )  # fmt: skip
    assert acmes.get("whatsapp/status").json() == told


@pytest.mark.parametrize("body", [{}, {"method": "qr"}, {"method": None, "phone": ""}, None])
def test_a_qr_code_is_asked_for_unless_a_phone_is_named(acmes: Program, body: Any) -> None:
    told = acmes.post("whatsapp/connect", body).json()

    assert session(told["connection"]).link_method == "qr"


@pytest.mark.parametrize("body", [{"method": "code"}, {}])
def test_a_pairing_code_is_asked_for_a_phone(acmes: Program, body: dict[str, str]) -> None:
    told = acmes.post("whatsapp/connect", body | {"phone": "0803 123 4567"}).json()
    row = session(told["connection"])
    assert (row.link_method, row.link_phone) == ("code", "+2348031234567")

    with scope.system():
        connection = Connection.objects.get(pk=told["connection"])
    show_code(connection, kind="code", value="ABCD1234")

    code = acmes.get("whatsapp/qr").json()
    assert (code["code"], code["qr"], code["svg"]) == ("ABCD1234", None, None)
    assert acmes.get("whatsapp/qr?format=text").status_code == 404


def test_an_attempt_is_begun_anew_on_the_same_number(acmes: Program) -> None:
    first, second = acmes.post("whatsapp/connect").json(), acmes.post("whatsapp/connect").json()

    assert first["connection"] == second["connection"]
    assert session(first["connection"]).link_serial == 2


@pytest.mark.parametrize("state", [State.CONNECTED, State.SILENT, State.RECONNECTING])
def test_a_linked_phone_is_left_alone(acmes: Program, acme: Workspace, state: str) -> None:
    connection = begin(acme)
    put(connection, state=state, phone="+2348031234567")

    for body in ({}, {"connection": connection.pk}):
        found = acmes.post("whatsapp/connect", body)
        assert (found.status_code, found.json()["error"]["code"]) == (409, "already_linked")
    assert session(connection.pk).link_serial == 1

    other = acmes.post("whatsapp/connect", {"another": True})
    assert other.status_code == 202 and other.json()["connection"] != connection.pk


@pytest.mark.parametrize("state", [State.LOGGED_OUT, State.NOT_CONNECTED, State.BLOCKED])
def test_a_phone_that_was_linked_is_linked_again(
    acmes: Program, acme: Workspace, state: str
) -> None:
    connection = begin(acme)
    put(connection, state=state, phone="+2348031234567")

    told = acmes.post("whatsapp/connect").json()

    assert (told["connection"], told["status"]) == (connection.pk, "connecting")


def test_the_code_is_shown_as_text_and_picture(acmes: Program, acme: Workspace) -> None:
    connection = begin(acme)
    assert acmes.get("whatsapp/qr").json()["qr"] is None
    show_code(connection)

    told = acmes.get("whatsapp/qr").json()
    assert (told["status"], told["qr"], told["code"]) == ("connecting", CODE, None)
    assert told["svg"].startswith("<svg ")
    expires_at = datetime.fromisoformat(told["expires_at"])
    assert timedelta(seconds=50) < expires_at - datetime.now(UTC) <= timedelta(seconds=60)

    by_query, by_accept = (
        acmes.get("whatsapp/qr?format=svg"),
        acmes.get("whatsapp/qr", Accept="image/svg+xml"),
    )
    for picture in (by_query, by_accept):
        assert picture.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert picture.headers["Cache-Control"] == "no-store"
        assert picture.text == told["svg"]
    for text in (
        acmes.get("whatsapp/qr?format=text"),
        acmes.get("whatsapp/qr", Accept="text/plain"),
    ):
        assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert text.text == CODE


def test_no_picture_of_a_code_that_is_not_there_or_over(acmes: Program, acme: Workspace) -> None:
    connection = begin(acme)
    show_code(connection)
    play(connection, pairing={"kind": "qr", "value": CODE, "expires_at": "2026-01-01T00:00:00Z"})

    assert acmes.get("whatsapp/qr").json()["qr"] is None
    for found in (
        acmes.get("whatsapp/qr?format=svg"),
        acmes.get("whatsapp/qr", Accept="text/plain"),
    ):
        assert found.status_code == 404
        assert found.headers["Content-Type"] == "application/json"
        assert found.json()["error"]["code"] == "nothing_shown"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.NOT_CONNECTED, "disconnected"),
        (State.WAITING_FOR_SCAN, "connecting"),
        (State.CONNECTING, "connecting"),
        (State.CONNECTED, "connected"),
        (State.SILENT, "silent"),
        (State.RECONNECTING, "reconnecting"),
        (State.LOGGED_OUT, "logged out"),
        (State.NEEDS_PASSKEY, "needs passkey"),
        (State.BLOCKED, "blocked"),
    ],
)
def test_every_state_has_its_word(acmes: Program, acme: Workspace, state: str, word: str) -> None:
    connection = begin(acme)
    moment = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    put(
        connection, state=state, state_code="c", state_reason="A reason.", phone="+2348031234567",
        last_connected_at=moment, last_disconnected_at=moment, state_changed_at=moment,
    )  # fmt: skip
    play(connection, state_until=moment)

    told = acmes.get("whatsapp/status").json()

    at = "2026-11-20T09:00:00Z"
    assert told == {
        "status": word, "phone": "+2348031234567", "reason": "A reason.", "code": "c",
        "provider": "linked_device", "connection": connection.pk, "connected": word == "connected",
        "last_connected_at": at, "last_disconnected_at": at, "updated_at": at,
        "retry_at": at if word == "reconnecting" else None,
    }  # fmt: skip
    assert acmes.get("whatsapp/qr").json()["status"] == word
    assert word in shapes.WORDS


def test_disconnecting_unlinks_the_phone(acmes: Program, acme: Workspace) -> None:
    connection = begin(acme)
    put(connection, state=State.CONNECTED, phone="+2348031234567")

    found = acmes.post("whatsapp/disconnect")

    assert found.status_code == 200
    assert (found.json()["status"], found.json()["connected"]) == ("disconnected", False)
    assert found.json()["last_disconnected_at"] is not None
    assert session(connection.pk).wanted == "logout"
    again = acmes.post("whatsapp/disconnect", {"connection": connection.pk})
    assert (again.status_code, again.json()["status"]) == (200, "disconnected")


def test_nobody_is_disconnected_by_guessing(
    acmes: Program, acme: Workspace, cloud: Connection
) -> None:
    assert acmes.post("whatsapp/disconnect").status_code == 409
    for phone in ("+2348031110001", "+2348031110002"):
        put(begin(acme), state=State.CONNECTED, phone=phone)
    assert acmes.post("whatsapp/disconnect").status_code == 409

    found = acmes.post("whatsapp/disconnect", {"connection": cloud.pk})

    assert (found.status_code, found.json()["provider"]) == (200, "cloud_api")
    with scope.system():
        assert Connection.objects.filter(workspace=acme, is_sending=True).count() == 2


def test_a_number_of_another_kind_is_shown_but_not_linked(
    acmes: Program, cloud: Connection
) -> None:
    assert acmes.get("whatsapp/status").json()["connection"] == cloud.pk
    assert acmes.get("whatsapp/qr").json()["qr"] is None

    found = acmes.post("whatsapp/connect", {"connection": cloud.pk})

    assert found.status_code == 409 and "no linked phone" in found.json()["error"]["message"]


def test_the_linked_phone_dealt_with_last_is_meant(
    acmes: Program, acme: Workspace, cloud: Connection
) -> None:
    first, second = begin(acme), None
    put(first, phone="+2348031110001", state=State.LOGGED_OUT)
    second = begin(acme)
    put(cloud, state_changed_at=clock.now() + timedelta(hours=1))
    assert acmes.get("whatsapp/status").json()["connection"] == second.pk

    put(first, state_changed_at=clock.now() + timedelta(minutes=1))

    assert acmes.get("whatsapp/status").json()["connection"] == first.pk
    named = acmes.get(f"whatsapp/status?connection={cloud.pk}").json()
    assert (named["connection"], named["provider"]) == (cloud.pk, "cloud_api")


def test_a_token_never_sees_or_touches_anothers_number(
    acmes: Program, rivals: Program, acme: Workspace, rival: Workspace
) -> None:
    connection = begin(rival)
    put(connection, state=State.CONNECTED, phone="+2348031110001")
    show_code(connection)

    for found in (
        acmes.get(f"whatsapp/status?connection={connection.pk}"),
        acmes.get(f"whatsapp/qr?connection={connection.pk}"),
        acmes.get(f"whatsapp/qr?connection={connection.pk}&format=svg"),
        acmes.post("whatsapp/connect", {"connection": connection.pk}),
        acmes.post("whatsapp/disconnect", {"connection": connection.pk}),
    ):
        assert (found.status_code, found.json()["error"]["code"]) == (404, "not_found")
    nowhere = acmes.get(f"whatsapp/status?connection={connection.pk + 1_000_000}")
    assert nowhere.json() == acmes.get(f"whatsapp/status?connection={connection.pk}").json()
    assert acmes.get("whatsapp/status").json()["connection"] is None
    assert acmes.get("whatsapp/qr").json()["qr"] is None
    assert acmes.post("whatsapp/disconnect").json()["connection"] is None

    assert rivals.get("whatsapp/status").json()["status"] == "connected"
    mine = acmes.post("whatsapp/connect").json()
    assert session(mine["connection"]).workspace_id == acme.pk
    assert (session(connection.pk).wanted, session(connection.pk).link_serial) == ("on", 1)


def test_who_connected_is_in_the_audit(acme: Workspace, ada: User) -> None:
    Program(token_of(acme, ada.email)).post("whatsapp/connect")
    with scope.system():
        entry = AuditEntry.objects.filter(action="connection.linking").latest("pk")

    assert (entry.actor_id, entry.workspace_id) == (ada.pk, acme.pk)


def test_without_the_link_service_nothing_is_begun(
    acmes: Program, acme: Workspace, settings: Any
) -> None:
    settings.BRIDGE_SECRET = ""

    found = acmes.post("whatsapp/connect")

    assert (found.status_code, found.json()["error"]["code"]) == (503, "unavailable")
    with scope.system():
        assert not Connection.objects.filter(workspace=acme).exists()
    assert acmes.get("whatsapp/status").status_code == 200


def test_pressed_twice_at_the_same_time_makes_one_number(commits: None) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    space = schemas.create(name="Race", slug="race-api", country="NG", owner=owner, now=clock.now())
    token = token_of(space)
    statuses: list[int] = []
    line = threading.Barrier(6)

    def press() -> None:
        try:
            line.wait(10)
            statuses.append(Program(token).post("whatsapp/connect").status_code)
        finally:
            database.close()

    try:
        threads = [threading.Thread(target=press) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with scope.system():
            found = list(Connection.objects.filter(workspace=space))
        assert statuses == [202] * 6
        assert len(found) == 1 and session(found[0].pk).link_serial == 6
    finally:
        schemas.delete(workspace=space, now=clock.now())


def test_the_two_ways_to_link_wait_for_each_other(commits: None) -> None:
    """Pages and the API: whoever comes second finds the first one's number."""
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    space = schemas.create(
        name="Race", slug="race-both", country="NG", owner=owner, now=clock.now()
    )
    line = threading.Barrier(2)

    def by_page() -> None:
        try:
            line.wait(10)
            begin(space)
        finally:
            database.close()

    def by_program() -> None:
        try:
            line.wait(10)
            with scope.workspace(space):
                numbers.connect(
                    workspace=space, method="qr", phone="", connection_id=None, is_another=False,
                    actor=None, now=clock.now(),
                )  # fmt: skip
        finally:
            database.close()

    try:
        threads = [threading.Thread(target=work) for work in (by_page, by_program)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with scope.system():
            assert Connection.objects.filter(workspace=space).count() == 1
    finally:
        schemas.delete(workspace=space, now=clock.now())


def test_neither_token_nor_code_nor_phone_reach_the_log(
    acme: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_of(acme)
    program = Program(token)
    with caplog.at_level("DEBUG"):
        program.post("whatsapp/connect", {"phone": "+2348031234567"})
        show_code(begin(acme))
        program.get("whatsapp/qr")
        program.get("whatsapp/qr?format=text")
        Program(token + "x").get("whatsapp/status")
        program.post("whatsapp/connect", {"phone": "+2348031234567", "method": "fax"})

    said = [record for record in caplog.records if "django.db" not in record.name]
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in said)
    assert "connection.added" in text
    for secret in (token, token.split(".")[2], CODE, "2348031234567"):
        assert secret not in text
