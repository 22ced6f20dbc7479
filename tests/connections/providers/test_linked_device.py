"""Linked devices as a provider: both sides of the contract read the same examples."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from connections import providers
from connections.events import Button, Kind, Outbound, OutboundKind
from connections.providers.base import Code, ProviderError, Slow, UnableToRead
from connections.providers.linked_device import LinkedDevice
from tests.connections.providers import linked, vendor
from tests.connections.providers.vendor import Reply, Vendor

LID = "201234567890123@lid"


@pytest.fixture
def device(settings: Settings) -> LinkedDevice:
    settings.BRIDGE_SECRET = linked.SECRET
    return LinkedDevice()


@pytest.fixture
def engine(device: LinkedDevice, settings: Settings) -> Iterator[Vendor]:
    with vendor.running() as running:
        settings.LINKED_DEVICE_TIMEOUT_SECONDS = 0.5
        yield running


def read(device: LinkedDevice, event: dict[str, Any]) -> Any:
    (update,) = device.read(linked.batch(event))
    return update


# --- Who signed ----------------------------------------------------------------------------


def test_it_is_known_only_where_its_secret_is_set(settings: Settings) -> None:
    settings.BRIDGE_SECRET = ""
    without = providers.all_names()
    settings.BRIDGE_SECRET = linked.SECRET

    assert "linked_device" not in without
    assert "linked_device" in providers.all_names()


def test_the_contracts_signature_holds_at_its_time(
    device: LinkedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = linked.example("signature")
    monkeypatch.setattr(time, "time", lambda: float(vector["now"]))

    held = device.verify(
        body=vector["body"].encode(),
        headers={"x-backroom-signature": vector["header"]},
        secret=vector["secret"],
    )

    assert held


@pytest.mark.parametrize(
    ("skew", "is_taken"), [(0, True), (-299, True), (299, True), (-302, False), (302, False)]
)
def test_a_signature_counts_for_five_minutes(
    device: LinkedDevice, skew: int, is_taken: bool
) -> None:
    body = linked.batch()
    headers = linked.signed(body, at=int(time.time()) + skew)

    assert device.verify(body=body, headers=headers, secret=linked.SECRET) is is_taken


@pytest.mark.parametrize(
    "damage",
    [
        lambda h: "",
        lambda h: h.upper(),
        lambda h: h[:-1],
        lambda h: h + "0",
        lambda h: h.replace("v1=", "v0="),
        lambda h: "t=99999999999999," + h.partition(",")[2],
        lambda h: "x" * 100_000,
        lambda h: h + "," + h,
    ],
)
def test_a_damaged_signature_is_refused(device: LinkedDevice, damage: Any) -> None:
    body = linked.batch()
    (name, value), *_ = linked.signed(body, at=int(time.time())).items()

    assert not device.verify(body=body, headers={name: damage(value)}, secret=linked.SECRET)


def test_another_body_another_secret_and_no_secret_are_refused(device: LinkedDevice) -> None:
    body = linked.batch()
    headers = linked.signed(body, at=int(time.time()))

    assert not device.verify(body=body + b" ", headers=headers, secret=linked.SECRET)
    assert not device.verify(body=body, headers=headers, secret="another secret of 32 characters")
    unsigned = linked.signed(body, at=int(time.time()), secret="")
    assert not device.verify(body=body, headers=unsigned, secret="")


# --- What came in --------------------------------------------------------------------------


def test_a_message_is_of_the_hidden_number_first(device: LinkedDevice) -> None:
    update = read(device, linked.example("event-message"))

    assert update.kind is Kind.MESSAGE
    assert (update.number_id, update.subject) == (linked.SESSION, "3AF00D1122334455")
    assert update.conversation_key == LID
    assert update.data["text"] == "Do you deliver on Sundays?"
    sender = update.data["sender"]
    assert (sender["lid"], sender["phone"], sender["name"]) == (LID, "+2348098765432", "Ada")
    assert update.at.isoformat() == "2026-09-30T08:15:01+00:00"


def test_a_customer_without_a_hidden_number_is_known_by_the_phone(device: LinkedDevice) -> None:
    event = {
        **linked.example("event-message"), "lid": None, "phone": None,
        "chat": "2348098765432@s.whatsapp.net",
    }  # fmt: skip

    update = read(device, event)

    assert update.conversation_key == "+2348098765432"
    assert update.data["sender"]["lid"] is None


def test_what_the_owner_writes_on_the_phone_is_an_echo(device: LinkedDevice) -> None:
    update = read(device, linked.example("event-own_message"))

    assert update.kind is Kind.ECHO
    assert (update.data["text"], update.data["sender"]["lid"]) == ("I take this one.", LID)


def test_a_failed_status_names_its_code_and_our_reference(device: LinkedDevice) -> None:
    update = read(device, linked.example("event-status"))

    assert update.kind is Kind.STATUS
    assert update.data["status"] == "failed"
    assert update.data["errors"][0]["code"] == "463"
    assert update.data["opaque"] == "7c7a2f6e-8f7f-4a55-b6a5-9f1f4cf0d0aa"


def test_states_limits_and_what_cannot_be_read_are_news_of_the_number(
    device: LinkedDevice,
) -> None:
    found = {
        name: read(device, linked.example(f"event-{name}"))
        for name in ("state", "limit", "undecryptable")
    }

    assert {update.kind for update in found.values()} == {Kind.ACCOUNT}
    assert found["state"].data["event"] == "backoff"
    assert found["state"].data["details"]["code"] == "428"
    assert found["limit"].data["details"]["until"] == "2026-10-01T08:00:00.000Z"
    assert found["undecryptable"].data["field"] == "linked_unreadable"


def test_a_mapping_names_both(device: LinkedDevice) -> None:
    update = read(device, linked.example("event-lid_mapping"))

    assert update.kind is Kind.SYSTEM
    assert update.data["previous"]["lid"] == update.data["sender"]["lid"] == LID
    assert update.data["sender"]["phone"] == "+2348098765432"


def test_a_batch_keeps_its_order_and_its_keys(device: LinkedDevice) -> None:
    body = json.dumps(linked.example("batch")).encode()

    first, again = device.read(body), device.read(body)

    assert [update.kind for update in first] == [Kind.MESSAGE, Kind.STATUS]
    assert [update.key for update in first] == [update.key for update in again]
    assert len({update.key for update in first}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"type": "something new"},
        {"chat": None, "lid": None, "phone": None},
        {"chat": 7, "lid": [], "phone": {}},
        {"session": "not a session", "type": "?"},
        {"id": None, "type": "?"},
    ],
)
def test_nonsense_in_a_batch_is_kept_and_harms_nobody(
    device: LinkedDevice, change: dict[str, Any]
) -> None:
    odd = {**linked.example("event-message"), **change}

    strange, good = device.read(linked.batch(odd, linked.example("event-message")))

    assert strange.kind is Kind.UNSUPPORTED
    assert strange.raw["id"] == odd["id"]
    assert good.kind is Kind.MESSAGE


def test_long_values_are_cut_and_stay_apart(device: LinkedDevice) -> None:
    event = linked.example("event-message")
    keys = [
        read(device, {**event, "id": "m" * 5_000 + end, "wa_id": "w" * 500 + end, "text": "t" * 99_999})
        for end in "ab"
    ]  # fmt: skip

    assert keys[0].key != keys[1].key and len(keys[0].key) <= 300
    assert keys[0].subject != keys[1].subject and len(keys[0].subject) <= 200
    assert len(keys[0].data["text"]) == 65_536


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"v":1}', b'{"v":1,"events":7}', linked.batch(version=2)],
)
def test_what_is_no_batch_is_unreadable(device: LinkedDevice, body: bytes) -> None:
    with pytest.raises(UnableToRead):
        device.read(body)


def test_a_batch_of_too_many_events_is_unreadable(device: LinkedDevice) -> None:
    with pytest.raises(UnableToRead):
        device.read(linked.batch(*[linked.example("event-status")] * 1_001))


# --- What goes out -------------------------------------------------------------------------


def text(**kwargs: Any) -> Outbound:
    return Outbound(**{"kind": OutboundKind.TEXT, "to_lid": LID, "text": "Yes.", **kwargs})


def refused(device: LinkedDevice, engine: Vendor, message: Outbound) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        device.send(linked.account(engine.url), message, opaque="17")
    return caught.value


def test_a_text_goes_to_where_the_question_came_from(device: LinkedDevice, engine: Vendor) -> None:
    engine.reply = Reply(200, linked.example("answer-taken")["body"])

    receipt = device.send(
        linked.account(engine.url), text(reply_to="3AF0", to_phone="+2348098765432"), opaque="17"
    )

    (asked,) = engine.asked
    assert asked.path == f"/sessions/{linked.SESSION}/messages"
    assert asked.body == {
        "opaque": "17", "kind": "text", "chat": LID, "text": "Yes.", "reply_to": "3AF0",
    }  # fmt: skip
    assert receipt.message_id == linked.example("answer-taken")["body"]["wa_id"]


def test_the_chat_that_was_told_goes_before_what_else_is_known(
    device: LinkedDevice, engine: Vendor
) -> None:
    engine.reply = Reply(200, linked.example("answer-taken")["body"])
    chat = "2348098765432@s.whatsapp.net"

    for told in (chat, "120363@g.us"):
        device.send(linked.account(engine.url), text(to_address=told), opaque="17")

    assert [asked.body["chat"] for asked in engine.asked] == [chat, LID]


def test_the_request_is_signed_over_its_very_bytes(device: LinkedDevice, engine: Vendor) -> None:
    engine.reply = Reply(200, {"wa_id": "X", "ms": 1})

    device.send(linked.account(engine.url), text(text="Ọlá 😀"), opaque="17")

    (asked,) = engine.asked
    written = json.dumps(asked.body).encode()
    assert device.verify(body=written, headers=asked.headers, secret=linked.SECRET)


def test_typing_reads_first(device: LinkedDevice, engine: Vendor) -> None:
    engine.reply = Reply(200, {"wa_id": "", "ms": 1})
    sign = Outbound(kind=OutboundKind.TYPING, to_phone="+2348098765432", message_id="3AF0")

    receipt = device.send(linked.account(engine.url), sign, opaque="17")

    chat = "2348098765432@s.whatsapp.net"
    assert [asked.body for asked in engine.asked] == [
        {"opaque": "17:read", "kind": "read", "chat": chat, "message_id": "3AF0"},
        {"opaque": "17", "kind": "typing", "chat": chat},
    ]
    assert receipt.message_id == ""


@pytest.mark.parametrize(
    ("name", "code", "retryable"),
    [
        ("not_here", Code.OFFLINE, True),
        ("not_open", Code.OFFLINE, True),
        ("too_fast", Code.THROTTLED, True),
        ("invalid", Code.INVALID_MESSAGE, False),
        ("unsigned", Code.OFFLINE, True),
        ("no_whatsapp", Code.REJECTED, False),
        ("refused", Code.REJECTED, False),
        ("unknown", Code.UNKNOWN_OUTCOME, False),
    ],
)
def test_every_refusal_of_the_contract_is_understood(
    device: LinkedDevice, engine: Vendor, name: str, code: Code, retryable: bool
) -> None:
    told = linked.example(f"answer-{name}")
    engine.reply = Reply(told["status"], told["body"])

    error = refused(device, engine, text())

    assert (error.code, error.retryable, error.switch_off) == (code, retryable, False)
    assert error.sentence.endswith(".")


def test_a_time_lock_cools_the_number_down(device: LinkedDevice, engine: Vendor) -> None:
    engine.reply = Reply(422, {"error": "refused", "code": 463, "detail": None})

    error = refused(device, engine, text())

    assert error.cools and not error.retryable
    assert error.vendor_code == "463"


def test_a_number_that_nobody_holds_lets_its_messages_wait(
    device: LinkedDevice, engine: Vendor
) -> None:
    with pytest.raises(ProviderError) as caught:
        device.send(linked.account(""), text(), opaque="17")
    gone = f"http://127.0.0.1:{vendor.closed_port()}"
    with pytest.raises(ProviderError) as away:
        device.send(linked.account(gone), text(), opaque="17")

    for error in (caught.value, away.value):
        assert (error.code, error.retryable, error.slow) == (Code.OFFLINE, True, Slow.CONNECTION)
        assert error.wait_seconds(1) == 2
    assert engine.asked == []


@pytest.mark.parametrize("behaviour", ["hang", "drop"])
def test_no_answer_is_an_unknown_outcome(
    device: LinkedDevice, engine: Vendor, behaviour: str
) -> None:
    engine.reply = Reply(behaviour=behaviour)

    assert refused(device, engine, text()).code is Code.UNKNOWN_OUTCOME


@pytest.mark.parametrize(
    "message",
    [
        text(text=" \n"),
        text(text="a" * 65_537),
        text(to_lid=None),
        text(to_lid="groups@g.us"),
        text(to_lid=None, to_phone="+1"),
        Outbound(kind=OutboundKind.READ, to_lid=LID),
        Outbound(kind=OutboundKind.TYPING, to_lid=LID),
    ],
)
def test_what_cannot_be_said_is_refused_before_the_call(
    device: LinkedDevice, engine: Vendor, message: Outbound
) -> None:
    assert refused(device, engine, message).code is Code.INVALID_MESSAGE
    assert engine.asked == []


def test_buttons_are_not_sent(device: LinkedDevice, engine: Vendor) -> None:
    message = text(kind=OutboundKind.BUTTONS, buttons=(Button("1", "Yes"),))

    assert refused(device, engine, message).code is Code.UNSUPPORTED
    assert not device.supports_buttons
