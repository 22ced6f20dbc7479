"""The providers' door: nothing unsigned gets in, nothing signed gets lost."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from connections import inbox, manager, refusals, verify_tokens
from connections.models import InboundEvent
from lib import clock
from messaging.models import Message
from tests import whatsapp
from tests.conftest import NOW
from tests.messaging.conftest import Way
from workspaces import scope, states
from workspaces.models import Workspace

URL = "/webhooks/whatsapp/"
pytestmark = pytest.mark.django_db


def kept(**where: Any) -> list[InboundEvent]:
    with scope.system():
        return list(InboundEvent.objects.filter(**where).order_by("id"))


# --- Meta's verification ---------------------------------------------------------------------


def challenge(client: Client, token: str, **other: str) -> Any:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    return client.get(URL, {**asked, **other})


def test_the_challenge_comes_back_bare_for_the_right_token(client: Client, settings: Any) -> None:
    settings.WHATSAPP_VERIFY_TOKEN = "right"

    answer = challenge(client, "right")

    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert answer["Content-Type"].startswith("text/plain")


def test_an_owners_own_app_is_verified_by_its_connections_token(client: Client, way: Way) -> None:
    token = verify_tokens.token_of(way.connection)

    assert challenge(client, token).status_code == 200
    assert challenge(client, token[:-1]).status_code == 403
    assert (
        challenge(client, f"{way.connection.pk + 1}-{token.partition('-')[2]}").status_code == 403
    )


@pytest.mark.parametrize(
    "token", ["", "wrong", "right ", "RIGHT", "1-", "-", "9" * 30 + "-x", "ß-ß", "٣-x"]
)
def test_a_wrong_token_is_refused(client: Client, settings: Any, token: str) -> None:
    settings.WHATSAPP_VERIFY_TOKEN = "right"

    assert challenge(client, token).status_code == 403


def test_an_unset_token_lets_nobody_in(client: Client, settings: Any) -> None:
    settings.WHATSAPP_VERIFY_TOKEN = ""

    assert challenge(client, "").status_code == 403


@pytest.mark.parametrize("other", [{"hub.mode": "unsubscribe"}, {"hub.challenge": "x" * 201}])
def test_an_odd_question_is_refused(client: Client, settings: Any, other: dict[str, str]) -> None:
    settings.WHATSAPP_VERIFY_TOKEN = "right"

    assert challenge(client, "right", **other).status_code == 403


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert getattr(client, method)(URL).status_code == 405


# --- Signatures and sizes --------------------------------------------------------------------


def test_no_house_secret_and_no_own_secret_accepts_nothing(way: Way, settings: Any) -> None:
    settings.WHATSAPP_APP_SECRET = ""
    payload = whatsapp.text("hello", wamid="wamid.N")

    assert way.post(payload, secret="").status_code == 401
    assert way.post(payload, secret="anything").status_code == 401
    assert kept() == []


def test_a_signature_holds_for_the_bytes_and_not_for_what_they_mean(way: Way) -> None:
    body = json.dumps(whatsapp.text("Größe?", wamid="wamid.B")).encode()
    same_meaning = json.dumps(json.loads(body), ensure_ascii=False).encode()

    refused = way.post(same_meaning, signature=whatsapp.sign(body))
    taken = way.post(same_meaning, signature=whatsapp.sign(same_meaning))

    assert (refused.status_code, taken.status_code) == (401, 200)


def test_four_megabytes_are_refused_unread(way: Way) -> None:
    body = b'{"entry":"' + b"x" * (4 * 1024 * 1024) + b'"}'

    assert way.post(body).status_code == 413
    assert kept() == []


def test_four_megabytes_that_claim_to_be_few_are_refused(way: Way) -> None:
    body = b'{"entry":"' + b"x" * (4 * 1024 * 1024) + b'"}'

    answer = way.client.generic(
        "POST", URL, body, "application/json", headers={"x-hub-signature-256": whatsapp.sign(body)},
        CONTENT_LENGTH="100",
    )  # fmt: skip

    assert answer.status_code == 401  # only the announced bytes are read, and nobody signed those
    assert kept() == []


@pytest.mark.parametrize("length", ["abc", "-5", "٣", "1e9", "9" * 25])
def test_a_nonsensical_length_is_no_server_error(way: Way, length: str) -> None:
    answer = way.client.generic("POST", URL, b"", "application/json", CONTENT_LENGTH=length)

    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe\x00", b"{}", b"[" * 100_000]
)
def test_a_signed_body_that_is_no_update_is_400(way: Way, body: bytes) -> None:
    assert way.post(body).status_code == 400
    assert kept() == []


def test_any_body_at_all_is_answered_without_a_server_error(way: Way) -> None:
    original = json.dumps(whatsapp.text("hello", wamid="wamid.M")).encode()
    for cut in range(0, len(original), 7):
        assert way.post(original[:cut]).status_code in (200, 400)
        assert way.post(original[:cut] + b"\x00" + original[cut:]).status_code in (200, 400)


# --- Batches and duplicates ------------------------------------------------------------------


def batch(way: Way, count: int) -> dict[str, Any]:
    payload = whatsapp.text("x", wamid="x", number_id=way.connection.external_id)
    value = payload["entry"][0]["changes"][0]["value"]
    value["messages"] = [
        {"from": f"23480600{n:05d}", "id": f"wamid.B{n}", "timestamp": str(int(time.time())),
         "type": "text", "text": {"body": f"What time do you open? {n}"}}
        for n in range(count)
    ]  # fmt: skip
    value["contacts"] = []
    return payload


@pytest.mark.parametrize("nonsense", [None, 7, [], "x", {}, {"id": 3, "from": [], "type": {}}])
def test_one_nonsense_in_a_batch_of_twenty_costs_nobody_else_anything(
    way: Way, nonsense: Any
) -> None:
    payload = batch(way, 20)
    payload["entry"][0]["changes"][0]["value"]["messages"][7] = nonsense

    assert way.post(payload).status_code == 200

    assert len(kept(kind="message", state="pending")) == 19


def test_nonsense_in_a_batch_does_not_stop_the_drain(way: Way) -> None:
    payload = batch(way, 4)
    payload["entry"][0]["changes"][0]["value"]["messages"][1] = {"id": 3, "from": [], "type": {}}
    way.post(payload)

    way.work()

    with scope.workspace(way.space):
        assert Message.objects.filter(direction="in").count() == 3
    assert kept(state="pending") == []


def test_a_batch_of_a_thousand_is_stored_in_one_go(way: Way) -> None:
    assert way.post(batch(way, 1_000)).status_code == 200

    assert len(kept(kind="message", state="pending")) == 1_000


def test_what_the_database_cannot_store_is_cleaned_and_kept(way: Way) -> None:
    payload = whatsapp.text("a\x00b \ud800 😀 \u202e שלום", wamid="wamid.U", name="N\x00gozi\udfff")

    assert way.post(json.dumps(payload).encode()).status_code == 200
    way.work()

    with scope.workspace(way.space):
        message = Message.objects.select_related("conversation__contact").get(direction="in")
    assert message.text == "ab  😀 \u202e שלום"
    assert message.conversation.contact.name == "Ngozi"


# --- Whose update it is ----------------------------------------------------------------------


@pytest.fixture
def rivals(rival: Workspace) -> Any:
    """Rival's own number with rival's own Meta app."""
    with scope.workspace(rival):
        return manager.add(
            workspace=rival, provider="cloud_api", phone="+2348031110000", external_id="777000777",
            account_id="888000888", secrets={"access_token": "t", "app_secret": "rival-secret"},
            actor=None, now=NOW, is_verified=True)  # fmt: skip


def test_an_own_secret_speaks_for_its_own_number(way: Way, rivals: Any) -> None:
    answer = way.post(
        whatsapp.text("hi", wamid="wamid.R", number_id="777000777"), secret="rival-secret"
    )

    assert answer.status_code == 200
    assert [(row.workspace_id, row.state) for row in kept()] == [(rivals.workspace_id, "pending")]


def test_an_own_secret_does_not_speak_for_another_number(way: Way, rivals: Any) -> None:
    answer = way.post(whatsapp.text("hi", wamid="wamid.R"), secret="rival-secret")

    assert answer.status_code == 401
    assert kept() == []


def test_in_a_mixed_batch_only_the_own_numbers_updates_count(way: Way, rivals: Any) -> None:
    payload = whatsapp.text("hi", wamid="wamid.R", number_id="777000777")
    payload["entry"] += whatsapp.text("forged", wamid="wamid.F")["entry"]

    answer = way.post(payload, secret="rival-secret")

    assert answer.status_code == 200
    assert [row.subject for row in kept()] == ["wamid.R"]


def test_an_update_for_an_unknown_number_is_adopted_when_it_is_connected(
    way: Way, acme: Workspace
) -> None:
    way.post(whatsapp.text("What time do you open?", wamid="wamid.E", number_id="555111555"))
    with scope.workspace(acme):
        added = manager.add(
            workspace=acme, provider="cloud_api", phone="+2348031110001", external_id="555111555",
            account_id="", secrets={"access_token": "t"}, actor=None, now=NOW, is_verified=True)  # fmt: skip

    way.connection = added
    way.work()

    assert [m["text"]["body"] for m in way.api.messages] == [
        "We open 9am to 6pm, Monday to Saturday."
    ]


def test_an_update_forged_for_an_unknown_number_is_kept_and_never_adopted(
    way: Way, rivals: Any, acme: Workspace
) -> None:
    payload = whatsapp.text("hi", wamid="wamid.E", number_id="555111555")
    payload["entry"][0]["id"] = "444"
    assert way.post(payload, secret="rival-secret").status_code == 200
    with scope.workspace(acme):
        manager.add(
            workspace=acme, provider="cloud_api", phone="+2348031110001", external_id="555111555",
            account_id="", secrets={"access_token": "t"}, actor=None, now=NOW, is_verified=True)  # fmt: skip

    (row,) = kept()
    assert (row.state, row.workspace_id, row.error) == (
        "unrouted",
        None,
        "signed for another number",
    )


def test_an_update_older_than_a_day_is_not_answered_on_connecting(
    way: Way, acme: Workspace
) -> None:
    way.post(whatsapp.text("hi", wamid="wamid.E", number_id="555111555"))
    with scope.system():
        InboundEvent.objects.filter(subject="wamid.E").update(
            received_at=clock.now() - timedelta(hours=25)
        )
    with scope.workspace(acme):
        manager.add(
            workspace=acme, provider="cloud_api", phone="+2348031110001", external_id="555111555",
            account_id="", secrets={"access_token": "t"}, actor=None, now=clock.now(), is_verified=True)  # fmt: skip

    assert [row.state for row in kept()] == ["unrouted"]


def test_a_suspended_workspaces_messages_are_kept(way: Way) -> None:
    states.suspend(workspace_id=way.space.pk, reason="x", actor=None, actor_kind="staff", now=NOW)
    way.space.state = "suspended"

    assert way.post(whatsapp.text("hi", wamid="wamid.S")).status_code == 200
    way.work()

    with scope.workspace(way.space):
        assert Message.objects.get().text == "hi"
    assert way.api.messages == []
    assert inbox.has_due(workspace=way.space, now=NOW) is False


def test_refusals_are_counted_in_the_log_and_not_told_one_by_one(
    way: Way, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = refusals.Counter()
    monkeypatch.setattr(refusals, "counted", counter)

    for _ in range(50):
        way.post(whatsapp.text("hi", wamid="wamid.F"), secret="forged")
    counter.report()

    told = [r for r in caplog.records if r.levelname == "WARNING"]
    assert [r.getMessage() for r in told] == ["connections.webhook.refused"] * 2
    assert sum(r.__dict__["fields"]["count"] for r in told) == 50
