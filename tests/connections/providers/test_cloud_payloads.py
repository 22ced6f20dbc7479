"""Cloud API bodies become our updates: all the shapes, also the hostile ones."""

import json
import time
from typing import Any

import pytest

from connections.events import Kind, Update
from connections.providers import cloud_messages, cloud_payloads
from connections.providers.base import UnableToRead
from tests.connections.providers import bodies, contracts

FOLDER = contracts.FOLDER / "cloud_api"
EXPECTED: dict[str, list[str]] = json.loads((FOLDER / "expected.json").read_text())
BROKEN = "bindambc/textMessageStatusRead.json"


def _shown(update: Update) -> str:
    data = update.data
    what = data.get("type") or data.get("status") or data.get("event") or data.get("value")
    return f"{update.kind} | {what} | {update.conversation_key or '-'} | {data.get('text', '')}"


def _read_one(body: bytes) -> Update:
    (update,) = cloud_payloads.read(body)
    return update


def _kinds(body: bytes) -> list[Kind]:
    return [update.kind for update in cloud_payloads.read(body)]


# --- Payloads of other projects ------------------------------------------------------------


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_of_another_project_is_understood(name: str) -> None:
    updates = cloud_payloads.read((FOLDER / name).read_bytes())

    assert [_shown(update) for update in updates] == EXPECTED[name]
    assert all(update.raw is not None for update in updates)


def test_every_payload_is_expected_or_broken() -> None:
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.json")}

    assert {name for name in found if not name.startswith("own/")} == {*EXPECTED, BROKEN}
    with pytest.raises(UnableToRead):
        cloud_payloads.read((FOLDER / BROKEN).read_bytes())


# --- Details -------------------------------------------------------------------------------


def test_a_text_message_is_read() -> None:
    contacts = [{"profile": {"name": "Ngozi"}, "wa_id": "2348031234567", "user_id": "NG.77"}]

    update = _read_one(bodies.messages(bodies.text(), contacts=contacts))

    assert update.key == "msg:106540352242922:wamid.A"
    assert (update.number_id, update.account_id) == (bodies.NUMBER, bodies.ACCOUNT)
    assert (update.subject, update.conversation_key) == ("wamid.A", "+2348031234567")
    assert update.at and update.at.isoformat() == "2026-09-21T14:13:20+00:00"
    assert update.data == {
        "type": "text",
        "text": "Good morning",
        "sender": {
            "phone": "+2348031234567",
            "user_id": "NG.77",
            "parent_user_id": None,
            "address": None,
            "name": "Ngozi",
            "username": "",
        },
        "content": {"forwarded": False},
        "reply_to": "",
        "referral": {},
        "errors": [],
    }


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"from": "NG.123456"}, "NG.123456"),
        ({"from": "", "from_user_id": "NG.123456"}, "NG.123456"),
        ({"from": None, "from_user_id": "NG.123456"}, "NG.123456"),
        ({"from": 2348031234567}, "+2348031234567"),
        ({"from": "+2348031234567"}, "+2348031234567"),
        ({"from": "group-or-what"}, "group-or-what"),
        ({"from": "NG.ENT.123"}, "NG.ENT.123"),
        ({"from": "2348031234567", "from_user_id": "NG.1"}, "+2348031234567"),
    ],
)
def test_a_person_is_known_by_whatever_is_given(fields: dict[str, Any], key: str) -> None:
    update = _read_one(bodies.messages(bodies.text(**fields)))

    assert (update.kind, update.conversation_key) == (Kind.MESSAGE, key)


def test_a_contact_beside_a_message_without_sender_is_its_sender() -> None:
    contacts = [{"wa_id": "2348031234567", "profile": {"name": "Ngozi"}}]

    update = _read_one(bodies.messages(bodies.text(**{"from": None}), contacts=contacts))

    assert update.conversation_key == "+2348031234567"


def test_names_go_to_the_right_one_of_two_contacts() -> None:
    ngozi = {"wa_id": "2348031234567", "profile": {"name": "Ngozi"}}
    emeka = {"user_id": "NG.9", "profile": {"name": "Emeka", "username": "emeka"}}
    other = bodies.text("wamid.B", **{"from": None, "from_user_id": "NG.9"})

    updates = cloud_payloads.read(bodies.messages(bodies.text(), other, contacts=[emeka, ngozi]))

    assert [update.data["sender"]["name"] for update in updates] == ["Ngozi", "Emeka"]
    assert [update.data["sender"]["username"] for update in updates] == ["", "emeka"]


def test_ids_of_somebody_else_are_not_taken_over() -> None:
    contacts = [{"wa_id": "15550001111", "user_id": "US.1", "profile": {"name": "Other"}}]

    update = _read_one(bodies.messages(bodies.text(), contacts=contacts))

    assert update.data["sender"]["user_id"] is None
    assert update.conversation_key == "+2348031234567"


def test_a_message_without_any_sender_is_kept() -> None:
    update = _read_one(bodies.messages(bodies.text(**{"from": None})))

    assert (update.kind, update.data["event"]) == (Kind.UNSUPPORTED, "message.without_sender")
    assert update.data["seen"]["text"] == "Good morning"


@pytest.mark.parametrize("word", ["ephemeral", "request_welcome", "unknown", "poll_vote", "", 7])
def test_a_type_that_nobody_documented_is_a_message(word: Any) -> None:
    update = _read_one(bodies.messages(bodies.text(type=word)))

    assert (update.kind, update.data["text"]) == (Kind.MESSAGE, "Good morning")


def test_an_old_voice_message_is_audio() -> None:
    message = bodies.text(type="voice", text=None, voice={"id": 7, "mime_type": "audio/ogg"})

    update = _read_one(bodies.messages(message))

    assert update.data["type"] == "audio"
    assert update.data["content"]["voice"] is True
    assert update.data["content"]["media_id"] == "7"


@pytest.mark.parametrize(
    ("kind", "reply", "content"),
    [
        ("button_reply", {"id": "b1", "title": "Yes"}, ("b1", "Yes", "")),
        ("list_reply", {"id": "r", "title": "T", "description": "D"}, ("r", "T", "D")),
    ],
)
def test_a_tap_is_read(kind: str, reply: dict[str, str], content: tuple[str, ...]) -> None:
    message = bodies.text(type="interactive", interactive={"type": kind, kind: reply}, text=None)

    update = _read_one(bodies.messages(message))

    told = update.data["content"]
    assert (told["reply_id"], told["title"], told["description"]) == content
    assert update.data["text"] == reply["title"]


def test_an_edit_is_an_update_of_its_own() -> None:
    edit = bodies.text(
        "wamid.A",
        type="edit",
        text=None,
        edit={
            "original_message_id": "wamid.A",
            "message": {"type": "text", "text": {"body": "Good night"}},
        },
    )

    first, second = cloud_payloads.read(bodies.messages(bodies.text("wamid.A"), edit))

    assert first.key != second.key
    assert (second.data["type"], second.data["text"]) == ("edit", "Good night")
    assert second.data["content"]["original_id"] == "wamid.A"


def test_a_status_keeps_what_matters() -> None:
    told = bodies.status(
        "failed",
        biz_opaque_callback_data="17",
        recipient_user_id="NG.5",
        errors=[{"code": "131047", "title": "Re-engagement", "error_data": {"details": "24 h"}}],
        pricing={"billable": True, "category": "service"},
    )

    update = _read_one(bodies.envelope(bodies.value(statuses=[told])))

    assert update.key == "status:106540352242922:wamid.OURS:failed:131047"
    assert update.data["opaque"] == "17"
    assert update.data["errors"] == [{"code": 131047, "title": "Re-engagement", "details": "24 h"}]
    assert update.data["pricing"] == {"billable": True, "category": "service"}
    assert update.data["recipient"]["user_id"] == "NG.5"
    assert update.conversation_key == "+2348031234567"


def test_each_status_of_a_message_is_an_update() -> None:
    words = ["sent", "delivered", "read", "played", "deleted", "failed"]
    told = [bodies.status(word) for word in words]

    updates = cloud_payloads.read(bodies.envelope(bodies.value(statuses=told)))

    assert len({update.key for update in updates}) == len(words)
    assert [update.data["status"] for update in updates] == [
        "sent", "delivered", "read", "read", "deleted", "failed"
    ]  # fmt: skip


def test_two_readers_in_a_group_are_two_statuses() -> None:
    told = [
        bodies.status("read", recipient_type="group", recipient_participant_user_id=f"NG.{number}")
        for number in (1, 2)
    ]

    assert len(_kinds(bodies.envelope(bodies.value(statuses=told)))) == 2


def test_an_echo_belongs_to_the_customers_conversation() -> None:
    echo = bodies.text("wamid.E", **{"from": "2349000000000", "to": "2348031234567"})

    update = _read_one(
        bodies.envelope(bodies.value(message_echoes=[echo]), field="smb_message_echoes")
    )

    assert update.kind is Kind.ECHO
    assert update.key == "echo:106540352242922:wamid.E"
    assert update.conversation_key == "+2348031234567"


def test_a_changed_number_names_both() -> None:
    message = bodies.text(
        type="system", text=None, system={"type": "user_changed_number", "wa_id": "2348039999999"}
    )

    update = _read_one(bodies.messages(message))

    assert update.kind is Kind.SYSTEM
    assert update.data["event"] == "user_changed_number"
    assert update.data["previous"]["phone"] == "+2348031234567"
    assert update.data["sender"]["phone"] == update.conversation_key == "+2348039999999"


def test_an_error_of_the_number_is_account_news_beside_its_message() -> None:
    error = {"code": 131000, "title": "Something went wrong"}

    message, news = cloud_payloads.read(bodies.messages(bodies.text(), errors=[error]))

    assert (message.kind, news.kind) == (Kind.MESSAGE, Kind.ACCOUNT)
    assert news.data["errors"][0]["code"] == 131000
    assert news.subject == "wamid.A"


def test_the_same_news_later_is_news_again() -> None:
    news = {"event": "ACCOUNT_VIOLATION"}
    now = bodies.envelope(news, field="account_update", time=1790000000)
    later = bodies.envelope(news, field="account_update", time=1790009999)

    assert _read_one(now).key == _read_one(now).key != _read_one(later).key


@pytest.mark.parametrize(
    ("news", "effect"),
    [
        ({"event": "ACCOUNT_DELETED"}, "blocked"),
        ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}, "restored"),
        ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, "blocked"),
        (
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}],
            },
            "limited",
        ),
        ({"event": "PARTNER_ADDED"}, ""),
        ({"event": ["x"]}, ""),
    ],
)
def test_account_news_say_what_they_do_to_sending(news: dict[str, Any], effect: str) -> None:
    update = _read_one(bodies.envelope(news, field="account_update"))

    assert (update.kind, update.data["effect"]) == (Kind.ACCOUNT, effect)


def test_history_is_counted_not_answered() -> None:
    chunk = {
        "metadata": {"phase": 0, "chunk_order": 1, "progress": 55},
        "threads": [{"id": "2348031234567", "messages": [bodies.text(), bodies.text("wamid.B")]}],
    }

    update = _read_one(bodies.envelope(bodies.value(history=[chunk]), field="history"))

    assert (update.kind, update.data["event"]) == (Kind.ACCOUNT, "history")
    assert update.data["details"]["messages_count"] == 2


def test_a_contact_of_the_phone_app_is_account_news() -> None:
    line = {"type": "contact", "action": "add", "contact": {"full_name": "Ngozi"}}

    update = _read_one(bodies.envelope(bodies.value(state_sync=[line]), field="smb_app_state_sync"))

    assert (update.kind, update.data["event"]) == (Kind.ACCOUNT, "contact.add")


def test_what_another_agent_answers_is_not_for_us() -> None:
    update = _read_one(bodies.envelope(bodies.value(messages=[bodies.text()]), field="standby"))

    assert (update.kind, update.data["event"]) == (Kind.UNSUPPORTED, "standby")
    assert update.key != _read_one(bodies.messages(bodies.text())).key


# --- Keys ----------------------------------------------------------------------------------


def test_a_key_does_not_depend_on_the_batch() -> None:
    alone = _read_one(bodies.messages(bodies.text()))
    contacts = [{"wa_id": "2348031234567"}, {"wa_id": "1"}]

    _, again = cloud_payloads.read(
        bodies.messages(bodies.text("wamid.B"), bodies.text(), contacts=contacts)
    )

    assert alone.key == again.key


def test_a_message_without_an_id_has_a_key_of_its_content() -> None:
    ada = bodies.text(None, **{"from": "2348030000001"})
    bola = bodies.text(None, **{"from": "2348030000002"})

    first, second = cloud_payloads.read(bodies.messages(ada, bola, ada))

    assert first.key != second.key
    assert first.key == _read_one(bodies.messages(ada)).key


@pytest.mark.parametrize("identifier", ["wamid.A", None])
def test_two_numbers_never_share_a_key(identifier: str | None) -> None:
    here, there = cloud_payloads.read(
        bodies.envelope(
            bodies.value("1", messages=[bodies.text(identifier)]),
            bodies.value("2", messages=[bodies.text(identifier)]),
        )
    )

    assert here.key != there.key


def test_colons_in_ids_do_not_mix_keys_up() -> None:
    first, second = cloud_payloads.read(
        bodies.envelope(
            bodies.value("1:2", messages=[bodies.text("3")]),
            bodies.value("1", messages=[bodies.text("2:3")]),
        )
    )

    assert first.key != second.key


def test_without_a_number_two_people_never_share_a_key() -> None:
    ada = bodies.text("1", **{"from": "2348030000001"})
    bola = bodies.text("1", **{"from": "2348030000002"})

    assert len(cloud_payloads.read(bodies.dump({"messages": [ada, bola]}))) == 2


def test_long_ids_are_cut_without_becoming_the_same() -> None:
    long = "x" * 5_000
    messages = [
        bodies.text(long + "1", **{"from": long + "1"}),
        bodies.text(long + "2", **{"from": long + "2"}),
    ]

    first, second = cloud_payloads.read(bodies.envelope(bodies.value(long, messages=messages)))

    for name, limit in (
        ("key", 300),
        ("subject", 200),
        ("conversation_key", 200),
    ):
        assert getattr(first, name) != getattr(second, name)
        assert len(getattr(first, name)) <= limit
    assert len(first.number_id) <= 64


# --- Hostile shapes ------------------------------------------------------------------------


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
