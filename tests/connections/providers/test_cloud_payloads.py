"""Cloud API bodies become our updates."""

import json
from typing import Any

import pytest

from connections.events import Kind, Update
from connections.providers import cloud_payloads
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
