"""The control side and the page: this machine only, bounded, and told in plain words."""

import json
import re
import time
from typing import Any

import pytest
import requests

from tests.connections.simulator.conftest import KEEP, Shop, Simulator, until

pytestmark = pytest.mark.processes

NUMBER = {
    "phone_number_id": "777001",
    "waba_id": "777002",
    "display_phone_number": "+234 803 555 0001",
    "app_secret": "s",
}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
@pytest.mark.parametrize("path", ["reset", "inbound", "faults", "numbers", "echo", "webhooks"])
def test_a_forged_request_is_refused(
    simulator: Simulator, headers: dict[str, str], status: int, path: str
) -> None:
    answer = requests.post(
        f"{simulator.url}/control/{path}",
        data="{}",
        headers={"Content-Type": "application/json"} | headers,
        timeout=5,
    )

    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["", "control/messages", "control/chat", "control/requests"])
def test_reading_needs_this_machines_name_too(simulator: Simulator, path: str) -> None:
    url = f"{simulator.url}/{path}"

    assert requests.get(url, headers={"Host": "rebound.example"}, timeout=5).status_code == 403
    cross = requests.get(url, headers={"Sec-Fetch-Site": "cross-site"}, timeout=5)
    assert cross.status_code == 403
    assert "Access-Control-Allow-Origin" not in cross.headers


def test_a_web_page_may_not_send_as_the_business(shop: Shop) -> None:
    answer = requests.post(
        f"{shop.simulator.url}/v26.0/{shop.id}/messages?access_token=t",
        data='{"messaging_product": "whatsapp", "to": "2348035550142", "text": {"body": "x"}}',
        headers={"Origin": "http://evil.example", "Content-Type": "text/plain"},
        timeout=5,
    )

    assert answer.json()["error"]["code"] == 10
    assert shop.sent() == []


def test_our_own_page_may(simulator: Simulator) -> None:
    answer = requests.post(
        f"{simulator.url}/control/customers",
        json={"name": "Ada", "phone": "+234 803 555 0170"},
        headers={"Origin": simulator.url, "Sec-Fetch-Site": "same-origin"},
        timeout=5,
    )

    assert answer.json()["key"] == "2348035550170"


def test_registering_again_updates_and_forgetting_forgets(simulator: Simulator) -> None:
    first = simulator.post("numbers", NUMBER, expect=201)
    again = simulator.post("numbers", {**NUMBER, "workspace_slug": "acme"}, expect=200)

    assert (first["created"], again["created"]) == (True, False)
    assert again["name"] == NUMBER["display_phone_number"]
    assert "app_secret" not in again
    listed = [n for n in simulator.get("numbers")["numbers"] if n["phone_number_id"] == "777001"]
    assert [n["workspace_slug"] for n in listed] == ["acme"]
    url = f"{simulator.url}/control/numbers?phone_number_id=777001"
    assert requests.delete(url, timeout=5).json() == {"forgotten": True}
    assert requests.delete(url, timeout=5).json() == {"forgotten": False}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("numbers", {**NUMBER, "app_secret": ""}, "app_secret is missing"),
        ("numbers", {**NUMBER, "phone_number_id": "../1"}, "letters and digits"),
        ("numbers", {**NUMBER, "callback_url": "file:///etc/passwd"}, "http://"),
        ("numbers", {**NUMBER, "display_phone_number": "none"}, "is a phone number"),
        ("inbound", {"phone_number_id": "nobody", "text": "x"}, "POST /control/numbers first"),
        ("customers", {"name": "x"}, "a phone, or a username"),
        ("customers", {"name": "x", "phone": "12"}, "7 to 15 digits"),
        ("faults", {"duplicte": 2}, "Unknown: duplicte"),
        ("read", {"customer": "0"}, "customer is not known"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    simulator: Simulator, path: str, body: dict[str, Any], words: str
) -> None:
    answer = simulator.post(path, body, expect=400)

    assert words in answer["error"]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"text": ""},
        {"text": 5},
        {"text": "x", "from": "abc"},
        {"text": "x", "count": 0},
        {"text": "x", "count": 1001},
        {"messages": "x"},
        {"messages": [{"from": "2348035550100", "text": "ok"}, {"from": "x"}]},
    ],
)
def test_a_wrong_message_is_refused_as_a_whole(shop: Shop, item: dict[str, Any]) -> None:
    body = {"phone_number_id": shop.id, "from": shop.customer, **item}

    shop.simulator.post("inbound", body, expect=400)

    listed = shop.simulator.get("messages", phone_number_id=shop.id, direction="in")
    assert listed["messages"] == []


def test_the_same_id_again_is_told_again_but_shown_once(shop: Shop) -> None:
    for _ in range(2):
        shop.write("hello", id="wamid.again")

    until(lambda: len(shop.mailbox.items("messages")) == 2)
    chat = shop.simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)
    assert len(chat["messages"]) == 1


def test_memory_is_bounded_and_the_count_goes_on(shop: Shop, simulator: Simulator) -> None:
    for _ in range(KEEP + 30):
        assert shop.text("x").status_code == 200

    listed = simulator.get("messages", phone_number_id=shop.id)
    assert len(listed["messages"]) == KEEP
    assert listed["accepted"] == KEEP + 30


def test_messages_can_be_read_from_where_one_stopped(shop: Shop, simulator: Simulator) -> None:
    shop.text("one")
    start = simulator.get("messages", phone_number_id=shop.id, after=0)["next"]
    shop.text("two")

    more = simulator.get("messages", phone_number_id=shop.id, after=start)

    assert [m["text"] for m in more["messages"]] == ["two"]


def test_requests_are_listed_without_the_token(shop: Shop, simulator: Simulator) -> None:
    shop.text(token="very-secret-token")
    shop.text("x" * 5000)

    raw = requests.get(
        f"{simulator.url}/control/requests", params={"phone_number_id": shop.id}, timeout=5
    ).text
    first, second = json.loads(raw)["requests"]
    assert "very-secret-token" not in raw
    assert (first["method"], first["status"]) == ("POST", 200)
    assert first["body"]["text"]["body"] == "hello"
    assert (second["status"], second["code"]) == (400, 100)
    assert "bytes" in second["body"]


def test_the_phone_hears_only_of_changes(shop: Shop, simulator: Simulator) -> None:
    shop.faults(drop_statuses=True)
    ask = {"phone_number_id": shop.id, "customer": shop.customer}
    shop.text("one")
    until(lambda: shop.sent()[0]["status"] == "delivered")
    first = simulator.get("chat", **ask)
    url = f"{simulator.url}/control/chat"

    nothing = requests.get(url, params={**ask, "since": first["cursor"]}, timeout=5)
    shop.text("two")
    second = simulator.get("chat", **ask, since=first["cursor"])

    assert nothing.status_code == 204
    assert first["is_whole"]
    assert [m["text"] for m in first["messages"]] == ["one"]
    assert [m["text"] for m in second["messages"]] == ["two"]
    assert simulator.get("chat", **ask, since="old.9")["is_whole"]


def test_the_page_has_a_strict_policy_and_only_its_own_files(simulator: Simulator) -> None:
    answer = requests.get(f"{simulator.url}/", timeout=5)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", answer.text)
    files = re.findall(r'(?:href|src)="(/[^"]+)"', answer.text)
    assert len(files) == 2
    for file in files:
        assert requests.get(f"{simulator.url}{file}", timeout=5).status_code == 200


def test_a_file_of_a_chat_is_shown_to_the_page_only(shop: Shop, simulator: Simulator) -> None:
    shop.write(type="image")
    chat = simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)
    url = f"{simulator.url}/control/media/{chat['messages'][0]['media']['id']}"

    shown = requests.get(url, timeout=5)

    assert shown.headers["Content-Type"] == "image/png"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert requests.get(url, headers={"Host": "evil.example"}, timeout=5).status_code == 403


def test_a_media_link_needs_the_token_and_its_seal(shop: Shop, simulator: Simulator) -> None:
    headers = {"Authorization": "Bearer t"}
    shop.write(type="image")
    media_id = until(lambda: shop.mailbox.items("messages"))[0]["image"]["id"]
    url = requests.get(f"{simulator.url}/v26.0/{media_id}", headers=headers, timeout=5).json()[
        "url"
    ]

    assert requests.get(url, timeout=5).status_code == 401
    assert requests.get(url, headers=headers, timeout=5).status_code == 200
    assert requests.get(url[:-1] + "!", headers=headers, timeout=5).status_code == 404
    later = re.sub(r"ext=\d+", "ext=99999999999", url)
    assert requests.get(later, headers=headers, timeout=5).status_code == 404


def test_sends_are_listed_in_short_and_numbered(shop: Shop, simulator: Simulator) -> None:
    before = simulator.get("sends", count="1")["accepted"]
    ids = [
        shop.call(
            {"to": shop.customer, "text": {"body": f"{n}"}, "biz_opaque_callback_data": f"o{n}"}
        ).json()["messages"][0]["id"]
        for n in range(3)
    ]

    found = simulator.get("sends", after=before)
    rest = simulator.get("sends", after=before + 2)
    one = simulator.get("sends", after=before, limit=1)

    assert [row[:5] for row in found] == [
        [before + n + 1, shop.id, shop.customer, ids[n], f"o{n}"] for n in range(3)
    ]
    assert abs(found[0][5] - time.time()) < 60
    assert (rest, one) == (found[2:], found[:1])
    assert simulator.get("sends", after=before + 3) == []
    count = simulator.get("sends", count="1")
    assert count["accepted"] == before + 3
    assert count["first"] + count["kept"] == count["accepted"] + 1


def test_a_send_by_the_short_way_and_by_the_long_way_end_alike(
    shop: Shop, simulator: Simulator
) -> None:
    short = shop.text("one")
    # A query is enough for the long way.
    long = requests.post(
        f"{simulator.url}/v26.0/{shop.id}/messages?x=1",
        json={
            "messaging_product": "whatsapp", "to": shop.customer, "type": "text",
            "text": {"body": "one"},
        },
        headers={"Authorization": "Bearer token"},
        timeout=5,
    )  # fmt: skip

    sent = shop.sent()
    facts = [{k: v for k, v in m.items() if k not in ("id", "at", "status", "error")} for m in sent]
    calls = simulator.get("requests", phone_number_id=shop.id)["requests"]
    assert (short.status_code, long.status_code) == (200, 200)
    assert short.headers["content-type"] == long.headers["content-type"]
    assert short.json().keys() == long.json().keys()
    assert facts[0] == facts[1]
    assert [(c["method"], c["status"], c["body"]) for c in calls][0] == (
        calls[1]["method"], calls[1]["status"], calls[1]["body"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("", {"to": "2348035550142", "text": {"body": "x"}}, 401),
        ("EXPIRED-1", {"to": "2348035550142", "text": {"body": "x"}}, 401),
        ("token", {"to": "2348035550142", "text": {}}, 400),
        ("token", {"to": "12", "text": {"body": "x"}}, 400),
        ("token", {"text": {"body": "x"}}, 400),
    ],
)
def test_the_short_way_lets_nothing_through(
    shop: Shop, token: str, body: dict[str, Any], status: int
) -> None:
    answer = shop.call(body, token=token)

    assert answer.status_code == status
    assert answer.json()["error"]["code"]
    assert shop.sent() == []
