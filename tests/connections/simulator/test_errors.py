"""Errors have the vendor's codes and form; pywa raises its own type for each."""

from typing import Any

import pytest
import requests
from pywa import errors
from pywa.client import WhatsApp

from tests.connections.simulator.conftest import Shop, Simulator

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (190, 401, errors.ExpiredAccessToken),
        (0, 401, errors.AuthException),
        (4, 400, errors.ToManyAPICalls),
        (80007, 400, errors.RateLimitIssues),
        (130429, 400, errors.RateLimitHit),
        (131056, 400, errors.TooManyMessages),
        (131048, 400, errors.SpamRateLimitHit),
        (131047, 400, errors.ReEngagementMessage),
        (131026, 400, errors.MessageUndeliverable),
        (131051, 400, errors.UnsupportedMessageType),
        (131000, 500, errors.UnknownError),
        (131016, 503, errors.ServiceUnavailable),
        (131031, 403, errors.AccountLocked),
        (131042, 400, errors.BusinessPaymentIssue),
        (368, 403, errors.TemporarilyBlocked),
        (132001, 404, errors.TemplateNotExists),
    ],
)
def test_a_refusal_becomes_the_clients_own_error(
    client: WhatsApp, shop: Shop, code: int, status: int, expected: type[errors.WhatsAppError]
) -> None:
    shop.faults(refuse={"code": code, "times": 1})

    with pytest.raises(expected) as caught:
        client.send_message(to=shop.customer, text="hi")

    assert caught.value.code == code
    assert caught.value.status_code == status
    assert caught.value.fbtrace_id
    assert client.send_message(to=shop.customer, text="hi again")


def test_the_body_of_an_error_is_exactly_the_vendors(shop: Shop) -> None:
    shop.faults(refuse={"code": 131056})

    body = shop.text().json()

    assert list(body) == ["error"]
    assert body["error"].pop("fbtrace_id")
    assert body["error"] == {
        "message": "(#131056) (Business Account, Consumer Account) pair rate limit hit",
        "type": "OAuthException",
        "code": 131056,
        "error_data": {
            "messaging_product": "whatsapp",
            "details": "Message failed to send because there were too many messages sent from "
            "this phone number to the same phone number in a short period of time.",
        },
    }


@pytest.mark.parametrize("token", ["", "EXPIRED-abc"])
def test_without_a_good_token_nothing_works(shop: Shop, token: str) -> None:
    answer = shop.text(token=token)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 190
    assert answer.json()["error"]["type"] == "OAuthException"
    assert shop.sent() == []


def test_a_number_with_a_token_takes_no_other(shop: Shop, simulator: Simulator) -> None:
    simulator.post("numbers", {"phone_number_id": shop.id, "access_token": "right"})

    assert shop.text(token="wrong").json()["error"]["code"] == 190
    assert shop.text(token="right").status_code == 200


@pytest.mark.parametrize("path", ["99/messages", "99", "99/whatsapp_business_profile"])
def test_an_unknown_number_is_an_unknown_object(simulator: Simulator, path: str) -> None:
    answer = requests.post(
        f"{simulator.url}/v26.0/{path}", json={}, headers={"Authorization": "Bearer t"}, timeout=5
    )

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["error_subcode"]) == (400, 100, 33)
    assert error["message"].startswith("Unsupported post request. Object with ID '99' does not")


def _buttons(*pairs: tuple[str, str], body: str = "Which?") -> dict[str, Any]:
    buttons = [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in pairs]
    interactive = {"type": "button", "body": {"text": body}, "action": {"buttons": buttons}}
    return {"type": "interactive", "interactive": interactive}


def _list(rows: int, title: str = "Row") -> dict[str, Any]:
    section = {"title": "All", "rows": [{"id": str(n), "title": title} for n in range(rows)]}
    action = {"button": "Open", "sections": [section]}
    interactive = {"type": "list", "body": {"text": "Choose"}, "action": action}
    return {"type": "interactive", "interactive": interactive}


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"messaging_product": None}, 100, "messaging_product is required"),
        ({"messaging_product": "sms"}, 100, "messaging_product must be one of"),
        ({"to": ""}, 100, "to is required"),
        ({"to": "abc"}, 131009, "not valid"),
        ({"to": None, "recipient": "no"}, 131009, "user ID"),
        ({"type": "carrier_pigeon"}, 100, "Param type must be one of"),
        ({"text": {"body": ""}}, 100, "text['body'] is required"),
        ({"text": {"body": "x" * 4097}}, 100, "at most 4096 characters"),
        ({"text": None}, 100, "text['body'] is required"),
        (_buttons(), 131009, "Invalid buttons count"),
        (_buttons(*((str(n), f"B{n}") for n in range(4))), 131009, "Invalid buttons count"),
        (_buttons(("a", "x" * 21)), 131009, "Button title length invalid"),
        (_buttons(("a" * 257, "x")), 131009, "Button id length invalid"),
        (_buttons(("a", "one"), ("a", "two")), 131009, "ids must be unique"),
        (_buttons(("a", "same"), ("b", "same")), 131009, "titles must be unique"),
        (_buttons(("a", "x"), body="y" * 1025), 131009, "Body text length invalid"),
        (_list(0), 131009, "at least one row"),
        (_list(11), 131009, "Total row count"),
        (_list(1, "x" * 25), 131009, "Row title length invalid"),
        ({"type": "interactive"}, 131008, "interactive is missing"),
        ({"type": "image", "image": {}}, 131008, "is missing"),
        ({"type": "image", "image": {"id": "404"}}, 131009, "was not found"),
        ({"type": "image", "image": {"link": "ftp://x"}}, 131009, "not a valid URL"),
        ({"type": "location", "location": {"latitude": 6}}, 131008, "longitude"),
        ({"type": "location", "location": {"latitude": 96, "longitude": 3}}, 131009, "latitude"),
        ({"type": "reaction", "reaction": {"emoji": "x"}}, 131008, "message_id"),
        ({"type": "contacts", "contacts": []}, 131008, "contacts"),
        ({"type": "template", "template": {"name": "x"}}, 131008, "language"),
        (
            {"type": "template", "template": {"name": "x", "language": {"code": "en"}}},
            132001,
            "does not exist in en",
        ),
        ({"biz_opaque_callback_data": "x" * 513}, 100, "biz_opaque_callback_data"),
        ({"status": "read"}, 100, "message_id is required"),
        ({"status": "read", "message_id": "7"}, 131009, "message id"),
    ],
)
def test_a_wrong_body_is_refused(shop: Shop, body: dict[str, Any], code: int, words: str) -> None:
    answer = shop.call({"to": shop.customer, "type": "text", "text": {"body": "x"}} | body)

    error = answer.json()["error"]
    assert error["code"] == code
    assert words in error["message"] + error.get("error_data", {}).get("details", "")
    assert shop.sent() == []


def test_sender_and_recipient_must_differ(shop: Shop, simulator: Simulator) -> None:
    own = next(n for n in simulator.get("numbers")["numbers"] if n["phone_number_id"] == shop.id)

    answer = shop.call({"to": own["display_phone_number"], "text": {"body": "me"}})

    assert answer.json()["error"]["code"] == 131021


def test_the_limits_themselves_are_allowed(shop: Shop) -> None:
    assert shop.text("x" * 4096).status_code == 200
    full = _buttons(*((f"{n}" * 256, f"{n}" * 20) for n in range(3)), body="y" * 1024)
    assert shop.call({"to": shop.customer} | full).status_code == 200
    assert shop.text("with a tracker").status_code == 200


def test_a_template_is_made_listed_filled_and_counted(shop: Shop, client: WhatsApp) -> None:
    body = {
        "name": "order_ready",
        "language": "en",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Hello {{1}}, {{2}} is ready."}],
    }
    headers = {"Authorization": "Bearer t"}
    url = f"{shop.simulator.url}/v26.0/{shop.waba_id}/message_templates"
    made = requests.post(url, json=body, headers=headers, timeout=5).json()

    def send(*words: str) -> requests.Response:
        parameters = [{"type": "text", "text": word} for word in words]
        return shop.call(
            {
                "to": shop.customer,
                "type": "template",
                "template": {
                    "name": "order_ready",
                    "language": {"code": "en"},
                    "components": [{"type": "body", "parameters": parameters}],
                },
            }
        )

    assert made["status"] == "APPROVED"
    listed = requests.get(url, headers=headers, timeout=5).json()["data"]
    assert [t["name"] for t in listed] == ["hello_world", "order_ready"]
    assert send("Ada").json()["error"]["code"] == 132000
    assert send("Ada", "lace").json()["messages"][0]["message_status"] == "accepted"
    assert shop.sent()[0]["text"] == "Hello Ada, lace is ready."


def test_a_broken_body_is_no_500(shop: Shop) -> None:
    url = f"{shop.simulator.url}/v26.0/{shop.id}/messages"
    for data in (b"{", b"[]", b"\xff", b"null", b'{"text": {"body": []}}'):
        answer = requests.post(
            url,
            data=data,
            headers={"Authorization": "Bearer t", "Content-Type": "application/json"},
            timeout=5,
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == 100
