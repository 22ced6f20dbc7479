"""What goes over the wire to Meta, word for word."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from connections.events import Button, Outbound, OutboundKind
from connections.providers.base import Account, Code, ProviderError
from connections.providers.cloud_api import CloudApi
from connections.providers.simulator import Simulator
from tests.connections.providers import vendor
from tests.connections.providers.vendor import Reply, Vendor

ACCOUNT = Account("1065", "1022", {"access_token": "EAAtoken"})
SENT = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.S"}]}


@pytest.fixture
def meta(settings: Settings) -> Iterator[Vendor]:
    with vendor.running() as running:
        settings.GRAPH_API_URL = running.url + "/"
        settings.GRAPH_API_VERSION = "v26.0"
        settings.SEND_TIMEOUT_SECONDS = 0.5
        running.reply = Reply(200, SENT)
        yield running


def _sent(meta: Vendor, message: Outbound) -> Any:
    CloudApi().send(ACCOUNT, message, opaque="17")
    return meta.asked[-1].body


def test_a_text_goes_out_as_meta_wants_it(meta: Vendor) -> None:
    message = Outbound(
        kind=OutboundKind.TEXT, to_phone="+2348031234567", text="Hi\x00 👋", reply_to="wamid.Q"
    )

    assert _sent(meta, message) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "2348031234567",
        "context": {"message_id": "wamid.Q"},
        "type": "text",
        "text": {"body": "Hi 👋", "preview_url": False},
        "biz_opaque_callback_data": "17",
    }
    (asked,) = meta.asked
    assert (asked.method, asked.path) == ("POST", "/v26.0/1065/messages")
    assert asked.headers["authorization"] == "Bearer EAAtoken"
    assert asked.headers["content-type"] == "application/json"


def test_buttons_go_out_as_meta_wants_them(meta: Vendor) -> None:
    message = Outbound(
        kind=OutboundKind.BUTTONS,
        to_user_id="NG.123",
        text="Which one?",
        buttons=(Button("a", "Opening hours"), Button("b", "Delivery")),
    )

    body = _sent(meta, message)

    assert body["recipient"] == "NG.123" and "to" not in body
    assert body["interactive"] == {
        "type": "button",
        "body": {"text": "Which one?"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "a", "title": "Opening hours"}},
                {"type": "reply", "reply": {"id": "b", "title": "Delivery"}},
            ]
        },
    }


def test_a_phone_number_wins_over_a_user_id(meta: Vendor) -> None:
    message = Outbound(
        kind=OutboundKind.TEXT, to_phone="+2348031234567", to_user_id="NG.1", text="Hi"
    )

    body = _sent(meta, message)

    assert body["to"] == "2348031234567" and "recipient" not in body


@pytest.mark.parametrize(
    ("kind", "more"),
    [(OutboundKind.READ, {}), (OutboundKind.TYPING, {"typing_indicator": {"type": "text"}})],
)
def test_read_marks_and_typing_signs_name_the_message(
    meta: Vendor, kind: OutboundKind, more: dict[str, Any]
) -> None:
    meta.reply = Reply(200, {"success": True})

    receipt = CloudApi().send(ACCOUNT, Outbound(kind=kind, message_id="wamid.Q"), opaque="17")

    assert receipt.message_id == ""
    assert meta.asked[-1].body == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.Q",
        **more,
    }


@pytest.mark.parametrize(
    ("kind", "retryable"), [(OutboundKind.READ, True), (OutboundKind.TYPING, False)]
)
def test_a_lost_read_mark_is_no_unknown_outcome(
    meta: Vendor, kind: OutboundKind, retryable: bool
) -> None:
    meta.reply = Reply(behaviour="drop")

    with pytest.raises(ProviderError) as caught:
        CloudApi().send(ACCOUNT, Outbound(kind=kind, message_id="wamid.Q"), opaque="17")

    assert (caught.value.code, caught.value.retryable) == (Code.UNREACHABLE, retryable)


def test_an_error_inside_a_success_is_an_error(meta: Vendor) -> None:
    meta.reply = Reply(200, {"error": {"code": 131047}})

    with pytest.raises(ProviderError) as caught:
        CloudApi().send(
            ACCOUNT,
            Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text="Hi"),
            opaque="",
        )

    assert caught.value.code is Code.WINDOW_CLOSED


def test_a_number_id_cannot_lead_to_another_path(meta: Vendor) -> None:
    account = Account("../me?x=", "", ACCOUNT.credentials)

    CloudApi().send(
        account, Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text="Hi"), opaque=""
    )

    assert meta.asked[0].path == "/v26.0/..%2Fme%3Fx%3D/messages"


def test_a_check_tells_what_is_wrong(meta: Vendor) -> None:
    meta.reply = Reply(
        200,
        {
            "id": "1065",
            "display_phone_number": "+234 803-123 4567",
            "verified_name": "Ade Fabrics",
            "quality_rating": "RED",
            "name_status": "DECLINED",
            "health_status": {
                "can_send_message": "BLOCKED",
                "entities": [
                    {"errors": [{"error_description": "No card.", "possible_solution": "Add one."}]}
                ],
            },
        },
    )

    result = CloudApi().check(ACCOUNT)

    assert (result.display_phone, result.quality) == ("+2348031234567", "RED")
    assert len(result.problems) == 4
    assert result.problems[-1] == "No card. Add one."
    assert "fields=id%2Cdisplay_phone_number%2C" in meta.asked[0].path


def test_a_check_of_another_number_is_not_believed(meta: Vendor) -> None:
    meta.reply = Reply(200, {"id": "999", "verified_name": "Rival"})

    with pytest.raises(ProviderError) as caught:
        CloudApi().check(ACCOUNT)

    assert caught.value.code is Code.UNREADABLE


def test_the_simulator_speaks_to_its_own_address(meta: Vendor, settings: Settings) -> None:
    with vendor.running() as simulator:
        settings.SIMULATOR_URL = simulator.url
        simulator.reply = Reply(200, SENT)

        Simulator().send(
            ACCOUNT,
            Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text="Hi"),
            opaque="",
        )

    assert len(simulator.asked) == 1
    assert meta.asked == []


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        ({"code": 100, "error_subcode": 33, "message": "does not exist"}, Code.NOT_CONFIGURED),
        ({"code": 100, "message": "Tried accessing nonexisting field"}, Code.UNREADABLE),
    ],
)
def test_a_refused_check_speaks_of_the_number(
    meta: Vendor, error: dict[str, Any], ours: Code
) -> None:
    meta.reply = Reply(400, {"error": error})

    with pytest.raises(ProviderError) as caught:
        CloudApi().check(ACCOUNT)

    assert (caught.value.code, caught.value.vendor_code) == (ours, "100")
    assert "Numbers" in caught.value.sentence and "message" not in caught.value.sentence
