"""Each kind of trouble does what its name says, for one number or for all, and ends."""

import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
from pywa import errors, utils
from pywa.client import WhatsApp

from connections.simulator import faults
from connections.simulator.faults import EVERYWHERE, Faults, UnableToRead
from tests.connections.simulator.conftest import Shop, Simulator, until

processes = pytest.mark.processes


@processes
def test_everything_comes_twice(shop: Shop) -> None:
    shop.faults(duplicate=2)

    ids = shop.write("one") + shop.write("two")
    sent = shop.text().json()["messages"][0]["id"]

    until(lambda: len(shop.mailbox.statuses(sent)) == 4)
    counts = Counter(m["id"] for m in shop.mailbox.items("messages"))
    assert counts == {ids[0]: 2, ids[1]: 2}
    assert Counter(shop.mailbox.statuses(sent)) == {"sent": 2, "delivered": 2}


@processes
def test_the_order_is_mixed_up(shop: Shop, simulator: Simulator) -> None:
    shop.faults(reorder_ms=400)
    items = [{"from": shop.customer, "text": str(n)} for n in range(40)]

    simulator.post("inbound", {"phone_number_id": shop.id, "messages": items})

    until(lambda: len(shop.mailbox.items("messages")) == 40)
    came = [m["text"]["body"] for m in shop.mailbox.items("messages")]
    assert came != [str(n) for n in range(40)]
    assert set(came) == {str(n) for n in range(40)}


@processes
def test_webhooks_wait(shop: Shop) -> None:
    shop.faults(delay_ms=300)
    started = time.time()

    shop.write("hello")

    until(lambda: shop.mailbox.hooks)
    assert 0.3 <= shop.mailbox.hooks[0].at - started < 1


@processes
def test_statuses_are_lost(shop: Shop) -> None:
    shop.faults(drop_statuses=["delivered"], auto_read=True)

    sent = shop.text().json()["messages"][0]["id"]

    until(lambda: "read" in shop.mailbox.statuses(sent))
    assert shop.mailbox.statuses(sent) == ["sent", "read"]
    assert "pricing" in shop.mailbox.items("statuses")[-1]


@processes
def test_a_wrong_signature_is_wrong(shop: Shop) -> None:
    shop.faults(wrong_signature=True)
    shop.write("hello")

    hook = until(lambda: shop.mailbox.hooks)[0]
    assert not utils.webhook_updates_validator(shop.secret, hook.body, hook.signature)


@processes
def test_a_refusal_counts_down(shop: Shop) -> None:
    shop.faults(refuse={"code": 130429, "times": 2, "status": 429, "details": "slow down"})

    answers = [shop.text() for _ in range(3)]

    assert [a.status_code for a in answers] == [429, 429, 200]
    assert answers[0].json()["error"]["error_data"]["details"] == "slow down"
    assert len(shop.sent()) == 1


@processes
def test_an_expired_token_stops_every_call(client: WhatsApp, shop: Shop) -> None:
    shop.faults(refuse={"code": 190})

    with pytest.raises(errors.ExpiredAccessToken):
        client.get_business_phone_number()
    assert shop.text().json()["error"]["error_subcode"] == 463

    shop.faults(refuse=None)
    assert shop.text().status_code == 200


@processes
def test_accepted_and_then_failed(shop: Shop) -> None:
    shop.faults(fail={"code": 131049, "times": 1})

    sent = shop.text().json()["messages"][0]["id"]

    until(lambda: shop.mailbox.statuses(sent) == ["failed"])
    (status,) = shop.mailbox.items("statuses")
    assert status["errors"][0]["code"] == 131049
    assert status["errors"][0]["title"]
    assert "pricing" not in status
    assert shop.sent()[0]["status"] == "failed"


@processes
def test_a_slow_send_is_accepted_late(shop: Shop) -> None:
    shop.faults(slow_ms=300)
    started = time.monotonic()

    assert shop.text().status_code == 200

    assert time.monotonic() - started >= 0.3


@processes
@pytest.mark.parametrize("accepted", [True, False])
def test_no_answer_at_all(shop: Shop, simulator: Simulator, accepted: bool) -> None:
    shop.faults(hang={"accepted": accepted, "times": 1, "seconds": 20})

    with pytest.raises(requests.ReadTimeout):
        shop.text(timeout=0.4)

    assert len(shop.sent()) == int(accepted)
    (request,) = simulator.get("requests", phone_number_id=shop.id)["requests"]
    assert request["body"]["text"] == {"body": "hello"}
    until(lambda: simulator.get("requests", phone_number_id=shop.id)["requests"][0]["status"])
    assert shop.text().status_code == 200


@processes
def test_a_hang_ends_by_cutting_the_line(shop: Shop) -> None:
    shop.faults(hang={"times": 1, "seconds": 0.2})

    with pytest.raises(requests.ConnectionError):
        shop.text()


@processes
def test_an_error_after_it_was_accepted(client: WhatsApp, shop: Shop) -> None:
    shop.faults(error_after_accept={"times": 1})

    with pytest.raises(errors.WhatsAppError) as caught:
        client.send_message(to=shop.customer, text="hi")

    assert caught.value.status_code == 500
    assert len(shop.sent()) == 1


@processes
@pytest.mark.parametrize("accepted", [True, False])
def test_a_nonsense_answer(shop: Shop, accepted: bool) -> None:
    shop.faults(malformed={"times": 1, "accepted": accepted})

    answer = shop.text()

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert len(shop.sent()) == int(accepted)


@processes
def test_the_window_is_kept_by_the_api_or_by_status(shop: Shop) -> None:
    shop.faults(window="api")
    assert shop.text().json()["error"]["code"] == 131047
    shop.write("hello")
    assert shop.text().status_code == 200

    shop.faults(window="status", window_hours=0)
    sent = shop.text().json()["messages"][0]["id"]
    until(lambda: shop.mailbox.statuses(sent) == ["failed"])
    assert shop.mailbox.items("statuses")[-1]["errors"][0]["code"] == 131047
    template = {"name": "hello_world", "language": {"code": "en_US"}}
    assert shop.call({"to": shop.customer, "type": "template", "template": template}).ok


@processes
def test_faults_are_shown_and_cleared(shop: Shop, simulator: Simulator) -> None:
    shop.faults(duplicate=3, refuse=131056)
    shown = simulator.get("faults")["numbers"][shop.id]
    assert shown["duplicate"] == 3
    assert shown["refuse"]["code"] == 131056

    url = f"{simulator.url}/control/faults?phone_number_id={shop.id}"
    assert shop.id not in requests.delete(url, timeout=5).json()["numbers"]
    assert shop.text().status_code == 200


def test_a_numbers_own_setting_goes_before_the_general_one() -> None:
    switches = Faults()
    switches.put(EVERYWHERE, {"delay_ms": 100, "duplicate": 2})
    switches.put("7", {"delay_ms": 0})

    assert switches.number("7", "delay_ms") == 0
    assert switches.number("7", "duplicate", 1) == 2
    assert switches.number("8", "delay_ms") == 100


def test_times_are_used_up_and_peeking_uses_nothing() -> None:
    switches = Faults()
    switches.put("7", {"refuse": {"code": 4, "times": 2}})

    assert switches.peek("7", "refuse") == switches.peek("7", "refuse")
    assert [bool(switches.take("7", "refuse")) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "fields",
    [
        {"duplicates": 2},
        {"duplicate": "two"},
        {"duplicate": 99},
        {"delay_ms": -1},
        {"delay_ms": True},
        {"drop_statuses": ["lost"]},
        {"window": "closed"},
        {"refuse": "no"},
        {"refuse": {"code": "x"}},
        {"refuse": {"times": 0}},
        {"refuse": {"cod": 1}},
    ],
)
def test_a_wrong_setting_changes_nothing(fields: dict[str, object]) -> None:
    switches = Faults()
    switches.put("7", {"duplicate": 2})

    with pytest.raises(UnableToRead):
        switches.put("7", {"slow_ms": 5, **fields})

    assert switches.effective("7") == {"duplicate": 2}


def test_every_switch_of_the_page_is_a_known_field() -> None:
    page = Path(__file__).parents[3] / "templates" / "simulator" / "phone.html"
    found = re.findall(r'data-fault="(\w+)" data-value="(\w+)"', page.read_text())

    assert len(found) > 8
    for name, value in found:
        assert name in faults.FIELDS
        Faults().put("7", {name: json.loads(value)})
