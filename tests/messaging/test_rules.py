"""What an owner asks of the bot: hours, words, limits, honesty, tone. Each changes what is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lib import clock
from messaging import asking, hours, sentences, words
from messaging.models import BotSettings, Conversation
from tests.messaging.conftest import Way
from tests.messaging.test_gates import ANSWER, QUESTION, needs_person, reasons, steps
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
CLOSED = " ".join(["-"] * 7)
LAGOS = "Africa/Lagos"


def configure(way: Way, **values: Any) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(**values)


def texts(way: Way) -> list[str]:
    return [
        m["text"]["body"] if m["type"] == "text" else m["interactive"]["body"]["text"]
        for m in way.api.messages
    ]


# --- Hours -------------------------------------------------------------------------------------


def test_outside_the_hours_the_away_text_is_sent_once_and_all_waits_for_the_team(way: Way) -> None:
    configure(way, hours=CLOSED, outside="away", away_text="We sleep.")

    way.say(QUESTION, wamid="wamid.1")
    way.say(QUESTION, wamid="wamid.2")

    assert texts(way) == ["We sleep."]
    assert reasons(way, "wamid.1") == ["outside_hours", "queued"]
    assert steps(way, "wamid.2")[-1].reason == "outside_hours"
    assert steps(way, "wamid.2")[-1].verdict == "stop"
    assert needs_person(way)


def test_each_closing_time_has_its_away_text(way: Way) -> None:
    # Open for one minute that is over: closed since then.
    local = clock.now().astimezone(ZoneInfo(LAGOS))
    span = f"{local - timedelta(minutes=2):%H:%M}-{local - timedelta(minutes=1):%H:%M}"
    configure(way, hours=" ".join([span] * 7), outside="away")
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        Conversation.objects.update(away_told_at=clock.now() - timedelta(hours=1))

    way.say(QUESTION, wamid="wamid.2")
    way.say(QUESTION, wamid="wamid.3")

    assert len(texts(way)) == 2
    assert reasons(way, "wamid.2") == ["outside_hours", "queued"]
    assert reasons(way, "wamid.3") == ["outside_hours"]


def test_within_the_hours_and_by_default_questions_are_answered(way: Way) -> None:
    configure(way, hours=CLOSED)
    way.say(QUESTION, wamid="wamid.1")
    configure(way, hours=hours.ALWAYS, outside="away")
    way.say(QUESTION, wamid="wamid.2")

    assert texts(way) == [ANSWER, ANSWER]
    assert "hours" not in [step.step for step in steps(way, "wamid.1")]
    assert "hours" in [step.step for step in steps(way, "wamid.2")]


def test_a_hand_over_outside_the_hours_says_when_somebody_is_back() -> None:
    friday_night = datetime(2026, 11, 20, 19, tzinfo=UTC)
    saturday_night = datetime(2026, 11, 21, 19, tzinfo=UTC)
    how = BotSettings(outside="tell")

    said = [sentences.handover(how, zone=LAGOS, now=now) for now in (friday_night, saturday_night)]

    assert said[0].endswith("Somebody is here again tomorrow at 8:00.")
    assert said[1].endswith("Somebody is here again on Monday at 8:00.")
    by_day = sentences.handover(how, zone=LAGOS, now=friday_night - timedelta(hours=8))
    assert by_day == sentences.HANDOVER


def test_a_hand_over_that_tells_the_opening_is_sent(way: Way) -> None:
    configure(way, hours=" ".join(["-"] * 7), outside="tell")
    way.say("agent", wamid="wamid.1")

    assert texts(way) == [sentences.HANDOVER]  # never open: there is nothing to tell


def test_an_owners_away_text_may_name_the_next_opening() -> None:
    how = BotSettings(away_text="Closed. Back {opens}! {name}")
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)

    assert sentences.away(how, zone=LAGOS, now=now) == "Closed. Back today at 8:00! {name}"


# --- Words -------------------------------------------------------------------------------------


def test_what_is_off_limits_goes_to_the_team(way: Way) -> None:
    configure(way, off_limits="lawyer\nmoney back")

    way.say(f"{QUESTION} My LAWYER asks.", wamid="wamid.1")
    way.say("Lawyers? What time do you open?", wamid="wamid.2")

    assert reasons(way, "wamid.1") == ["off_limits", "queued", "handover_off_limits"]
    assert "“lawyer”" in steps(way, "wamid.1")[-5].sentence or any(
        "“lawyer”" in step.sentence for step in steps(way, "wamid.1")
    )
    assert needs_person(way)
    assert texts(way)[0] == sentences.HANDOVER
    assert "off_limits" not in reasons(way, "wamid.2")


def test_a_forbidden_word_is_found_at_the_end_of_a_very_long_message() -> None:
    assert words.held_by("x y " * 5_000 + "Réfund!", "refund") == "refund"
    assert words.held_by("refunds", "refund") == ""


def test_an_owners_own_words_call_a_person(way: Way) -> None:
    configure(way, handover_words="wholesale\nmadam")

    way.say("I want WHOLESALE price", wamid="wamid.1")

    assert reasons(way, "wamid.1")[0] == "asked_for_person"


def test_unsure_questions_go_to_the_team_at_once_where_the_owner_wants_that(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faqs import search
    from faqs.models import Entry

    with scope.workspace(way.space):
        near = tuple(
            search.Match(e.pk, e.faq_id, e.question, e.answer, 0.4) for e in Entry.objects.all()
        )
    unsure = search.Finding("menu", 0.4, offered=near, nearest=near)
    monkeypatch.setattr(search, "look", lambda _, texts, **__: [unsure for _ in texts])
    configure(way, unsure="person")

    way.say("something near", wamid="wamid.1")
    tried = asking.rehearse(workspace=way.space, text="something near", now=clock.now())

    assert texts(way) == [sentences.HANDOVER]
    assert reasons(way, "wamid.1") == ["faq_unsure", "queued", "handover_faq_unsure"]
    assert (tried.decision, tried.answer) == ("handover", sentences.HANDOVER)


# --- Honesty -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Are you a bot?", "are u human", "Is this a bot?", "Am I talking to a real person?",
        "you be bot?", "Na bot be this?", "bot or human?", "are you real",
        "Are you a real person or a machine?", "is this an automated reply?", "Is it AI?",
        "Abeg, na robot dey reply me?", "am i chatting with a bot",
    ],
)  # fmt: skip
def test_who_asks_whether_it_is_a_bot_is_recognised(text: str) -> None:
    assert words.asks_whether_bot(text)


@pytest.mark.parametrize(
    "text",
    [
        "Is this real leather?", "is it automatic?", "Is this machine available?", "are you open?",
        "how much is the sewing machine", "I want to talk to a person", "are you the owner",
        "You are a good person", "can I speak to a human", "na how much",
    ],
)  # fmt: skip
def test_a_question_about_goods_or_for_a_person_is_not_that(text: str) -> None:
    assert not words.asks_whether_bot(text)


@pytest.mark.parametrize("closed", [False, True])
def test_the_truth_is_told_at_any_hour_and_under_any_name(way: Way, closed: bool) -> None:
    configure(way, name="Zuri", hours=CLOSED if closed else hours.ALWAYS, outside="away")

    way.say("Are you a real person?", wamid="wamid.1")

    assert reasons(way, "wamid.1") == ["asked_if_bot", "queued"]
    assert texts(way)[0].startswith("Yes, I am Zuri, the automated assistant of Acme Fabrics, not")


# --- Its own words -----------------------------------------------------------------------------


def test_each_switch_changes_what_is_sent() -> None:
    plain = BotSettings()

    for change in (
        {"language": "pcm"}, {"is_friendly": True}, {"is_short": True}, {"uses_emoji": True},
    ):  # fmt: skip
        how = BotSettings(**change)
        assert sentences.greeting(how, business="B") != sentences.greeting(plain, business="B")
        assert sentences.menu_head(how) + sentences.menu_foot(how) != (
            sentences.menu_head(plain) + sentences.menu_foot(plain)
        )
        now = datetime(2026, 11, 20, 3, tzinfo=UTC)
        for said in (sentences.handover, sentences.away):
            assert said(how, zone=LAGOS, now=now) != said(plain, zone=LAGOS, now=now)


@pytest.mark.parametrize("language", ["en", "pcm"])
@pytest.mark.parametrize("tone", range(8))
def test_no_sentence_is_left_with_a_gap(language: str, tone: int) -> None:
    how = BotSettings(
        language=language, name="Zuri", outside="tell",
        is_friendly=bool(tone & 1), uses_emoji=bool(tone & 2), is_short=bool(tone & 4),
    )  # fmt: skip
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    said = [
        sentences.menu_head(how), sentences.menu_foot(how), sentences.honest(how, business="B"),
        sentences.handover(how, zone=LAGOS, now=now), sentences.away(how, zone=LAGOS, now=now),
        sentences.consent(how, is_out=True), sentences.consent(how, is_out=False),
    ]  # fmt: skip
    for how.disclosure in ("no", "plain", "person"):
        said.append(sentences.greeting(how, business="B"))
        assert said[-1].count("Zuri") == 1

    assert not [text for text in said if "{" in text or "  " in text]


def test_a_name_with_braces_is_only_a_name() -> None:
    how = BotSettings(name="{business}{0}", disclosure="plain")

    assert "{0}" in sentences.greeting(how, business="{name}")


def test_the_greeting_discloses_where_that_is_wanted(way: Way) -> None:
    configure(way, greeting="Welcome!", disclosure="person", language="pcm")

    way.say("hello", wamid="wamid.1")

    assert texts(way) == [
        "Welcome!\nI be the automated assistant of Acme Fabrics. If you want talk to person, write"
        " *agent*."
    ]


def test_a_rehearsal_says_what_a_customer_would_get(acme: Workspace) -> None:
    how = BotSettings(off_limits="refund", outside="away", hours=CLOSED, away_text="Closed.")
    found = {
        text: asking.rehearse(workspace=acme, text=text, now=clock.now(), how=how)
        for text in ("refund please", "hello", "are you a bot")
    }

    assert [(one.decision, one.gates[-2].reason) for one in found.values()] == [
        ("handover", "off_limits"), ("handover", "outside_hours"), ("answer", "asked_if_bot"),
    ]  # fmt: skip
    assert found["hello"].answer == "Closed."
