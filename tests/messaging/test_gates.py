"""The gates: each with its reason, in their order, and every silence explained."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.models import Subscription
from lib import clock
from messaging import conversations, trace
from messaging.models import BotSettings, Contact, Conversation, Message, TraceStep
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope, states

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"
ANSWER = "We open 9am to 6pm, Monday to Saturday."


def steps(way: Way, wamid: str) -> list[TraceStep]:
    with scope.workspace(way.space):
        story = trace.story(provider_message_id=wamid)
    assert story is not None
    return [step for step in story.steps if step.step not in ("send", "status")]


def reasons(way: Way, wamid: str) -> list[str]:
    return [step.reason for step in steps(way, wamid) if step.verdict in ("act", "stop")]


def needs_person(way: Way) -> bool:
    with scope.workspace(way.space):
        return Conversation.objects.get().needs_person


def item(way: Way, kind: str, content: dict[str, Any], *, wamid: str = "wamid.I") -> None:
    payload = whatsapp.text("x", wamid=wamid)
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["text"]
    message.update({"type": kind, **content})
    assert way.post(payload).status_code == 200
    way.work()


# --- Each reason for silence -------------------------------------------------------------------


def suspend(way: Way) -> None:
    states.suspend(
        workspace_id=way.space.pk, reason="x", actor=None, actor_kind="staff", now=clock.now()
    )
    way.space.state = "suspended"


def cancel(way: Way) -> None:
    with scope.workspace(way.space):
        Subscription.objects.update(state="cancelled")


def switch_off(way: Way) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(mode="off")


def hold(way: Way) -> None:
    way.say("hello", wamid="wamid.before")
    with scope.workspace(way.space):
        Conversation.objects.update(
            holder="person", held_until=clock.now() + timedelta(hours=1), needs_person=False
        )


def opt_out(way: Way) -> None:
    way.say("hello", wamid="wamid.before")
    with scope.workspace(way.space):
        Contact.objects.update(is_opted_out=True)


SILENCES: dict[str, tuple[Callable[[Way], None], bool]] = {
    "workspace_suspended": (suspend, True),
    "subscription_ended": (cancel, True),
    "bot_off": (switch_off, True),
    "human_holds": (hold, True),
    "opted_out": (opt_out, True),
}


@pytest.mark.parametrize("reason", SILENCES)
def test_a_silence_has_its_reason_and_a_sentence_and_the_message_is_kept(
    way: Way, reason: str
) -> None:
    prepare, calls_person = SILENCES[reason]
    prepare(way)
    sent = len(way.api.messages)

    way.say(QUESTION, wamid="wamid.S")

    last = steps(way, "wamid.S")[-1]
    assert (last.verdict, last.reason) == ("stop", reason)
    assert last.sentence.endswith(".") and len(last.sentence) > 20
    assert len(way.api.messages) == sent
    assert needs_person(way) is calls_person
    with scope.workspace(way.space):
        assert Message.objects.get(provider_message_id="wamid.S").text == QUESTION


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("thanks", "thanks"),
        ("Thank you so much!", "thanks"),
        ("ok", "thanks"),
        ("👍👍", "no_words"),
        ("...", "no_words"),
        ("   ", "empty"),
    ],
)
def test_what_asks_nothing_gets_no_answer_and_no_person(way: Way, text: str, reason: str) -> None:
    way.say(text, wamid="wamid.T")

    assert reasons(way, "wamid.T") == [reason]
    assert way.api.messages == []
    assert not needs_person(way)


def test_all_gates_that_let_a_message_pass_are_in_its_account_in_order(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.A")

    found = [(step.step, step.verdict) for step in steps(way, "wamid.A")]
    assert found == [
        ("received", "pass"),
        ("type", "pass"),
        ("workspace", "pass"),
        ("subscription", "pass"),
        ("command", "pass"),
        ("bot", "pass"),
        ("rate", "pass"),
        ("holder", "pass"),
        ("loop", "pass"),
        ("consent", "pass"),
        ("greeting", "pass"),
        ("faq", "act"),
        ("window", "pass"),
        ("budget", "pass"),
        ("reply", "act"),
    ]


def test_the_first_gate_that_stops_decides(way: Way) -> None:
    for prepare in (opt_out, hold_again, switch_off, cancel, suspend):
        prepare(way)
        wamid = f"wamid.{prepare.__name__}"
        way.say(QUESTION, wamid=wamid)

    found = [
        reasons(way, f"wamid.{name}")[0]
        for name in ("opt_out", "hold_again", "switch_off", "cancel", "suspend")
    ]
    assert found == [
        "opted_out", "human_holds", "bot_off", "subscription_ended", "workspace_suspended",
    ]  # fmt: skip


def hold_again(way: Way) -> None:
    with scope.workspace(way.space):
        Conversation.objects.update(holder="person", held_until=clock.now() + timedelta(hours=1))


# --- Types -------------------------------------------------------------------------------------


def test_a_picture_counts_by_its_caption(way: Way) -> None:
    item(way, "image", {"image": {"id": "1", "mime_type": "image/jpeg", "caption": QUESTION}})

    assert [m["text"]["body"] for m in way.api.messages] == [ANSWER]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image", {"image": {"id": "1", "mime_type": "image/jpeg"}}),
        ("audio", {"audio": {"id": "1", "voice": True}}),
        ("location", {"location": {"latitude": 6.5, "longitude": 3.4}}),
        ("sticker", {"sticker": {"id": "1"}}),
        ("unsupported", {"errors": [{"code": 131051, "title": "unsupported"}]}),
        ("telepathy", {"telepathy": {"thought": "?"}}),
    ],
)
def test_what_the_bot_cannot_read_is_left_to_the_team(
    way: Way, kind: str, content: dict[str, Any]
) -> None:
    item(way, kind, content)

    assert reasons(way, "wamid.I") == ["unsupported_type"]
    assert needs_person(way)
    assert way.api.messages == []


def test_a_reaction_is_kept_and_answered_by_nobody(way: Way) -> None:
    item(way, "reaction", {"reaction": {"message_id": "wamid.X", "emoji": "❤"}})

    assert reasons(way, "wamid.I") == ["nothing_to_answer"]
    assert not needs_person(way)


def test_a_filled_in_form_is_left_to_the_team(way: Way) -> None:
    form = {
        "type": "nfm_reply",
        "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"size": "L"}'},
    }
    item(way, "interactive", {"interactive": form})

    assert reasons(way, "wamid.I") == ["form"]
    assert needs_person(way)


def test_a_message_in_a_group_is_not_answered(way: Way) -> None:
    item(way, "text", {"text": {"body": QUESTION}, "group_id": "120363"})

    assert reasons(way, "wamid.I") == ["group"]
    assert way.api.messages == []


@pytest.mark.parametrize(
    "text",
    [
        "שלום, מתי אתם פותחים?",
        "😀" * 1000,
        "x" * 65_536,
        "a\u202eb\u0000c",
        "\ufdfa" * 500,
        "１２３",
        "𝕳𝖊𝖑𝖑𝖔",
    ],
)
def test_any_text_is_kept_and_decided_about(way: Way, text: str) -> None:
    way.say(text, wamid="wamid.U")

    with scope.workspace(way.space):
        kept = Message.objects.get(provider_message_id="wamid.U")
    assert kept.text == text.replace("\x00", "")
    assert reasons(way, "wamid.U")


# --- Floods and loops --------------------------------------------------------------------------


def test_a_customers_flood_is_answered_up_to_the_limit(way: Way, settings: Any) -> None:
    settings.RATE_LIMIT_CONTACT_PER_MINUTE = 3
    for n in range(5):
        way.say(QUESTION, wamid=f"wamid.F{n}")
    way.say(QUESTION, wamid="wamid.other", sender="2348069999999")

    assert [reasons(way, f"wamid.F{n}")[0] for n in (2, 3, 4)] == [
        "faq_matched", "rate_limited_contact", "rate_limited_contact",
    ]  # fmt: skip
    assert reasons(way, "wamid.other")[0] == "faq_matched"


def test_a_workspaces_flood_waits_for_the_team(way: Way, settings: Any) -> None:
    settings.RATE_LIMIT_WORKSPACE_PER_MINUTE = 2
    for n in range(3):
        way.say(QUESTION, wamid=f"wamid.F{n}", sender=f"23480600000{n}0")

    assert [reasons(way, f"wamid.F{n}")[0] for n in range(3)] == [
        "faq_matched", "faq_matched", "rate_limited_workspace",
    ]  # fmt: skip


def test_a_workspaces_flood_within_one_batch_is_counted_too(way: Way, settings: Any) -> None:
    settings.RATE_LIMIT_WORKSPACE_PER_MINUTE = 2
    for n in range(4):
        way.post(whatsapp.text(QUESTION, wamid=f"wamid.F{n}", sender=f"23480600000{n}0"))
    way.work()

    assert len(way.api.messages) == 2


def test_a_minute_later_the_flood_is_over(way: Way, settings: Any) -> None:
    settings.RATE_LIMIT_CONTACT_PER_MINUTE = 1
    way.say(QUESTION, wamid="wamid.F0")
    with scope.workspace(way.space):
        Message.objects.update(created_at=clock.now() - timedelta(seconds=61))

    way.say(QUESTION, wamid="wamid.F1")

    assert reasons(way, "wamid.F1")[0] == "faq_matched"


def repeat(way: Way, texts: list[str]) -> None:
    """Let these have come in the last minutes, without the work of answering them."""
    way.say(texts[0], wamid="wamid.L0")
    with scope.workspace(way.space):
        first = Message.objects.get(provider_message_id="wamid.L0")
        Message.objects.bulk_create(
            Message(
                conversation_id=first.conversation_id, direction="in", author="contact",
                kind="text", text=text, text_digest=conversations.like_digest(text),
                status="received", provider_at=clock.now(),
                created_at=clock.now() - timedelta(seconds=90),
            )
            for text in texts[1:]
        )  # fmt: skip


def test_the_twenty_first_like_text_is_taken_for_a_machine(way: Way) -> None:
    alike = [
        "Your balance is N1,000.50!",
        "your balance is n2,300.99",
        "YOUR  BALANCE is N7,000.11",
    ]
    repeat(way, [alike[n % 3] for n in range(19)])
    way.say(alike[1], wamid="wamid.20")
    way.say(alike[2], wamid="wamid.21")

    assert "loop_guard" not in reasons(way, "wamid.20")
    assert reasons(way, "wamid.21") == ["loop_guard"]
    assert needs_person(way)


def test_different_texts_are_no_loop(way: Way) -> None:
    repeat(way, [f"question about item {chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(25)])

    way.say("question about item zz", wamid="wamid.L")

    assert "loop_guard" not in reasons(way, "wamid.L")


def test_like_texts_of_an_hour_ago_are_no_loop(way: Way) -> None:
    repeat(way, [QUESTION] * 25)
    with scope.workspace(way.space):
        Message.objects.update(created_at=clock.now() - timedelta(minutes=6))

    way.say(QUESTION, wamid="wamid.L")

    assert reasons(way, "wamid.L")[0] == "faq_matched"


# --- The customer's own switch -----------------------------------------------------------------


def test_stop_and_start_are_the_customers_own_switch(way: Way) -> None:
    way.say("STOP", wamid="wamid.1")
    way.say(QUESTION, wamid="wamid.2")
    way.say("Start.", wamid="wamid.3")
    way.say(QUESTION, wamid="wamid.4")

    assert [reasons(way, f"wamid.{n}")[0] for n in (1, 2, 3, 4)] == [
        "opt_out", "opted_out", "opt_in", "faq_matched",
    ]  # fmt: skip
    assert len(way.api.messages) == 3


def test_start_without_a_stop_before_is_an_ordinary_message(way: Way) -> None:
    way.say("start", wamid="wamid.1")

    assert reasons(way, "wamid.1")[0].startswith("faq_")


def test_stopping_marketing_does_not_stop_answers(way: Way) -> None:
    value = {
        "contacts": [{"profile": {"name": "Ngozi"}, "wa_id": "2348061112222"}],
        "user_preferences": [{
            "wa_id": "2348061112222", "category": "marketing_messages", "value": "stop",
            "detail": "User requested to stop", "timestamp": str(int(clock.now().timestamp())),
        }],
    }  # fmt: skip
    way.post(whatsapp.envelope(value, field="user_preferences"))
    way.say(QUESTION, wamid="wamid.1")

    with scope.workspace(way.space):
        contact = Contact.objects.get()
    assert (contact.is_marketing_opted_out, contact.is_opted_out) == (True, False)
    assert reasons(way, "wamid.1")[0] == "faq_matched"


# --- Late messages ------------------------------------------------------------------------------


def test_a_message_that_reaches_us_after_a_day_is_not_answered(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1", at=(clock.now() - timedelta(hours=25)).timestamp())

    assert reasons(way, "wamid.1") == ["faq_matched", "window_closed"]
    assert needs_person(way)
    assert way.api.requests == []


@pytest.mark.parametrize("hours", [-48, 24 * 30])
def test_a_clock_that_cannot_be_right_does_not_close_the_window(way: Way, hours: int) -> None:
    way.say(QUESTION, wamid="wamid.1", at=(clock.now() - timedelta(hours=hours)).timestamp())

    assert len(way.api.messages) == 1
