"""Shapes that nobody promised: kept or refused, and never at the neighbours' cost."""

import json
import time
from typing import Any

import pytest

from connections.events import Kind, Update
from connections.providers import cloud_messages, cloud_payloads
from connections.providers.base import UnableToRead
from tests.connections.providers import bodies


def _read_one(body: bytes) -> Update:
    (update,) = cloud_payloads.read(body)
    return update


def _kinds(body: bytes) -> list[Kind]:
    return [update.kind for update in cloud_payloads.read(body)]


def test_one_nonsense_among_twenty_leaves_nineteen() -> None:
    items: list[Any] = [bodies.text(f"wamid.{number}") for number in range(19)]
    items.insert(7, {"from": ["?"], "id": {}, "type": [[]], "text": 3})

    kinds = _kinds(bodies.messages(*items))

    assert kinds.count(Kind.MESSAGE) == 19
    assert kinds.count(Kind.UNSUPPORTED) == 1


@pytest.mark.parametrize(
    "nonsense", [None, 7, "x", [], [[]], {}, {"id": "wamid.X"}, True, 1.5, {"a": {"b": []}}]
)
def test_nonsense_is_kept_with_its_raw_object(nonsense: Any) -> None:
    *others, last = cloud_payloads.read(bodies.messages(bodies.text(), nonsense))

    assert [update.kind for update in others] == [Kind.MESSAGE]
    assert (last.kind, last.raw) == (Kind.UNSUPPORTED, nonsense)


def test_our_own_fault_costs_one_update_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr(cloud_messages, "_system", fail)
    system = bodies.text("wamid.S", type="system")

    assert _kinds(bodies.messages(bodies.text(), system)) == [Kind.MESSAGE, Kind.UNSUPPORTED]


@pytest.mark.parametrize(
    "document",
    [
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": {}},
        {"object": "whatsapp_business_account", "entry": None},
        {"object": "whatsapp_business_account", "entry": "x"},
        {"object": "whatsapp_business_account", "entry": [7]},
        {"object": "page", "entry": [{"id": "1", "messaging": [{}]}]},
        {"entry": [{"id": "1"}]},
        {"entry": [{"id": "1", "changes": "x"}]},
        {"entry": [{"id": "1", "changes": [{"field": "messages"}]}]},
        {"entry": [{"id": "1", "changes": [{"field": "messages", "value": 3}]}]},
        {"entry": [{"id": "1", "changes": [{"field": "messages", "value": {}}]}]},
        {"entry": [{"id": "1", "changes": [{"value": {"messages": []}}]}]},
        {"contacts": []},
    ],
)
def test_an_odd_envelope_is_kept(document: Any) -> None:
    assert _kinds(bodies.dump(document)) == [Kind.UNSUPPORTED]


@pytest.mark.parametrize("document", [{}, [], 1, "x", None, {"hello": "world"}])
def test_another_format_is_refused(document: Any) -> None:
    with pytest.raises(UnableToRead):
        cloud_payloads.read(bodies.dump(document))


def test_objects_count_where_lists_belong() -> None:
    value = bodies.value(messages=bodies.text(), contacts={"wa_id": "2348031234567"})
    entry = {"id": "1", "changes": {"value": value}}

    assert _kinds(bodies.dump({"entry": entry})) == [Kind.MESSAGE]


def test_a_list_of_values_counts() -> None:
    values = [bodies.value(messages=[bodies.text(f"wamid.{number}")]) for number in range(2)]
    change = {"field": "messages", "value": values}

    assert _kinds(bodies.dump({"entry": [{"changes": [change]}]})) == [Kind.MESSAGE] * 2


def test_metas_test_button_counts() -> None:
    change = {"field": "messages", "value": bodies.value(messages=[bodies.text()])}

    update = _read_one(bodies.dump(change))

    assert (update.kind, update.number_id) == (Kind.MESSAGE, bodies.NUMBER)


def test_an_unwrapped_value_counts_without_a_number() -> None:
    update = _read_one(bodies.dump({"messages": [bodies.text()], "contacts": []}))

    assert (update.kind, update.number_id, update.account_id) == (Kind.MESSAGE, "", "")


@pytest.mark.parametrize(
    ("stamp", "shown"),
    [
        ("1790000000", "2026-09-21T14:13:20"),
        (1790000000, "2026-09-21T14:13:20"),
        ("1790000000000", "2026-09-21T14:13:20"),
        (1790000000.0, "2026-09-21T14:13:20"),
        ("-5", None),
        ("junk", None),
        ("", None),
        (0, None),
        (True, None),
        ("9" * 39, None),
        ("9" * 4_000, None),
        ([], None),
        ("NaN", None),
        ("Infinity", None),
    ],
)
def test_a_timestamp_is_a_time_or_nothing(stamp: Any, shown: str | None) -> None:
    update = _read_one(bodies.messages(bodies.text(timestamp=stamp)))

    assert (update.at.isoformat()[:19] if update.at else None) == shown


def test_what_postgresql_cannot_store_is_gone() -> None:
    body = (
        b'{"messages":[{"from":"2348031234567","id":"wamid.\\u0000A","type":"text",'
        b'"te\\u0000xt":{"body":"x"},"text":{"body":"a\\u0000b\\ud800c\\ud83d\\ude00"},'
        b'"odd":[NaN,Infinity,-Infinity,1e999]}]}'
    )

    update = _read_one(body)

    assert update.data["text"] == "abc\U0001f600"
    stored = json.dumps(update.as_payload(), allow_nan=False, ensure_ascii=False)
    assert "\x00" not in stored and stored.encode()
    assert update.subject == "wamid.A"


def test_numbers_of_any_length_are_read() -> None:
    body = bodies.messages(bodies.text()).replace(b'"1790000000"', b"9" * 10_000)

    assert _kinds(body) == [Kind.MESSAGE]


def test_a_doubled_key_counts_once() -> None:
    body = b'{"messages":[1],"messages":[' + bodies.dump(bodies.text()) + b"]}"

    assert _kinds(body) == [Kind.MESSAGE]


@pytest.mark.parametrize("depth", [100, 500, 900])
def test_deep_nesting_inside_one_update_leaves_the_others(depth: int) -> None:
    deep: Any = "bottom"
    for _ in range(depth):
        deep = [deep]
    body = bodies.messages(bodies.text(), bodies.text("wamid.B", odd="DEEP"))

    updates = cloud_payloads.read(body.replace(b'"DEEP"', json.dumps(deep).encode()))

    assert [update.kind for update in updates] == [Kind.MESSAGE, Kind.MESSAGE]
    json.dumps([update.as_payload() for update in updates])


def test_very_deep_nesting_is_refused() -> None:
    with pytest.raises(UnableToRead):
        cloud_payloads.read(b'{"entry":' + b"[" * 10_000 + b"]" * 10_000 + b"}")


def test_a_long_text_is_kept_to_its_limit() -> None:
    update = _read_one(bodies.messages(bodies.text(text={"body": "é" * 100_000})))

    assert update.data["text"] == "é" * 65_536


def test_a_thousand_updates_are_all_translated() -> None:
    items = [bodies.text(f"wamid.{number}") for number in range(1_500)]

    assert len(cloud_payloads.read(bodies.messages(*items))) == 1_500


def test_endless_nonsense_is_kept_in_one_piece() -> None:
    updates = cloud_payloads.read(bodies.messages(bodies.text(), *range(5_000)))

    assert len(updates) == 1_002
    assert len(updates[-1].raw) == 4_000


@pytest.mark.parametrize("item", ["{}", "1", '{"id":"1","from":"1"}'])
def test_a_flood_is_cut_short_and_kept(item: str) -> None:
    body = ('{"messages":[' + ",".join([item] * (2_900_000 // (len(item) + 1))) + "]}").encode()
    started = time.monotonic()

    *_, last = cloud_payloads.read(body)

    assert last.data["event"] == "too_much_nonsense"
    assert time.monotonic() - started < 10  # on a busy machine; 2 s on a quiet one


def test_many_contacts_and_messages_are_matched_quickly() -> None:
    contacts = [{"wa_id": str(number)} for number in range(10_000_000, 10_020_000)]
    items = [bodies.text(f"w{number}", **{"from": str(number)}) for number in range(20_000)]

    assert len(cloud_payloads.read(bodies.messages(*items, contacts=contacts))) == 20_000
