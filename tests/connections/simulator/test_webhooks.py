"""What the business's server gets: signed, in the vendor's form, fast, and never lost."""

import hashlib
import hmac
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from pywa import utils
from pywa.client import WhatsApp
from pywa.types.message import Message
from pywa.types.message_status import MessageStatus, MessageStatusType

from tests.connections.simulator.conftest import Mailbox, Receiver, Shop, Simulator, until

pytestmark = pytest.mark.processes


def test_each_webhook_is_signed_over_its_raw_bytes(shop: Shop) -> None:
    shop.write("Where’s the ₦4,500 lace? 🧵 a/b")

    hook = until(lambda: shop.mailbox.hooks)[0]
    assert utils.webhook_updates_validator(shop.secret, hook.body, hook.signature)
    digest = hmac.new(shop.secret.encode(), hook.body, hashlib.sha256).hexdigest()
    assert hook.signature == f"sha256={digest}"
    assert hook.body.isascii()
    assert b"a\\/b" in hook.body
    assert hook.changes()[0]["messages"][0]["text"]["body"] == "Where’s the ₦4,500 lace? 🧵 a/b"


def test_a_customers_message_arrives_within_milliseconds(shop: Shop) -> None:
    shop.write("warm up")
    until(lambda: shop.mailbox.hooks)
    waits = []
    for _ in range(10):
        shop.mailbox.hooks.clear()
        started = time.time()
        shop.write("hi")
        until(lambda: shop.mailbox.hooks)
        waits.append(shop.mailbox.hooks[0].at - started)

    assert sorted(waits)[5] < 0.1


def test_a_text_has_exactly_the_vendors_form(shop: Shop) -> None:
    (message_id,) = shop.write("hello", name="Ada Obi", timestamp=1_700_000_000)

    hook = until(lambda: shop.mailbox.hooks)[0]
    data = hook.data
    assert data["object"] == "whatsapp_business_account"
    (entry,) = data["entry"]
    assert entry["id"] == shop.waba_id
    (change,) = entry["changes"]
    value = change["value"]
    user_id = value["contacts"][0]["user_id"]
    assert change["field"] == "messages"
    assert value["messaging_product"] == "whatsapp"
    assert value["metadata"]["phone_number_id"] == shop.id
    assert value["metadata"]["display_phone_number"].isdigit()
    assert value["contacts"] == [
        {"profile": {"name": "Ada Obi"}, "wa_id": shop.customer, "user_id": user_id}
    ]
    assert value["messages"] == [
        {
            "from": shop.customer,
            "from_user_id": user_id,
            "id": message_id,
            "timestamp": "1700000000",
            "type": "text",
            "text": {"body": "hello"},
        }
    ]


def test_statuses_come_in_order_with_price_and_tracker(client: WhatsApp, shop: Shop) -> None:
    shop.faults(auto_read=True)
    sent = client.send_message(to=shop.customer, text="hi", tracker="outbox-9")

    until(lambda: len(shop.mailbox.statuses(sent.id)) == 3)

    assert shop.mailbox.statuses(sent.id) == ["sent", "delivered", "read"]
    first, second, third = shop.mailbox.items("statuses")
    assert first["recipient_id"] == shop.customer
    assert first["recipient_user_id"].startswith("NG.")
    assert {s["biz_opaque_callback_data"] for s in (first, second, third)} == {"outbox-9"}
    assert first["pricing"] == second["pricing"]
    assert first["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    assert "pricing" not in third
    read = MessageStatus.from_update(client, shop.mailbox.hooks[0].data)  # type: ignore[arg-type]
    assert (read.status, read.tracker) == (MessageStatusType.SENT, "outbox-9")


def test_reading_the_chat_reports_every_delivered_message(shop: Shop, simulator: Simulator) -> None:
    ids = [shop.text(f"{n}").json()["messages"][0]["id"] for n in range(3)]
    until(lambda: all("delivered" in shop.mailbox.statuses(i) for i in ids))

    body = {"phone_number_id": shop.id, "customer": shop.customer}
    assert simulator.post("read", body) == {"read": 3}

    until(lambda: all("read" in shop.mailbox.statuses(i) for i in ids))
    assert simulator.post("read", body) == {"read": 0}


KINDS: list[tuple[dict[str, Any], str]] = [
    ({"type": "image", "caption": "this one"}, "image"),
    ({"type": "voice"}, "audio"),
    ({"type": "document"}, "document"),
    ({"type": "sticker"}, "sticker"),
    ({"type": "location"}, "location"),
    ({"type": "contacts"}, "contacts"),
    ({"type": "unsupported"}, "unsupported"),
    ({"type": "reaction", "message_id": "wamid.x", "emoji": "😮"}, "reaction"),
    (
        {"type": "button_reply", "reply_id": "a", "title": "Yes", "context": "wamid.x"},
        "interactive",
    ),
    ({"type": "list_reply", "reply_id": "r", "title": "Row", "description": "D"}, "interactive"),
    ({"type": "button", "title": "Stop"}, "button"),
    ({"type": "order", "order": {"catalog_id": "1", "product_items": []}}, "order"),
]


@pytest.mark.parametrize(("item", "kind"), KINDS, ids=[str(i[0]["type"]) for i in KINDS])
def test_every_kind_of_message_is_readable_to_the_client(
    client: WhatsApp, shop: Shop, item: dict[str, Any], kind: str
) -> None:
    shop.write(**item)

    hook = until(lambda: shop.mailbox.hooks)[0]
    message = hook.changes()[0]["messages"][0]
    assert message["type"] == kind
    assert message[kind] if kind != "unsupported" else message["errors"][0]["code"] == 131051
    if kind in ("image", "audio", "document", "sticker"):
        found = client.get_media_url(message[kind]["id"])
        assert client.get_media_bytes(url=found.url)
    if kind not in ("interactive", "button", "order"):
        read = Message.from_update(client, hook.data)
        assert read.type.value == kind


def test_who_hides_the_number_has_a_user_id_and_a_username(
    shop: Shop, simulator: Simulator
) -> None:
    made = simulator.post("customers", {"name": "Emeka", "username": "emeka.styles"})

    shop.write("hello", **{"from": made["key"]})

    value = until(lambda: shop.mailbox.hooks)[0].changes()[0]
    (message,) = value["messages"]
    assert "from" not in message
    assert message["from_user_id"] == made["user_id"]
    assert value["contacts"] == [
        {"profile": {"name": "Emeka", "username": "emeka.styles"}, "user_id": made["user_id"]}
    ]


def test_the_owners_own_reply_comes_as_an_echo(shop: Shop, simulator: Simulator) -> None:
    simulator.post("echo", {"phone_number_id": shop.id, "to": shop.customer, "text": "It is me"})

    hook = until(lambda: shop.mailbox.hooks)[0]
    (value,) = hook.changes("smb_message_echoes")
    (echo,) = value["message_echoes"]
    assert echo["from"] == value["metadata"]["display_phone_number"]
    assert (echo["to"], echo["text"]["body"]) == (shop.customer, "It is me")


def test_a_thousand_messages_travel_in_one_webhook(shop: Shop, simulator: Simulator) -> None:
    items = [{"from": f"23480366{n:05d}", "text": f"m{n}"} for n in range(1000)]
    body = {"phone_number_id": shop.id, "messages": items, "batch": True}

    assert simulator.post("inbound", body)["count"] == 1000

    hook = until(lambda: shop.mailbox.hooks)[0]
    (value,) = hook.changes()
    assert [m["text"]["body"] for m in value["messages"]] == [f"m{n}" for n in range(1000)]
    assert len(value["contacts"]) == 1000
    assert len(shop.mailbox.hooks) == 1


def test_one_customers_messages_keep_their_order(shop: Shop, simulator: Simulator) -> None:
    items = [{"from": shop.customer, "text": str(n)} for n in range(150)]

    simulator.post("inbound", {"phone_number_id": shop.id, "messages": items})

    until(lambda: len(shop.mailbox.items("messages")) == 150)
    assert [m["text"]["body"] for m in shop.mailbox.items("messages")] == [
        str(n) for n in range(150)
    ]


def test_a_refused_webhook_is_tried_again_until_it_is_taken(shop: Shop) -> None:
    shop.mailbox.answers.extend([500, 503])

    (message_id,) = shop.write("hello")

    until(lambda: shop.mailbox.items("messages"))
    assert [m["id"] for m in shop.mailbox.items("messages")] == [message_id]
    attempts = shop.simulator.get("webhooks", phone_number_id=shop.id)["deliveries"]
    assert [a["status"] for a in attempts] == [500, 503, 200]


def test_nothing_is_lost_while_the_server_is_away(
    shop: Shop, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.post("numbers", {"phone_number_id": shop.id, "callback_url": "http://127.0.0.1:9/"})
    for n in range(5):
        shop.write(f"m{n}")
    until(lambda: simulator.get("webhooks", phone_number_id=shop.id)["deliveries"])
    assert shop.mailbox.hooks == []

    url = f"{receiver.url}{shop.path}"
    simulator.post("numbers", {"phone_number_id": shop.id, "callback_url": url})

    until(lambda: len(shop.mailbox.items("messages")) == 5)
    assert simulator.get("webhooks", phone_number_id=shop.id)["waiting"] == 0


def test_the_phone_shows_two_ticks_when_the_server_has_it(shop: Shop, simulator: Simulator) -> None:
    shop.mailbox.answers.append(500)
    shop.write("hello")

    def status() -> str:
        chat = simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)
        return str(chat["messages"][0]["status"])

    assert status() == "sent"
    until(lambda: status() == "delivered")


def test_without_a_subscription_no_webhook_is_sent(shop: Shop) -> None:
    url = f"{shop.simulator.url}/v26.0/{shop.waba_id}/subscribed_apps"
    headers = {"Authorization": "Bearer t"}
    assert requests.get(url, headers=headers, timeout=5).json()["data"]

    requests.delete(url, headers=headers, timeout=5)
    shop.write("lost")
    assert requests.get(url, headers=headers, timeout=5).json() == {"data": []}
    requests.post(url, headers=headers, timeout=5)
    shop.write("heard")

    until(lambda: shop.mailbox.items("messages"))
    assert [m["text"]["body"] for m in shop.mailbox.items("messages")] == ["heard"]


def test_another_callback_must_answer_the_challenge(
    client: WhatsApp, shop: Shop, receiver: Receiver
) -> None:
    other = receiver.mailboxes.setdefault(f"{shop.path}other/", Mailbox(verify_token="open sesame"))
    url = f"{receiver.url}{shop.path}other/"

    wrong = requests.post(
        f"{shop.simulator.url}/v26.0/{shop.waba_id}/subscribed_apps",
        json={"override_callback_uri": url, "verify_token": "wrong"},
        headers={"Authorization": "Bearer t"},
        timeout=5,
    )
    assert wrong.json()["error"]["code"] == 2200
    client.override_phone_callback_url(callback_url=url, verify_token="open sesame")
    shop.write("hello")

    until(lambda: other.items("messages"))
    assert shop.mailbox.hooks == []


def test_any_other_change_can_be_sent_as_it_is(shop: Shop, simulator: Simulator) -> None:
    value = {"display_phone_number": "1", "event": "FLAGGED", "current_limit": "TIER_2K"}
    body = {"phone_number_id": shop.id, "field": "phone_number_quality_update", "value": value}

    simulator.post("webhooks", body)

    hook = until(lambda: shop.mailbox.hooks)[0]
    assert hook.changes("phone_number_quality_update") == [value]


def test_statuses_of_one_moment_share_a_webhook_and_none_is_lost(
    shop: Shop, simulator: Simulator
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda n: shop.call({"to": f"23480666{n:05d}", "text": {"body": "x"}}), range(40)
            )
        )
    ids = [answer.json()["messages"][0]["id"] for answer in answers]
    until(lambda: all(shop.mailbox.statuses(i) == ["sent", "delivered"] for i in ids))

    sizes = [
        sum(len(value.get("statuses", [])) for value in hook.changes())
        for hook in shop.mailbox.hooks
    ]
    assert sum(sizes) == 80
    assert len(sizes) < 80
    assert max(sizes) <= 50
