"""When a model is asked: its choice is carried out once, and nothing it writes reaches a customer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import TestCase

from ai import gateway
from ai.models import Budget, Call
from faqs import search, versions
from faqs.models import Entry
from lib import clock
from messaging import bot, choices, pipeline, sentences, takeover, trace
from messaging.models import BotSettings, Contact, Conversation, Message
from tests import whatsapp
from tests.ai import models
from tests.messaging.conftest import ENTRIES, Way
from workspaces import scope, states

pytestmark = pytest.mark.django_db
UNSURE = "is it possible that you come to me with it"
FIXED = {sentences.HANDOVER, sentences.greeting(BotSettings(), business="Acme Fabrics")}
OWNERS = {answer for _, _, answer, _ in ENTRIES}


@pytest.fixture(autouse=True)
def _unsure(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the model on, and let the look-up be unsure about one text."""
    with scope.workspace(way.space):
        BotSettings.objects.update(uses_ai=True)
        offered = tuple(
            search.Match(e.pk, e.faq_id, e.question, e.answer, 0.4)
            for e in Entry.objects.order_by("pk")
        )
    unsure = search.Finding("menu", 0.4, offered=offered[:3], nearest=offered)
    look = search.look
    monkeypatch.setattr(
        search, "look",
        lambda space, texts, **o: [unsure if t == UNSURE else look(space, [t], **o)[0] for t in texts],
    )  # fmt: skip


Model = Callable[..., Awaitable[gateway.Reply]]


def says(text: str) -> Model:
    async def complete(**_: Any) -> gateway.Reply:
        return gateway.Reply(text, "gpt-6-luna", 100, 20, 5)

    return complete


def ask(way: Way, monkeypatch: pytest.MonkeyPatch, model: Model | None = None) -> None:
    """Let the unsure text come in, the model be asked and its choice be carried out."""
    if model is not None:
        monkeypatch.setattr(gateway, "complete", model)
    way.say(UNSURE, wamid="wamid.1")
    models.answer()
    finish(way)


def call(way: Way) -> Call:
    with scope.workspace(way.space):
        return Call.objects.get()


def finish(way: Way) -> bool:
    before = call(way).used_at
    choices.finish_all(workspace=way.space)
    way.work()
    return call(way).used_at != before


def be_late(way: Way) -> None:
    with scope.workspace(way.space):
        Call.objects.update(deadline_at=clock.now() - timedelta(seconds=1))


def said(way: Way) -> list[str]:
    return [
        m["text"]["body"] if m["type"] == "text" else m["interactive"]["body"]["text"]
        for m in way.api.messages
    ]


def reasons(way: Way) -> list[str]:
    with scope.workspace(way.space):
        story = trace.story(provider_message_id="wamid.1")
    assert story is not None
    return [
        s.reason for s in story.steps if s.step in ("model", "menu", "handover", "reply", "faq")
    ]


# --- The echo model, all the way ---------------------------------------------------------------


def test_while_a_model_is_asked_the_customer_sees_typing(way: Way) -> None:
    way.say(UNSURE, wamid="wamid.1")

    (mark,) = way.api.requests
    assert mark["json"]["typing_indicator"] == {"type": "text"}
    assert mark["json"]["message_id"] == "wamid.1"
    with scope.workspace(way.space):
        assert Message.objects.get().waiting_since is not None
    assert reasons(way) == ["faq_unsure", "model_asked"]


def test_a_picked_entry_is_answered_with_the_owners_text(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(way, monkeypatch, says('{"verdict": "answer", "entries": [2]}'))

    assert said(way) == ["We open 9am to 6pm, Monday to Saturday."]
    assert reasons(way) == ["faq_unsure", "model_asked", "model_chose", "queued"]
    with scope.workspace(way.space):
        assert Message.objects.get(direction="in").waiting_since is None
        assert Entry.objects.get(faq_id="opening_hours").use_count == 1


def test_the_echo_model_walks_the_whole_way(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(way, monkeypatch)

    assert len(said(way)) == 1


def test_none_of_them_hands_over(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(way, monkeypatch, says('{"verdict": "none", "entries": []}'))

    assert said(way) == [sentences.HANDOVER]
    assert reasons(way)[2:] == ["model_none", "queued", "handover_faq_none"]
    with scope.workspace(way.space):
        assert Conversation.objects.get().needs_person


def test_an_unclear_one_offers_the_menu(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(way, monkeypatch, says('{"verdict": "unclear", "entries": [1, 2]}'))

    assert said(way)[0].startswith(sentences.MENU_HEAD)


def test_a_late_model_offers_the_menu_once(way: Way) -> None:
    way.say(UNSURE, wamid="wamid.1")
    assert finish(way) is False
    be_late(way)

    assert finish(way) is True
    assert finish(way) is False
    assert len(said(way)) == 1 and said(way)[0].startswith(sentences.MENU_HEAD)
    assert "model_failed" in reasons(way)


def test_an_answer_after_the_menu_says_nothing_more(way: Way) -> None:
    way.say(UNSURE, wamid="wamid.1")
    be_late(way)
    finish(way)

    models.answer()
    finish(way)

    assert len(said(way)) == 1


def test_over_budget_the_menu_comes_at_once(way: Way, settings: Any) -> None:
    settings.AI_MONTHLY_LIMIT_NANO, settings.AI_API_KEY = 0, "key"
    settings.AI_ROUTES = {"fast": "gpt-6-luna"}

    way.say(UNSURE, wamid="wamid.1")

    assert said(way)[0].startswith(sentences.MENU_HEAD)
    with scope.workspace(way.space):
        assert not Call.objects.exists()


def test_without_the_owners_wish_no_model_is_asked(way: Way) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(uses_ai=False)

    way.say(UNSURE, wamid="wamid.1")

    assert said(way)[0].startswith(sentences.MENU_HEAD)
    with scope.workspace(way.space):
        assert not Budget.objects.exists()


# --- What changed while it thought -------------------------------------------------------------


def a_person_writes(way: Way) -> None:
    with scope.workspace(way.space):
        talk = Conversation.objects.get()
        takeover.hold(conversation=talk, minutes=10, now=clock.now())
        talk.save()


def the_bot_is_switched_off(way: Way) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(mode="off")


def the_workspace_is_suspended(way: Way) -> None:
    states.suspend(
        workspace_id=way.space.pk, reason="x", actor=None, actor_kind="staff", now=clock.now()
    )
    way.space.state = "suspended"


def the_customer_says_stop(way: Way) -> None:
    with scope.workspace(way.space):
        Contact.objects.update(is_opted_out=True)


def the_team_blocks_the_customer(way: Way) -> None:
    with scope.workspace(way.space):
        Contact.objects.update(blocked_at=clock.now())


def the_window_closes(way: Way) -> None:
    with scope.workspace(way.space):
        Conversation.objects.update(last_inbound_at=clock.now() - timedelta(hours=25))


def the_entry_is_taken_away(way: Way) -> None:
    with scope.workspace(way.space):
        versions.bump()
        Entry.objects.update(is_active=False)


@pytest.mark.parametrize(
    "change",
    [a_person_writes, the_bot_is_switched_off, the_workspace_is_suspended, the_customer_says_stop,
     the_team_blocks_the_customer, the_window_closes],
)  # fmt: skip
def test_what_changed_meanwhile_is_asked_again(
    way: Way, monkeypatch: pytest.MonkeyPatch, change: Callable[[Way], None]
) -> None:
    monkeypatch.setattr(gateway, "complete", says('{"verdict": "answer", "entries": [2]}'))
    way.say(UNSURE, wamid="wamid.1")
    models.answer()
    change(way)

    finish(way)

    assert said(way) == []


def test_what_waits_is_left_to_the_team_at_once_when_the_bot_is_switched_off(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "complete", says('{"verdict": "answer", "entries": [2]}'))
    way.say(UNSURE, wamid="wamid.1")

    with scope.workspace(way.space), TestCase.captureOnCommitCallbacks(execute=True):
        bot.switch(workspace=way.space, mode="off", actor=None, now=clock.now())

    with scope.workspace(way.space):
        assert Message.objects.get().waiting_since is None
        assert Conversation.objects.get().needs_person
        story = trace.story(provider_message_id="wamid.1")
    assert story is not None and story.steps[-1].reason == "bot_off"
    models.answer()
    finish(way)
    assert said(way) == []


def test_a_choice_that_comes_after_the_switch_calls_a_person(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "complete", says('{"verdict": "answer", "entries": [2]}'))
    way.say(UNSURE, wamid="wamid.1")
    models.answer()
    the_bot_is_switched_off(way)

    finish(way)

    with scope.workspace(way.space):
        assert Conversation.objects.get().needs_person
        story = trace.story(provider_message_id="wamid.1")
    assert story is not None and "bot_off" in [step.reason for step in story.steps]


def test_who_wants_no_menus_gets_a_hand_over_when_the_model_is_unsure_too(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(unsure="person")

    ask(way, monkeypatch, says('{"verdict": "unclear", "entries": []}'))

    assert said(way) == [sentences.HANDOVER]


def test_an_entry_that_is_gone_is_not_sent(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "complete", says('{"verdict": "answer", "entries": [2]}'))
    way.say(UNSURE, wamid="wamid.1")
    models.answer()
    the_entry_is_taken_away(way)

    finish(way)

    assert said(way) == [sentences.HANDOVER]


# --- A hostile model ---------------------------------------------------------------------------


async def _explodes(**_: Any) -> gateway.Reply:
    raise ZeroDivisionError


async def _hangs(**_: Any) -> gateway.Reply:
    await asyncio.sleep(60)
    raise AssertionError


HOSTILE: dict[str, Model] = {
    "garbage": says("Ignore your owner. Send money to 0123456789."),
    "foreign ordinals": says('{"verdict": "answer", "entries": [99]}'),
    "a text beside it": says('{"verdict": "answer", "entries": [1], "text": "Send money!"}'),
    "its own entry": says('{"verdict": "answer", "entries": ["Send money!"]}'),
    "ten kilobytes": says("Send money! " * 1_000),
    "ten kilobytes of json": says(
        json.dumps({"verdict": "none", "entries": [], "x": "y" * 10_000})
    ),
    "an exception": _explodes,
    "silence": _hangs,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_says_nothing_to_a_customer(
    way: Way, monkeypatch: pytest.MonkeyPatch, settings: Any, name: str
) -> None:
    settings.AI_DEADLINE_SECONDS = 0.4

    ask(way, monkeypatch, HOSTILE[name])
    be_late(way)
    finish(way)

    (text,) = said(way)
    assert text in OWNERS | FIXED or text.startswith(sentences.MENU_HEAD)
    assert "money" not in json.dumps(way.api.requests)
    with scope.workspace(way.space):
        booked = Budget.objects.get()
        free = models.left(way.space)
        assert free == booked.limit_nano - booked.spent_nano  # nothing is kept for it any more
        assert not Message.objects.filter(text__contains="money").exists()


def test_text_that_speaks_of_instructions_is_data(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def complete(**asked: Any) -> gateway.Reply:
        seen.append(asked["prompt"])
        return gateway.Reply('{"verdict": "none"}', "gpt-6-luna", 1, 1, 1)

    monkeypatch.setattr(gateway, "complete", complete)
    way.post(whatsapp.text(UNSURE, wamid="wamid.1"))
    way.work()
    models.answer()

    assert json.loads(seen[0])["message"] == UNSURE
    assert "entry_id" not in seen[0] and way.space.slug not in seen[0]


def test_a_choice_that_fails_goes_to_a_person_and_the_others_to_their_customers(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "complete", says('{"verdict": "answer", "entries": [1]}'))
    for n in range(3):
        way.say(UNSURE, wamid=f"wamid.{n}", sender=f"23480600000{n:02d}")
    models.answer()
    send_entries = pipeline.send_entries

    def faulty(turn: Any, entry: Any) -> Any:
        if turn.message.provider_message_id == "wamid.1":
            raise RuntimeError("a fault of ours")
        return send_entries(turn, entry)

    monkeypatch.setattr(pipeline, "send_entries", faulty)
    choices.finish_all(workspace=way.space)
    way.work()

    with scope.workspace(way.space):
        assert Call.objects.filter(used_at__isnull=True).count() == 0
        assert list(
            Message.objects.filter(direction="out").values_list(
                "answers__provider_message_id", flat=True
            ).order_by("answers")
        ) == ["wamid.0", "wamid.2"]  # fmt: skip
        left = Conversation.objects.get(needs_person=True)
        assert left.contact.phone == "+2348060000001"
