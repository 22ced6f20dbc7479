"""The self-test is exact, like questions go together, and what customers wrote is offered once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from faqs import entries, index
from faqs.encoder import encoding
from faqs.engine import asking, features, training
from faqs.engine import model as models
from faqs.engine.answering import Answerer
from faqs.models import Entry, GoldenQuestion, Label
from faqs.quality import asked, confusing, grouping, said, selftest, wanting
from faqs.quality.asked import Question
from faqs.quality.said import Said
from faqs.quality.wanting import Suggestion
from tests.faqs.test_engine import shop_sources, trained
from workspaces import scope
from workspaces.models import Workspace

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOURS = index.Source(1, "hours", "What time do you open?", "At 9.", ("opening hours", "open when"))
PRICE = index.Source(2, "price", "How much is delivery?", "N2,500.", ("delivery fee",))


# --- The self-test ---------------------------------------------------------------------------


def test_each_way_to_ask_is_judged_as_if_it_had_never_been_there(
    encoder: encoding.Encoder,
) -> None:
    """The closed form, against solving again without each text."""
    sources = [replace(one, answer="") for one in shop_sources()[:8]]
    texts = [t for place, one in enumerate(sources) for t in training._texts(place, one)]
    asked_ones = [place for place, text in enumerate(texts) if text.weight == 1]
    whole = trained(encoder, sources)

    taken = []
    for left_out in asked_ones:
        rest = [text for place, text in enumerate(texts) if place != left_out]
        rows = training._Rows.of(
            rest, [t.reading for t in rest], whole.rarities, encoder, entries=len(sources)
        )
        starts, places, values = models.by_bin(rows.bins, rows.values)
        model = replace(
            whole, vectors=rows.vectors, starts=starts, rows=places, values=values,
            shares=training._solve(rows, entries=len(sources)).shares,
        )  # fmt: skip
        [[best]] = asking.ask(model, [texts[left_out].reading], encoder, limit=1)
        taken.append(best.place)

    assert whole.taken.tolist() == taken


def test_shares_are_told_of_each_entry_and_of_all(encoder: encoding.Encoder) -> None:
    alone = index.Source(3, "alone", "Do you sew?", "Yes.")
    lone = trained(encoder, [HOURS, PRICE, alone])

    found = selftest.run(replace(lone, taken=np.array([0, 0, 1, 1, 1, 0])), [HOURS, PRICE, alone])

    assert found is not None
    assert [(one.entry_id, one.found, one.count) for one in found.entries] == [(1, 2, 3), (2, 2, 2)]
    assert found.share == 4 / 5
    assert found.misses == [selftest.Miss("open when", 1, 2)]


def test_a_model_of_other_entries_is_not_tested(encoder: encoding.Encoder) -> None:
    model = trained(encoder, [HOURS, PRICE])

    assert selftest.run(model, [HOURS]) is None
    assert selftest.run(model, [HOURS, replace(PRICE, phrasings=())]) is None
    assert selftest.run(trained(encoder, []), []) == selftest.SelfTest([], [])


def test_what_shares_a_row_is_left_out(
    encoder: encoding.Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MOST_ROWS", 4)
    sources = [HOURS, PRICE]

    found = selftest.run(trained(encoder, sources), sources)

    assert found is not None and found.count == 2


# --- Groups ----------------------------------------------------------------------------------


def directions(*angles: float) -> features.Floats:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], dtype=np.float32)


def test_groups_are_joined_by_their_mean_distance() -> None:
    found = grouping.group(directions(0, 3, 0.1, 3.1, 1.5), apart=0.5)

    assert found == [[0, 2], [1, 3], [4]]
    assert grouping.group(np.zeros((0, 2), dtype=np.float32)) == []
    assert grouping.group(directions(1, 1, 1, 1)) == [[0, 1, 2, 3]]


def test_groups_are_those_of_joining_the_nearest_first() -> None:
    numbers = np.random.default_rng(7).normal(size=(60, 3)).astype(np.float32)
    vectors = numbers / np.linalg.norm(numbers, axis=1, keepdims=True)

    assert grouping.group(vectors, apart=0.4) == slowly(vectors, 0.4)


def slowly(vectors: features.Floats, apart: float) -> list[list[int]]:
    """Average linkage by the book."""
    away = 1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    groups = [[place] for place in range(len(vectors))]
    while len(groups) > 1:
        distance, a, b = min(
            (away[np.ix_(one, other)].mean(), a, b)
            for a, one in enumerate(groups)
            for b, other in enumerate(groups[:a])
        )
        if distance > apart:
            break
        groups[b] += groups.pop(a)
    return sorted(sorted(one) for one in groups)


def questions(*texts: str) -> list[Question]:
    """The first is the latest."""
    return [Question(100 - n, text, NOON - timedelta(hours=n)) for n, text in enumerate(texts)]


def titles(found: Sequence[asked.Group]) -> list[tuple[str, int]]:
    return [(one.title, one.count) for one in found]


ASKED = questions(
    "do you sell on credit?",
    "Pls can I pay small small?",
    "DO YOU SELL ON CREDIT",
    "hello",
    "😂",
    "can I buy now and pay later",
    "open when",
    "do you repair generators",
    "can i buy on credit",
)


def test_without_a_model_texts_that_are_written_alike_go_together() -> None:
    found = asked.groups(ASKED, sources=[HOURS, PRICE], answerer=None, manner="balanced")

    assert titles(found)[0] == ("do you sell on credit?", 2)
    assert {count for _, count in titles(found)[1:]} == {1} and len(found) == 5
    assert found[0].latest.reference == 100


def test_with_a_model_texts_that_mean_the_same_go_together(encoder: encoding.Encoder) -> None:
    answerer = Answerer.of(trained(encoder, [HOURS, PRICE]), encoder)

    found = asked.groups(
        [*ASKED, *questions("what are your opening hours please")],
        sources=[HOURS, PRICE],
        answerer=answerer,
        manner="balanced",
    )

    assert found[0].count >= 4
    texts = {one.text for one in found[0].texts}
    assert {"do you sell on credit?", "can i buy on credit"} <= texts
    shown = {one.text for group in found for one in group.texts}
    assert "do you repair generators" in shown - texts
    assert not shown & {"open when", "hello", "what are your opening hours please"}


def test_what_a_switched_off_entry_would_answer_is_asked_still(encoder: encoding.Encoder) -> None:
    answerer = Answerer.of(trained(encoder, [HOURS, PRICE]), encoder)

    found = asked.groups(
        questions("what are your opening hours please"),
        sources=[PRICE],
        answerer=answerer,
        manner="balanced",
    )

    assert len(found) == 1


def test_no_more_texts_are_looked_at_than_a_page_can_wait_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asked, "MOST", 2)

    found = asked.groups(
        questions("a b", "c d", "e f", "a b"), sources=[], answerer=None, manner="eager"
    )

    assert titles(found) == [("a b", 2), ("c d", 1)]


# --- Pairs -----------------------------------------------------------------------------------


def test_pairs_are_ranked_by_what_people_and_the_test_say() -> None:
    third = index.Source(3, "returns", "Can I return it?", "Yes.")
    people = [
        Said(7, "fee?", entry_id=2, answered_id=1, source="team"),
        Said(8, "how much to bring", entry_id=2, answered_id=None, source="tap"),
        Said(9, "none fits", entry_id=None, answered_id=1, source="team"),
        Said(10, "was right", entry_id=1, answered_id=1, source="team"),
    ]
    misses = [selftest.Miss("delivery fee", 2, 3), selftest.Miss("gone", 2, 99)]

    mixed = [*confusing.from_people(people, {8: 1}), *confusing.from_test(misses)]
    found = confusing.pairs(mixed, [HOURS, PRICE, third])

    assert [(p.first.faq_id, p.second.faq_id, p.weight) for p in found] == [
        ("price", "hours", 4),
        ("price", "returns", 1),
    ]
    assert [one.text for one in found[0].mixed] == ["fee?", "how much to bring"]


# --- More ways to ask ------------------------------------------------------------------------


def test_entries_with_few_phrasings_get_what_customers_wrote() -> None:
    full = index.Source(3, "full", "Do you sew?", "Yes.", ("a", "b", "c"))
    suggestions = [
        Suggestion("how much to bring am", "price", "asked", 0.3),
        Suggestion("HOW MUCH to bring am!!", "price", "tap"),
        Suggestion("how much to bring am", "hours", "asked", 0.9),
        Suggestion("delivery fee?", "price", "team"),
        Suggestion("who won the match", "hours", "asked", 0.05),
        Suggestion("good morning", "hours", "asked", 0.4),
        Suggestion("you dey\nopen | sunday", "hours", "asked", 0.4),
        Suggestion("x" * 301, "hours", "asked", 0.4),
        Suggestion("sewing", "full", "team"),
    ]

    found = wanting.entries([HOURS, PRICE, full], suggestions)

    assert {one.entry.faq_id: [s.text for s in one.suggestions] for one in found} == {
        "price": ["HOW MUCH to bring am!!"],
        "hours": ["you dey open sunday"],
    }
    assert [one.entry.faq_id for one in wanting.entries([HOURS, PRICE], [])] == ["price", "hours"]


# --- One of two ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_two_entries_become_one_with_all_ways_to_ask(acme: Workspace, now: datetime) -> None:
    with scope.workspace(acme):
        kept = entries.create(
            question="Delivery fee?", answer="₦2,500.", phrasings=["fee"], now=now
        )
        other = entries.create(
            question="Cost of waybill?", answer="Old.", phrasings=["FEE", "waybill"], now=now
        )
        for pk, entry, answered in ((1, other, None), (2, kept, other.pk)):
            Label.objects.create(
                message_id=pk, text="t", entry=entry, answered_id=answered, source="team",
                created_at=now,
            )  # fmt: skip
        GoldenQuestion.objects.create(entry=other, text="waybill?", origin="person", created_at=now)

        entries.merge(kept_id=kept.pk, other_id=other.pk, now=now + timedelta(hours=1))

        entry = Entry.objects.get()
        assert (entry.question, entry.answer) == ("Delivery fee?", "₦2,500.")
        assert [p.text for p in entry.phrasings.order_by("pk")] == [
            "fee", "Cost of waybill?", "waybill",
        ]  # fmt: skip
        assert entry.updated_at == now + timedelta(hours=1)
        assert {one.entry_id for one in said.since(now)} == {kept.pk}
        assert not any(one.is_correction for one in said.since(now))
        assert GoldenQuestion.objects.get().entry_id == kept.pk


@pytest.mark.django_db
def test_two_entries_with_too_many_ways_to_ask_stay_two(acme: Workspace, now: datetime) -> None:
    with scope.workspace(acme):
        one, other = (
            entries.create(
                question=f"Which {name}?",
                answer="x",
                phrasings=[f"{name} {n}" for n in range(60)],
                now=now,
            )
            for name in ("lace", "wig")
        )
        with pytest.raises(entries.UnableToSaveEntry, match="too many"):
            entries.merge(kept_id=one.pk, other_id=other.pk, now=now)
        with pytest.raises(Entry.DoesNotExist):
            entries.merge(kept_id=one.pk, other_id=10**9, now=now)

        assert Entry.objects.count() == 2


@pytest.mark.django_db
def test_ways_to_ask_are_added_once(acme: Workspace, rival: Workspace, now: datetime) -> None:
    with scope.workspace(acme):
        entry = entries.create(question="Delivery fee?", answer="₦2,500.", now=now)
        assert entries.add_phrasings(entry_id=entry.pk, texts=["how much", "HOW MUCH"], now=now)
        assert not entries.add_phrasings(entry_id=entry.pk, texts=["how much"], now=now)
        assert [one.text for one in entry.phrasings.all()] == ["how much"]
    with scope.workspace(rival):
        assert not entries.add_phrasings(entry_id=entry.pk, texts=["theirs"], now=now)
