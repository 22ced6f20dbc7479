"""What became of customers' questions, which stayed unanswered, and what would answer them."""

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from faqs import learning
from faqs.encoder import encoding
from faqs.models import Entry, Label
from lib import clock
from messaging import accuracy, bot, quality
from messaging.accuracy import Accuracy
from messaging.models import BotSettings, DismissedQuestion, Message, TraceStep
from tests.faqs.conftest import encoder as encoder
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db
CREDIT = ("Do you sell on credit?", "pls do you sell on CREDIT", "generator repair abeg")


def next_number(way: Way) -> int:
    with scope.workspace(way.space):
        return Message.objects.count() + 1


def ask(way: Way, *texts: str) -> list[int]:
    """Let a customer of each text's own write it; return the messages."""
    for number, text in enumerate(texts, start=next_number(way)):
        way.say(text, wamid=f"wamid.Q{number}", sender=f"23480{number:08d}")
    with scope.workspace(way.space):
        found = Message.objects.filter(text__in=texts, direction="in").order_by("pk")
        return [message.pk for message in found]


def label(message_id: int, *, faq_id: str | None, source: str, answered: str = "") -> None:
    known = {entry.faq_id: entry for entry in Entry.objects.all()}
    text = Message.objects.get(pk=message_id).text
    Label.objects.create(
        message_id=message_id,
        text=text,
        entry=known.get(faq_id or ""),
        answered_id=known[answered].pk if answered else None,
        source=source,
        created_at=clock.now(),
    )


def figures(way: Way) -> Accuracy:
    with scope.workspace(way.space):
        return quality.overview(now=clock.now()).accuracy


def topics(space: Workspace) -> list[tuple[str, int]]:
    with scope.workspace(space):
        found = quality.topics(workspace=space, now=clock.now())
    return [(one.title, one.count) for one in found]


def make_unsure(message_id: int, nearest: str) -> None:
    """Have a message been offered a menu that begins with an entry."""
    step = TraceStep.objects.get(message_id=message_id, step="faq")
    step.reason = "faq_unsure"
    step.detail = {"top": [{"faq_id": nearest, "confidence": 0.4}]}
    step.save()
    TraceStep.objects.filter(message_id=message_id, step="handover").update(
        step="menu", reason="menu_offered"
    )


def test_what_became_of_the_questions_is_counted(way: Way) -> None:
    right, wrong = ask(way, "What time do you open?", "How much is delivery?")
    menu, *_ = ask(way, "zebra crossing", "generator repair abeg")
    ask(way, "hello", "thank you", "I want to talk to a person")
    with scope.workspace(way.space):
        make_unsure(menu, "returns")
        label(right, faq_id="opening_hours", source="team", answered="opening_hours")
        label(wrong, faq_id="returns", source="team", answered="delivery_fee")
        label(menu, faq_id="returns", source="tap")

    found = figures(way)

    assert found == Accuracy(answered=2, corrected=1, offered=1, tapped=1, handed_over=1)
    assert found.share is None
    assert Accuracy(412, 1, 0, 0, 0).percent == "99 %"


def test_what_is_older_than_the_days_looked_at_counts_no_more(way: Way) -> None:
    ask(way, "What time do you open?", CREDIT[2])
    with scope.workspace(way.space):
        Message.objects.update(created_at=clock.now() - timedelta(days=accuracy.DAYS, minutes=1))

    assert figures(way) == Accuracy(0, 0, 0, 0, 0)
    assert topics(way.space) == []


def test_unanswered_questions_come_together_and_stay_at_home(way: Way, rival: Workspace) -> None:
    ask(way, *CREDIT, "What time do you open?", "good morning")

    found = topics(way.space)

    assert sorted(count for _, count in found) == [1, 2] and found[0][1] == 2
    assert topics(rival) == []


def test_what_somebody_found_an_entry_for_is_answered(way: Way) -> None:
    first, other, third = ask(way, "zebra one", "lion two", "tiger three")
    with scope.workspace(way.space):
        label(first, faq_id="returns", source="tap")
        label(other, faq_id=None, source="team")
        TraceStep.objects.filter(message_id=third, step="faq").update(
            step="model", reason="model_chose"
        )

    assert topics(way.space) == [("lion two", 1)]


def test_half_a_question_is_no_question(way: Way) -> None:
    [message] = ask(way, "zebra crossing")
    with scope.workspace(way.space):
        step = TraceStep.objects.get(message_id=message, step="faq")
        TraceStep.objects.filter(pk=step.pk).update(detail={**step.detail, "after": "delivery"})

    assert topics(way.space) == []


def test_a_topic_that_was_put_away_stays_away(way: Way, ada: User, rival: Workspace) -> None:
    *_, latest = ask(way, "Do you sell on credit?", "do you sell on credit")

    with scope.workspace(way.space):
        done = quality.dismiss(workspace=way.space, message_id=latest, user=ada, now=clock.now())
        again = quality.dismiss(workspace=way.space, message_id=10**9, user=ada, now=clock.now())
        assert "credit" not in str(DismissedQuestion.objects.values())
    ask(way, "DO YOU SELL ON CREDIT!!")

    assert (done, again) == (True, False)
    assert topics(way.space) == []
    with scope.workspace(rival):
        assert not DismissedQuestion.objects.exists()


def test_the_form_of_a_new_answer_is_filled_in_up_to_what_an_address_holds(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(way, "Do you sell on credit?", "tiger")
    with scope.workspace(way.space):
        [credit, _] = sorted(
            quality.topics(workspace=way.space, now=clock.now()), key=lambda one: one.title
        )

    assert credit.prefill == "question=Do+you+sell+on+credit%3F"
    long = replace(credit, others=[*["ẹ" * 300] * 9, "short"])
    assert len(long.prefill) < 2_600 and long.prefill.endswith("phrasing=short")


def test_customers_words_are_offered_to_the_entry_they_were_nearest_to(way: Way) -> None:
    near, tapped, corrected, taken = ask(
        way, "zebra to surulere", "lion waybill", "tiger closing hour", "hippo"
    )
    with scope.workspace(way.space):
        for message, faq_id in ((near, "delivery_fee"), (tapped, "returns"), (taken, "returns")):
            make_unsure(message, faq_id)
        label(tapped, faq_id="delivery_fee", source="tap")
        label(corrected, faq_id="opening_hours", source="team", answered="returns")
        label(taken, faq_id=None, source="team")
        found = quality.answers(workspace=way.space, now=clock.now())

    assert {
        one.entry.faq_id: [(s.text, s.origin) for s in one.suggestions] for one in found.wanting
    } == {
        "delivery_fee": [("lion waybill", "tap"), ("zebra to surulere", "asked")],
        "opening_hours": [("tiger closing hour", "team")],
        "returns": [],
    }
    assert [(p.first.faq_id, p.second.faq_id) for p in found.pairs] == [
        ("delivery_fee", "returns"),
        ("opening_hours", "returns"),
    ]
    assert found.test is None


def test_the_test_and_the_groups_come_with_the_model(way: Way, encoder: encoding.Encoder) -> None:
    learning.train(workspace=way.space, now=clock.now())
    ask(way, "do you repair generators?", "i need a generator repair person", "who won the match")

    with scope.workspace(way.space):
        overview = quality.overview(now=clock.now())
        found = quality.answers(workspace=way.space, now=clock.now())
        [first, *_] = quality.topics(workspace=way.space, now=clock.now())

    assert (overview.learnt.state, overview.learnt.entry_count) == ("current", 3)
    assert found.test is not None and found.test.count == 9
    assert first.count == 2 and "generator" in first.title


def test_the_second_look_encodes_nothing(
    way: Way, encoder: encoding.Encoder, monkeypatch: Any
) -> None:
    learning.train(workspace=way.space, now=clock.now())
    ask(way, "do you sell on credit?")
    before = topics(way.space)
    monkeypatch.setattr(encoding.Encoder, "encode", lambda *_: pytest.fail("encoded again"))

    assert topics(way.space) == before


def test_how_sure_the_bot_must_be_is_written_down(acme: Workspace, ada: User) -> None:
    with scope.workspace(acme):
        now = clock.now()
        assert bot.set_manner(workspace=acme, manner="careful", actor=ada, now=now)
        assert not bot.set_manner(workspace=acme, manner="careful", actor=ada, now=now)

        assert bot.settings_of().manner == "careful"
        entry = AuditEntry.objects.get(action="bot.published")
        assert (entry.reason, entry.actor_id) == ("How sure it must be", ada.pk)


# --- The command -----------------------------------------------------------------------------


def run(*words: str) -> str:
    out = StringIO()
    call_command("faq_quality", *words, stdout=out)
    return out.getvalue()


def test_the_command_tells_the_same_in_words_and_as_json(way: Way) -> None:
    ask(way, *CREDIT, "What time do you open?")

    told = run("--workspace", "acme")
    found = json.loads(run("--workspace", "acme", "--json"))

    assert "accuracy      not enough yet" in told and "self-test     not yet" in told
    assert "unanswered    2 x" in told
    assert found["accuracy"] == {
        "answered": 1, "corrected": 0, "offered": 0, "tapped": 0, "handed_over": 3, "share": None,
    }  # fmt: skip
    assert found["questions"][0]["count"] == 2 and found["self_test"] is None
    assert {one["faq_id"] for one in found["phrasings"]} == {
        "delivery_fee", "opening_hours", "returns",
    }  # fmt: skip
    assert json.loads(run("--workspace", "rival", "--json"))["model"]["state"] == "empty"


def test_the_commands_help_names_each_key(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("faq_quality", "--help")
    told = capsys.readouterr().out

    for key in json.loads(run("--workspace", "acme", "--json")):
        assert f"\n  {key} " in told, key


def test_an_unknown_workspace_is_named() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        run("--workspace", "nowhere")


@pytest.mark.parametrize(
    ("manner", "row"),
    [
        (BotSettings.Manner.CAREFUL, "| 5 | mean, Careful "),
        (BotSettings.Manner.BALANCED, "| 5 | **mean** "),
        (BotSettings.Manner.EAGER, "| 5 | mean, Eager "),
    ],
)
def test_what_owners_are_told_of_a_manner_is_what_was_measured(
    manner: BotSettings.Manner, row: str
) -> None:
    docs = (settings.BASE_DIR / "docs" / "answers.md").read_text(encoding="utf-8")
    unseen = docs.partition("### Leave one set out")[2]
    cells = next(line for line in unseen.splitlines() if line.startswith(row)).split("|")[3:7]

    told = bot.MANNERS[manner]

    right, wrong, _, covered = (int(float(cell) * 100 + 0.501) for cell in cells)
    assert f"{right} of 100 questions right at once, {wrong} wrong" in told
    assert f"of 100 that no answer covers, {covered} got one" in told
