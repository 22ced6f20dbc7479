"""What the bot says: greeting, menu, hand-over, budget. Never anything but the owner's own or fixed texts."""

from datetime import UTC, datetime, timedelta

import pytest

from billing import metering, meters, plans
from billing.models import DailyCounter
from connections import manager, providers
from faqs import versions
from faqs.models import Entry
from faqs.search import Finding, Match
from lib import clock
from messaging import pipeline, sentences, takeover, trace
from messaging.desk import Desk
from messaging.models import BotSettings, Conversation, Message
from messaging.trace import Verdict
from messaging.turn import LiveTurn
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Notice, User

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"
ANSWER = "We open 9am to 6pm, Monday to Saturday."
NONSENSE = "zebra quantum bicycle insurance?"


def texts(way: Way) -> list[str]:
    return [
        m["text"]["body"] if m["type"] == "text" else m["interactive"]["body"]["text"]
        for m in way.api.messages
    ]


def conversation(way: Way) -> Conversation:
    with scope.workspace(way.space):
        return Conversation.objects.get()


def reasons(way: Way, wamid: str) -> list[str]:
    with scope.workspace(way.space):
        story = trace.story(provider_message_id=wamid)
    assert story is not None
    return [s.reason for s in story.steps if s.verdict in ("act", "stop")]


# --- Greetings and persons ---------------------------------------------------------------------


@pytest.mark.parametrize("text", ["hi", "Hello!", "Good morning sir", "How far", "HELLO there 👋"])
def test_a_greeting_is_answered_with_the_owners_greeting(way: Way, text: str) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(greeting="Welcome to Acme.")

    way.say(text, wamid="wamid.1")

    assert texts(way) == ["Welcome to Acme."]


def test_without_a_greeting_of_the_owners_there_is_a_fixed_one(way: Way) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(greeting="")

    way.say("hi", wamid="wamid.1")

    assert texts(way) == [sentences.greeting(BotSettings(), business="Acme Fabrics")]


@pytest.mark.parametrize(
    "text", ["agent", "I want to speak with someone", "let me talk to a human"]
)
def test_who_asks_for_a_person_gets_one_and_the_bot_keeps_out(way: Way, text: str) -> None:
    way.say(text, wamid="wamid.1")
    way.say(QUESTION, wamid="wamid.2")

    talk = conversation(way)
    assert texts(way) == [sentences.HANDOVER]
    assert (talk.holder, talk.held_by_id, talk.needs_person) == ("person", None, True)
    assert reasons(way, "wamid.2")[0] == "human_holds"


def test_an_unknown_question_is_handed_over_and_the_bot_stays_in_the_talk(way: Way) -> None:
    way.say(NONSENSE, wamid="wamid.1")
    way.say(NONSENSE.upper(), wamid="wamid.2")
    way.say(QUESTION, wamid="wamid.3")

    assert texts(way) == [sentences.HANDOVER, ANSWER]
    assert conversation(way).needs_person


def test_after_it_was_given_back_a_new_hand_over_is_said_again(way: Way, ada: User) -> None:
    way.say(NONSENSE, wamid="wamid.1")
    with scope.workspace(way.space):
        takeover.give_back(
            workspace=way.space, conversation_id=conversation(way).pk, user=ada, now=clock.now()
        )

    way.say(NONSENSE, wamid="wamid.2")

    assert texts(way) == [sentences.HANDOVER, sentences.HANDOVER]


def test_an_inactive_or_changed_answer_is_seen_at_once(way: Way) -> None:
    with scope.workspace(way.space):
        versions.bump()
        Entry.objects.filter(faq_id="opening_hours").update(answer="We open at ten.")

    way.say(QUESTION, wamid="wamid.1")

    assert texts(way) == ["We open at ten."]


# --- The menu ----------------------------------------------------------------------------------


def offer(way: Way, count: int = 3) -> list[Verdict]:
    """Offer the first entries for a message that fits several."""
    way.post(whatsapp.text("ok?", wamid="wamid.M"))
    way.work()
    with scope.workspace(way.space):
        message = Message.objects.select_related("conversation__contact").get(
            provider_message_id="wamid.M"
        )
        desk = Desk(workspace=way.space, now=clock.now())
        offered = tuple(
            Match(e.pk, e.faq_id, e.question, e.answer, 0.4)
            for e in Entry.objects.order_by("pk")[:count]
        )
        turn = LiveTurn(
            workspace=way.space,
            bot=desk.bot,
            standing=desk.standing,
            now=desk.now,
            desk=desk,
            text="ok?",
            connection=way.connection,
            conversation=message.conversation,
            message=message,
            finding=Finding("menu", 0.4, offered=offered, nearest=offered),
        )
        verdicts = pipeline.offer_menu(turn)
        desk.close()
    way.work()
    return verdicts


def tap(way: Way, button: str, *, wamid: str, title: str = "1. How much is…") -> None:
    payload = whatsapp.text("x", wamid=wamid)
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["text"]
    message.update(
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": button, "title": title}},
        }
    )
    way.post(payload)
    way.work()


def test_an_unsure_answer_offers_up_to_three_buttons_and_a_tap_answers(way: Way) -> None:
    verdicts = offer(way)
    menu = way.api.messages[-1]["interactive"]
    buttons = [b["reply"] for b in menu["action"]["buttons"]]

    tap(way, buttons[1]["id"], wamid="wamid.T")

    assert verdicts[-1].reason == "menu_offered"
    assert [b["title"][:3] for b in buttons] == ["1. ", "2. ", "3. "]
    assert all(len(b["title"]) <= 20 for b in buttons)
    assert "2. What time do you open?" in menu["body"]["text"]
    assert texts(way)[-1] == ANSWER
    assert reasons(way, "wamid.T")[0] == "faq_chosen"


@pytest.mark.parametrize("typed", ["2", " 2 ", "2.", "2)"])
def test_the_number_of_a_menus_line_answers_too(way: Way, typed: str) -> None:
    offer(way)

    way.say(typed, wamid="wamid.N")

    assert texts(way)[-1] == ANSWER


def test_a_number_that_the_menu_does_not_have_is_an_ordinary_message(way: Way) -> None:
    offer(way, count=2)

    way.say("3", wamid="wamid.N")

    assert "faq_chosen" not in reasons(way, "wamid.N")


def test_a_number_without_a_menu_before_is_an_ordinary_message(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    way.say("2", wamid="wamid.N")

    assert "faq_chosen" not in reasons(way, "wamid.N")


@pytest.mark.parametrize(
    "button", ["faq:999999", "faq:x", "faq:", "faq:-1", "faq:" + "9" * 30, "other:1", "٣", ""]
)
def test_a_tap_on_nothing_we_know_is_looked_up_by_its_title(way: Way, button: str) -> None:
    tap(way, button, wamid="wamid.T", title=QUESTION)

    assert texts(way) == [ANSWER]


def test_a_tap_on_an_answer_that_was_switched_off_meanwhile_does_not_send_it(way: Way) -> None:
    offer(way)
    with scope.workspace(way.space):
        versions.bump()
        entry = Entry.objects.get(faq_id="opening_hours")
        Entry.objects.filter(pk=entry.pk).update(is_active=False)

    tap(way, f"faq:{entry.pk}", wamid="wamid.T", title="nonsense title zz")

    assert ANSWER not in texts(way)


def test_a_provider_without_buttons_gets_numbers_that_work(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(providers.get("cloud_api")), "supports_buttons", False)
    offer(way)
    assert way.api.messages[-1]["type"] == "text"

    way.say("2", wamid="wamid.N")

    assert texts(way)[-1] == ANSWER


def test_a_menu_of_long_questions_is_one_that_whatsapp_takes(way: Way) -> None:
    with scope.workspace(way.space):
        for entry in Entry.objects.all():
            entry.question = (entry.question + " and more" * 60)[:300]
            entry.save()

    offer(way)

    body = way.api.messages[-1]["interactive"]["body"]["text"]
    assert len(body) <= 1024
    assert sentences.MENU_FOOT in body


# --- The day's allowance -----------------------------------------------------------------------


@pytest.fixture
def free(way: Way) -> Way:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
    return way


def use(way: Way, count: int, *, at: datetime | None = None) -> None:
    with scope.workspace(way.space):
        for _ in range(count):
            metering.reserve(
                workspace=way.space,
                meter=meters.MESSAGES_SENT,
                per_day=None,
                now=at or clock.now(),
            )


def test_the_free_plan_sends_fifty_a_day_and_then_hands_over_once_told(free: Way) -> None:
    use(free, 48)
    for n in range(5):
        free.say(QUESTION, wamid=f"wamid.{n}", sender=f"234806000000{n}")

    assert len(free.api.messages) == 2
    assert [reasons(free, f"wamid.{n}")[-1] for n in (2, 3, 4)] == ["plan_limit"] * 3
    with scope.workspace(free.space):
        assert Conversation.objects.filter(needs_person=True).count() == 3
        assert Message.objects.filter(direction="in").count() == 5
        assert Notice.objects.filter(key__startswith="limit:").count() == 1
        assert DailyCounter.objects.get(meter_id="messages_sent").used == 50


def test_at_the_limit_a_person_still_may_write(free: Way, ada: User) -> None:
    use(free, 50)
    free.say(QUESTION, wamid="wamid.1")

    with scope.workspace(free.space):
        takeover.reply(
            workspace=free.space, conversation_id=conversation(free).pk, user=ada, text="From nine.",
            now=clock.now(),
        )  # fmt: skip
    free.work()

    assert texts(free) == ["From nine."]


@pytest.mark.parametrize(
    ("reached_at", "asked_at", "is_answered"),
    [
        # Lagos is an hour ahead: its day ends at 23:00 UTC.
        (
            datetime(2026, 11, 19, 22, 0, tzinfo=UTC),
            datetime(2026, 11, 19, 22, 59, tzinfo=UTC),
            False,
        ),
        (
            datetime(2026, 11, 19, 22, 0, tzinfo=UTC),
            datetime(2026, 11, 19, 23, 1, tzinfo=UTC),
            True,
        ),
        (
            datetime(2026, 11, 19, 23, 30, tzinfo=UTC),
            datetime(2026, 11, 20, 0, 30, tzinfo=UTC),
            False,
        ),
    ],
)
def test_the_allowance_begins_anew_at_midnight_in_lagos(
    free: Way, reached_at: datetime, asked_at: datetime, is_answered: bool
) -> None:
    use(free, 50, at=reached_at)

    with scope.workspace(free.space):
        has_place = metering.reserve(
            workspace=free.space, meter=meters.MESSAGES_SENT, per_day=50, now=asked_at
        )

    assert has_place is is_answered


def test_each_day_of_lagos_has_its_own_notice(free: Way) -> None:
    free.say(QUESTION, wamid="wamid.1")
    with scope.workspace(free.space):
        message = Message.objects.select_related("conversation__contact").get(direction="in")
        for moment in (
            datetime(2026, 11, 19, 22, 30, tzinfo=UTC),
            datetime(2026, 11, 19, 23, 30, tzinfo=UTC),  # the next day in Lagos, not in UTC
            datetime(2026, 11, 20, 0, 30, tzinfo=UTC),
        ):
            desk = Desk(workspace=free.space, now=moment)
            pipeline.over_limit(
                LiveTurn(
                    workspace=free.space, bot=desk.bot, now=moment, text="",
                    standing=desk.standing, desk=desk,
                    conversation=message.conversation, message=message,
                )
            )  # fmt: skip
        keys = sorted(Notice.objects.values_list("key", flat=True))

    assert keys == ["limit:2026-11-19", "limit:2026-11-20"]


def test_a_late_message_uses_no_place(free: Way) -> None:
    free.say(QUESTION, wamid="wamid.1", at=(clock.now() - timedelta(hours=30)).timestamp())

    with scope.workspace(free.space):
        assert not DailyCounter.objects.exists()


def test_an_answer_as_long_as_whatsapp_allows_goes_out_whole(way: Way) -> None:
    with scope.workspace(way.space):
        versions.bump()
        Entry.objects.filter(faq_id="opening_hours").update(answer="x" * 4096)

    way.say(QUESTION, wamid="wamid.1")

    assert [len(text) for text in texts(way)] == [4096]


def test_a_second_number_of_the_business_answers_from_itself(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        second = manager.add(
            workspace=way.space, provider="cloud_api", phone="+2348031110001", external_id="5550",
            account_id="", secrets={"access_token": "t"}, actor=None, now=clock.now(), is_verified=True)  # fmt: skip
    way.connection = second
    way.say(QUESTION, wamid="wamid.2")

    assert [r["path"].split("/")[2] for r in way.api.requests] == [whatsapp.NUMBER_ID, "5550"]
    assert conversation(way).connection_id == second.pk
