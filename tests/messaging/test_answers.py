"""The trained model in the way of a message: follow-ups, two questions, taps, manners, the trace."""

from datetime import timedelta
from typing import Any

import pytest

from ai import choosing
from faqs import learning
from faqs.models import Entry, Label
from lib import clock
from messaging import asking
from messaging.models import BotSettings, Message, TraceStep
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("encoder")]


@pytest.fixture
def shop(way: Way) -> Way:
    """A number whose workspace's answers are learnt."""
    with scope.workspace(way.space):
        learning.train(workspace=way.space, now=clock.now())
    return way


def replies(way: Way) -> list[str]:
    with scope.workspace(way.space):
        return list(
            Message.objects.filter(direction="out").order_by("id").values_list("text", flat=True)
        )


def step(way: Way, wamid: str) -> TraceStep:
    with scope.workspace(way.space):
        return TraceStep.objects.get(message__provider_message_id=wamid, step="faq")


def test_the_trace_holds_what_the_decision_rests_on(shop: Way) -> None:
    shop.say("pls hw much be delivery o 🙏", wamid="wamid.1")

    detail = step(shop, "wamid.1").detail
    assert replies(shop) == ["Delivery within Lagos is ₦2,500."]
    assert detail["engine"] == "model" and "delivery" in detail["cleaned"]
    assert detail["top"][0]["faq_id"] == "delivery_fee" and len(detail["top"]) == 3
    assert detail["thresholds"]["answer"] > detail["thresholds"]["menu"]
    assert detail["version"] == detail["model"] > 0
    assert detail["manner"] == "balanced"


def test_two_questions_are_both_answered_in_one_message(shop: Way) -> None:
    shop.say("How much is delivery? And can I return fabric?", wamid="wamid.1")

    [reply] = replies(shop)
    assert "₦2,500" in reply and "within 7 days" in reply
    assert [part["top"][0]["faq_id"] for part in step(shop, "wamid.1").detail["parts"]] == [
        "delivery_fee",
        "returns",
    ]
    with scope.workspace(shop.space):
        assert dict(Entry.objects.values_list("faq_id", "use_count")) == {
            "delivery_fee": 1,
            "returns": 1,
            "opening_hours": 0,
        }


def test_a_rehearsal_names_both_answers(shop: Way) -> None:
    found = asking.rehearse(
        workspace=shop.space,
        text="How much is delivery? And can I return fabric?",
        now=clock.now(),
    )

    assert found.answered == ["delivery_fee", "returns"]
    assert "₦2,500" in found.answer and "within 7 days" in found.answer


def test_two_long_answers_come_in_two_messages(shop: Way) -> None:
    with scope.workspace(shop.space):
        Entry.objects.filter(faq_id="delivery_fee").update(answer="d" * 3000)
        Entry.objects.filter(faq_id="returns").update(answer="r" * 3000)
        from faqs import versions

        versions.bump()

    shop.say("How much is delivery? And can I return fabric?", wamid="wamid.1")

    assert replies(shop) == ["d" * 3000, "r" * 3000]


def test_a_follow_up_is_understood_by_the_question_before_it(shop: Way) -> None:
    shop.say("How much is delivery to Lagos?", wamid="wamid.1")
    shop.say("and for Abuja?", wamid="wamid.2")

    assert replies(shop) == ["Delivery within Lagos is ₦2,500."] * 2
    assert step(shop, "wamid.2").detail["after"] == "How much is delivery to Lagos?"


@pytest.mark.usefixtures("unsure")
def test_a_model_is_asked_a_follow_up_with_the_question_before_it(
    shop: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def request_all(*, asks: Any, **_: Any) -> set[int]:
        asked.extend(one.question for one in asks)
        return set()

    monkeypatch.setattr(choosing, "request_all", request_all)
    with scope.workspace(shop.space):
        BotSettings.objects.update(uses_ai=True)
    shop.say("How much is delivery to Lagos?", wamid="wamid.1")
    shop.say("and for delivery to Abuja?", wamid="wamid.2")

    assert asked[0] == "How much is delivery to Lagos?"
    assert step(shop, "wamid.2").detail.get("after") == asked[0]
    assert asked[1] == "How much is delivery to Lagos?\nand for delivery to Abuja?"


def test_a_chain_of_follow_ups_goes_back_to_the_question(shop: Way) -> None:
    for n, text in enumerate(("How much is delivery to Lagos?", "and for Abuja?", "Kano nko?")):
        shop.say(text, wamid=f"wamid.{n}")

    assert step(shop, "wamid.2").detail["after"] == "How much is delivery to Lagos?"


@pytest.mark.parametrize("said", ["thank you very much", "👍👍"])
def test_thanks_in_between_do_not_hide_the_question(shop: Way, said: str) -> None:
    for n, text in enumerate(("How much is delivery to Lagos?", said, "and for Abuja?")):
        shop.say(text, wamid=f"wamid.{n}")

    assert step(shop, "wamid.2").detail["after"] == "How much is delivery to Lagos?"


def test_another_customers_question_is_no_context(shop: Way) -> None:
    shop.say("How much is delivery to Lagos?", wamid="wamid.1", sender="2348060000001")
    shop.say("and for Abuja?", wamid="wamid.2", sender="2348060000002")

    assert "after" not in step(shop, "wamid.2").detail
    assert "₦2,500" not in replies(shop)[-1]


def test_an_old_question_is_no_context(shop: Way) -> None:
    shop.say("How much is delivery to Lagos?", wamid="wamid.1")
    with scope.workspace(shop.space):
        Message.objects.update(created_at=clock.now() - timedelta(minutes=45))

    shop.say("and for Abuja?", wamid="wamid.2")

    assert "after" not in step(shop, "wamid.2").detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("good morning ma", "greeting"),
        ("thank you so much", "thanks"),
        ("👍🏽", "no_words"),
        ("sannu", "greeting"),
    ],
)
def test_small_talk_never_reaches_the_entries(shop: Way, text: str, reason: str) -> None:
    shop.say(text, wamid="wamid.1")

    with scope.workspace(shop.space):
        steps = TraceStep.objects.filter(message__provider_message_id="wamid.1")
        assert steps.filter(step="greeting", reason=reason).exists()
        assert not steps.filter(step="faq").exists()


def test_a_greeting_goes_to_the_entry_that_is_there_for_it(shop: Way) -> None:
    with scope.workspace(shop.space):
        from faqs import entries

        entries.create(
            question="hello",
            answer="Welcome in!",
            phrasings=["hi", "good morning"],
            now=clock.now(),
        )
        learning.train(workspace=shop.space, now=clock.now())

    shop.say("hi", wamid="wamid.1")

    assert replies(shop) == ["Welcome in!"]


def test_a_question_far_outside_is_handed_over(shop: Way) -> None:
    shop.say("who won the champions league final in 2019", wamid="wamid.1")

    assert step(shop, "wamid.1").reason == "faq_none"
    assert "colleague" in replies(shop)[0]


def test_the_owners_manner_decides_from_which_confidence_on_it_answers(shop: Way) -> None:
    thresholds = {}
    for n, manner in enumerate(("careful", "balanced", "eager")):
        with scope.workspace(shop.space):
            BotSettings.objects.update(manner=manner)
        shop.say("how much is delivery pls", wamid=f"wamid.{n}", sender=f"234806000000{n}")
        thresholds[manner] = step(shop, f"wamid.{n}").detail["thresholds"]["answer"]

    assert thresholds["careful"] > thresholds["balanced"] > thresholds["eager"]


# --- Learning from taps ------------------------------------------------------------------------


@pytest.fixture
def unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bot offer a menu where it would answer."""
    from faqs.engine import certainty

    zones = {name: certainty.Thresholds(answer=2.0, menu=0.0) for name in certainty.shipped().zones}
    monkeypatch.setattr(certainty, "thresholds", lambda manner: zones[manner])


def labels(way: Way) -> list[tuple[str, str, str]]:
    with scope.workspace(way.space):
        return list(Label.objects.values_list("text", "entry__faq_id", "source"))


@pytest.mark.usefixtures("unsure")
def test_a_tap_in_the_menu_labels_the_question_that_it_was_offered_for(shop: Way) -> None:
    shop.say("abt the delivery thing", wamid="wamid.1")
    tap(shop, "delivery_fee", wamid="wamid.2")

    assert replies(shop)[-1] == "Delivery within Lagos is ₦2,500."
    assert labels(shop) == [("abt the delivery thing", "delivery_fee", "tap")]


def tap(shop: Way, faq_id: str, *, wamid: str, menu: str = "") -> None:
    """Tap on a menu's button as WhatsApp tells it."""
    with scope.workspace(shop.space):
        wanted = Entry.objects.get(faq_id=faq_id)
    payload: Any = whatsapp.text("x", wamid=wamid)
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    message["type"] = "interactive"
    message["interactive"] = {
        "type": "button_reply",
        "button_reply": {"id": f"faq:{wanted.pk}", "title": "1. …"},
    }
    if menu:
        message["context"] = {"id": menu}
    shop.post(payload)
    shop.work()


@pytest.mark.usefixtures("unsure")
def test_a_tap_on_an_older_menu_labels_the_question_of_that_menu(shop: Way) -> None:
    shop.say("abt the delivery thing", wamid="wamid.1")
    shop.say("when una dey close for the day", wamid="wamid.2")
    with scope.workspace(shop.space):
        first = Message.objects.filter(direction="out").order_by("id")[0]

    tap(shop, "delivery_fee", wamid="wamid.3", menu=first.provider_message_id)

    assert first.provider_message_id
    assert labels(shop) == [("abt the delivery thing", "delivery_fee", "tap")]


@pytest.mark.usefixtures("unsure")
def test_a_tap_on_what_the_last_menu_does_not_offer_is_not_of_that_menu(shop: Way) -> None:
    shop.say("abt the delivery thing", wamid="wamid.1")
    shop.say("when una dey close for the day", wamid="wamid.2")
    with scope.workspace(shop.space):
        delivery = Entry.objects.get(faq_id="delivery_fee")
        last = Message.objects.filter(direction="out").order_by("-id")[0]
        last.content["choices"].remove(f"faq:{delivery.pk}")
        last.save()

    tap(shop, "delivery_fee", wamid="wamid.3")

    assert [text for text, _, _ in labels(shop)] == ["abt the delivery thing"]


@pytest.mark.usefixtures("unsure")
def test_a_number_typed_after_the_menu_labels_it_too(shop: Way) -> None:
    shop.say("abt the delivery thing", wamid="wamid.1")
    shop.say("1", wamid="wamid.2")

    assert [text for text, _, _ in labels(shop)] == ["abt the delivery thing"]
    assert step(shop, "wamid.2").reason == "faq_chosen"


def test_a_forged_tap_labels_nothing(shop: Way) -> None:
    tap(shop, "delivery_fee", wamid="wamid.2")

    assert labels(shop) == []
