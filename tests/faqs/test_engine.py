"""The engine as a whole: right answers, honest silence, bounded time and size, nothing shared."""

import contextlib
import io
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faqs import evaluating, index, sample
from faqs.cleaning import Reading
from faqs.encoder import encoding
from faqs.engine import answering, asking, certainty, features, model, training
from faqs.engine.answering import Answerer, Choice, Part
from faqs.engine.model import Model

SHOP = Path(__file__).parents[1] / "fixtures" / "answers" / "sme_fashion"
BALANCED = certainty.thresholds("balanced")


def trained(encoder: encoding.Encoder, sources: Sequence[index.Source]) -> Model:
    return training.train(sources, encoder, identity="test")


def shop_sources(phrasings: int = 3) -> list[index.Source]:
    return sample.sources((SHOP / "faqs.csv").read_bytes(), phrasings)


@pytest.fixture(scope="module")
def shop(encoder: encoding.Encoder) -> Answerer:
    return Answerer.of(trained(encoder, shop_sources()), encoder)


def figures(answerer: Answerer) -> dict[str, float]:
    cases = evaluating.read_cases((SHOP / "queries.csv").read_bytes(), known=answerer.model.faq_ids)
    found = evaluating.figures(evaluating.run(cases, lambda q: answerer.judge(q, BALANCED)))
    return {name: value for name, value in found.items() if isinstance(value, float)}


def test_a_shop_is_answered_well(shop: Answerer) -> None:
    found = figures(shop)

    assert found["top1"] >= 0.86
    assert found["top3"] >= 0.95
    assert found["right"] >= 0.65
    assert found["wrong"] <= 0.05
    assert found["oos_answered"] <= 0.13


def test_one_phrasing_an_entry_already_works(encoder: encoding.Encoder) -> None:
    found = figures(Answerer.of(trained(encoder, shop_sources(1)), encoder))

    assert found["top1"] >= 0.75
    assert found["right"] >= 0.4
    assert found["wrong"] <= 0.05


@pytest.mark.parametrize(
    ("text", "faq_ids"),
    [
        ("abeg how much una dey charge for delivery", ["delivery_fee"]),
        ("GOOD MORNING MA!!! pls where is ur shop located 🙏🙏", ["locations"]),
        ("wher is my oder", ["track_order"]),
        ("where is your shop and what time do you close", ["locations", "opening_hours"]),
    ],
)
def test_questions_are_answered(shop: Answerer, text: str, faq_ids: list[str]) -> None:
    judged = shop.judge(text, BALANCED)

    assert judged.verdict == "answer"
    assert [choice.faq_id for choice in judged.answers] == faq_ids
    assert judged.confidence >= BALANCED.answer


@pytest.mark.parametrize("text", ["hello", "thank you ma", "😂😂", "", "???", "see you tomorrow"])
def test_small_talk_never_reaches_the_entries(shop: Answerer, text: str) -> None:
    judged = shop.judge(text, BALANCED)

    assert (judged.verdict, judged.parts, judged.answers) == ("smalltalk", (), ())


@pytest.mark.parametrize(
    "text", ["who won the match yesterday", "my network is bad", "i need a loan", "\ud800 zq 7"]
)
def test_what_no_entry_covers_is_not_answered(shop: Answerer, text: str) -> None:
    assert shop.judge(text, BALANCED).verdict != "answer"


def test_menu_offers_three(shop: Answerer) -> None:
    judged = shop.judge("is it still there", certainty.Thresholds(answer=1.1, menu=0.0))

    assert judged.verdict == "menu"
    assert len(judged.offered) == 3
    confidences = [choice.confidence for choice in judged.offered]
    assert confidences == sorted(confidences, reverse=True)


def test_menu_holds_what_a_part_surely_asks_for() -> None:
    def part(*choices: Choice) -> Part:
        return Part(Reading("", "", ()), choices)

    near, far, sure, unsure = (
        Choice(number, f"q{number}", confidence)
        for number, confidence in enumerate((0.4, 0.3, 0.7, 0.3))
    )

    judged = answering.judge_parts((part(near, far), part(sure), part(unsure)), BALANCED)

    assert (judged.verdict, judged.offered) == ("menu", (sure, near, far))


def test_greeting_is_answered_where_an_entry_is_for_it(encoder: encoding.Encoder) -> None:
    greeting = index.Source(1, "greeting", "hello", "Welcome!", ("good morning", "hi"))
    hours = index.Source(2, "hours", "What time do you open?", "At nine.")
    answerer = Answerer.of(trained(encoder, [greeting, hours]), encoder)

    assert answerer.judge("hi", BALANCED).parts[0].choices[0].faq_id == "greeting"


def test_messages_are_judged_alike_alone_and_together(shop: Answerer) -> None:
    texts = ["how much is delivery", "hello", "i want a refund. where is your shop?", "bread"]

    together = shop.judge_all(texts, BALANCED)

    for text, judged in zip(texts, together, strict=True):
        alone = shop.judge(text, BALANCED)
        assert (judged.verdict, judged.answers) == (alone.verdict, alone.answers)
        assert judged.confidence == pytest.approx(alone.confidence, abs=0.002)


def test_small_lists_do_not_answer_what_they_do_not_know(encoder: encoding.Encoder) -> None:
    one = index.Source(1, "hours", "What time do you open?", "9 to 5")
    two = index.Source(2, "price", "How much is delivery?", "N2,500")

    for sources in ([], [one], [one, two]):
        answerer = Answerer.of(trained(encoder, sources), encoder)
        for text in ("do you", "who won the match yesterday", "can you fix my generator"):
            assert answerer.judge(text, BALANCED).verdict != "answer"
    only = Answerer.of(trained(encoder, [one]), encoder)
    assert only.judge("wat time una dey open", BALANCED).verdict == "answer"


def test_stored_model_answers_like_the_trained_one(
    encoder: encoding.Encoder, shop: Answerer
) -> None:
    stored = model.to_bytes(shop.model)
    again = Answerer.of(model.from_bytes(stored, encoder="test"), encoder)

    assert len(stored) < 1_000_000
    for text in ("how much is delivery", "na only gown una dey sell", "do you repair phones"):
        kept, fresh = again.judge(text, BALANCED), shop.judge(text, BALANCED)
        assert [c.faq_id for c in kept.parts[0].choices] == [
            c.faq_id for c in fresh.parts[0].choices
        ]
        assert kept.confidence == pytest.approx(fresh.confidence, abs=0.01)


def test_other_bytes_are_refused(shop: Answerer) -> None:
    stored = model.to_bytes(shop.model)
    pickled = io.BytesIO()
    np.savez(pickled, about=np.array([{"form": 1}], dtype=object))

    for data in (b"", b"no model", stored[:500], pickled.getvalue()):
        with pytest.raises(model.UnableToLoad):
            model.from_bytes(data, encoder="test")
    with pytest.raises(model.UnableToLoad, match="another encoder"):
        model.from_bytes(stored, encoder="newer")


def test_damaged_bytes_are_refused_whatever_the_damage_breaks(shop: Answerer) -> None:
    stored = model.to_bytes(shop.model)
    chance = random.Random(4)
    loaded = 0

    for _ in range(300):
        damaged = bytearray(stored)
        damaged[chance.randrange(len(stored))] ^= 1 << chance.randrange(8)
        with contextlib.suppress(model.UnableToLoad):
            model.from_bytes(bytes(damaged), encoder="test")
            loaded += 1

    assert loaded < 150


@pytest.mark.parametrize(
    ("part", "spoil"),
    [
        ("starts", lambda whole: whole + 1),
        ("rows", lambda whole: whole + 10_000),
        ("vectors", lambda whole: whole[:1]),
        ("shares", lambda whole: whole[:, :-1]),
        ("rarities", lambda whole: whole[:-1]),
    ],
)
def test_places_that_lead_outside_are_found_when_it_is_loaded(
    shop: Answerer, part: str, spoil: Callable[[Any], Any]
) -> None:
    spoilt: Any = {part: spoil(getattr(shop.model, part))}
    stored = model.to_bytes(replace(shop.model, **spoilt))

    with pytest.raises(model.UnableToLoad):
        model.from_bytes(stored, encoder="test")


def test_left_out_entry_is_measured_as_if_it_had_never_been_there(
    encoder: encoding.Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The closed form, against training again without each entry."""
    monkeypatch.setattr(training, "_USUAL_WEIGHT", 0)
    sources = [replace(one, answer="") for one in shop_sources()[:6]]
    readings = {one.entry_id: training._texts(0, one) for one in sources}
    whole = trained(encoder, sources)

    highest = []
    for left_out in sources:
        rest = trained(encoder, [one for one in sources if one is not left_out])
        rest = replace(rest, rarities=whole.rarities)
        rows = training._Rows.of(
            [replace(t, place=p) for p, one in enumerate(s for s in sources if s is not left_out)
             for t in readings[one.entry_id]],
            [t.reading for one in sources if one is not left_out for t in readings[one.entry_id]],
            whole.rarities, encoder, entries=5,
        )  # fmt: skip
        shares = training._solve(rows, entries=5).shares
        starts, places, values = model.by_bin(rows.bins, rows.values)
        rest = replace(rest, shares=shares, starts=starts, rows=places, values=values)
        asked = [text.reading for text in readings[left_out.entry_id]]
        for ranked in asking.ask(rest, asked, encoder, limit=1):
            fit = ranked[0].evidence.fit * rest.strangers.spread + rest.strangers.mean
            highest.append(fit)

    assert whole.strangers.mean == pytest.approx(np.mean(highest), abs=1e-3)
    assert whole.strangers.spread == pytest.approx(np.std(highest), abs=1e-3)


def big_list(entries: int, phrasings: int) -> list[index.Source]:
    """Distinct questions of a made-up catalogue."""
    things = ["lace", "ankara", "gown", "shoe", "bag", "wig", "cap", "belt", "scarf", "suit"]
    verbs = ["price of", "size of", "delivery of", "return of", "colours of"]

    def text(number: int, way: int) -> str:
        thing, verb = things[number % 10], verbs[number // 10 % 5]
        return f"{['what is the', 'tell me the', 'need', 'about the', 'pls'][way]} {verb} {thing} model {number}"

    return [
        index.Source(n, f"q{n}", text(n, 0), f"Answer {n}.", tuple(text(n, w) for w in range(1, phrasings)))
        for n in range(entries)
    ]  # fmt: skip


def test_150_entries_are_trained_in_seconds_and_stay_small(encoder: encoding.Encoder) -> None:
    began = time.process_time()
    found = trained(encoder, big_list(150, 5))

    assert time.process_time() - began < 10
    assert len(model.to_bytes(found)) < 3_000_000
    assert found.size < 8_000_000


def test_phrasings_beyond_the_limit_share_a_row(
    encoder: encoding.Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MOST_ROWS", 60)
    answerer = Answerer.of(trained(encoder, big_list(30, 5)), encoder)

    assert len(answerer.model.shares) == 60
    assert answerer.judge("tell me the return of suit model 19", BALANCED).parts[0].choices[
        0
    ].faq_id == ("q19")


def test_odd_entries_neither_break_it_nor_draw_answers(encoder: encoding.Encoder) -> None:
    odd = [
        index.Source(1, "empty", "", ""),
        index.Source(2, "emoji", "😂😂", "🙏"),
        index.Source(3, "twice", "where are you", "Ikeja", ("where are you", "where are you")),
        index.Source(4, "same", "where are you", "Ikeja"),
        index.Source(5, "long", "x" * 5_000, "y " * 5_000),
    ]
    answerer = Answerer.of(trained(encoder, odd), encoder)

    assert answerer.judge("who won the match", BALANCED).verdict != "answer"
    assert answerer.judge("where are you", BALANCED).parts[0].choices[0].faq_id in ("twice", "same")


@pytest.mark.parametrize("text", ["x" * 65_000, "a b " * 20_000, "\ufdfa" * 9_000, "how? " * 9_000])
def test_odd_texts_neither_break_it_nor_take_long(shop: Answerer, text: str) -> None:
    began = time.process_time()

    judged = shop.judge(text, BALANCED)

    assert judged.verdict != "answer"
    assert time.process_time() - began < 0.5


def test_two_questions_are_encoded_once_each_and_the_whole_is_where_both_point(
    shop: Answerer, encoder: encoding.Encoder
) -> None:
    asked: list[str] = []

    class Counting:
        def encode(self, texts: Sequence[str]) -> Any:
            asked.extend(texts)
            return encoder.encode(texts)

        def vocabulary(self) -> tuple[str, ...]:
            return ()

    answerer = replace(shop, encoder=Counting())
    judged = answerer.judge("where is your shop. also, who won the match yesterday", BALANCED)

    whole, *parts = judged.parts
    assert [part.reading.plain for part in parts] == list(dict.fromkeys(asked))
    assert len(parts) == 2
    assert whole.reading.plain not in asked
    assert whole.choices[0].faq_id == "locations"


def test_joined_vectors_point_between_what_was_joined() -> None:
    near = np.array([[[1, 0, 0], [0, 1, 0]]] * 2, dtype=np.float32)

    even, odd = features.joined(near, [4, 4]), features.joined(near, [3, 0])

    assert even.shape == (2, 1, 3)
    assert even[0, 0] == pytest.approx([0.7071, 0.7071, 0], abs=1e-4)
    assert odd[1, 0] == pytest.approx([1, 0, 0])


@pytest.mark.parametrize("text", ["where is your shop", "where is your shop. also, who are you?"])
def test_without_entries_nothing_is_answered(encoder: encoding.Encoder, text: str) -> None:
    answerer = Answerer.of(trained(encoder, []), encoder)

    judged = answerer.judge(text, BALANCED)

    assert (judged.verdict, judged.answers, judged.offered) == ("none", (), ())
