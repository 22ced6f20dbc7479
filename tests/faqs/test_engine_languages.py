"""The engine on what customers of the ready-made lists write: Pidgin, two questions, typing errors."""

import csv
import random
from pathlib import Path

import pytest

import faqs
from faqs import sample
from faqs.encoder import encoding
from faqs.engine import certainty, training
from faqs.engine.answering import Answerer, Judgement

ASKED = Path(__file__).parents[1] / "fixtures" / "answers" / "ready_made.csv"
LISTS = Path(faqs.__file__).parent / "templates_data"
BALANCED = certainty.thresholds("balanced")
PHRASINGS = 3

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def answerers(encoder: encoding.Encoder) -> dict[str, Answerer]:
    found = {}
    for path in LISTS.glob("*.csv"):
        entries = sample.sources(path.read_bytes(), PHRASINGS)
        model = training.train(entries, encoder, identity="test")
        found[path.stem] = Answerer.of(model, encoder)
    return found


def rows(tag: str) -> Rows:
    with ASKED.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["tag"] == tag]


def judged(answerers: dict[str, Answerer], asked: Rows) -> list[tuple[set[str], Judgement]]:
    return [
        (
            set(row["expected_faq_id"].split("+")),
            answerers[row["list"]].judge(row["query"], BALANCED),
        )
        for row in asked
    ]


def first_is_right(found: list[tuple[set[str], Judgement]]) -> float:
    """Return how often the nearest entry is the one that was asked for."""
    return sum(one.parts[0].choices[0].faq_id in right for right, one in found) / len(found)


def test_pidgin_is_understood(answerers: dict[str, Answerer]) -> None:
    found = judged(answerers, rows("pidgin"))

    assert first_is_right(found) >= 0.88
    wrong = [one for right, one in found if not {c.faq_id for c in one.answers} <= right]
    assert len(wrong) <= 0.05 * len(found)


def test_both_questions_of_a_message_are_answered(answerers: dict[str, Answerer]) -> None:
    found = judged(answerers, rows("two"))

    both = [right == {choice.faq_id for choice in one.answers} for right, one in found]
    assert sum(both) >= 0.75 * len(both)


def test_typing_errors_cost_little(answerers: dict[str, Answerer]) -> None:
    clean: Rows = []
    for path in LISTS.glob("*.csv"):
        for entry in sample.sources(path.read_bytes()):
            for phrasing in entry.phrasings[PHRASINGS - 1 :]:  # those it was not trained on
                clean.append(
                    {"list": path.stem, "query": phrasing, "expected_faq_id": entry.faq_id}
                )
    chosen = sorted(clean, key=lambda row: row["query"])[::4]
    dice = random.Random(1)
    typed = [{**row, "query": mistyped(row["query"], dice)} for row in chosen]

    before, after = (
        first_is_right(judged(answerers, chosen)),
        first_is_right(judged(answerers, typed)),
    )

    assert before >= 0.8
    assert before - after <= 0.05


def mistyped(text: str, dice: random.Random) -> str:
    """Let a letter fall out, change places or come twice, in a third of the longer words."""
    words = text.split()
    longer = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for place in dice.sample(longer, -(-len(longer) // 3)):
        word = words[place]
        at = dice.randrange(1, len(word) - 1)
        words[place] = dice.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at] + word[at:],
            ]
        )
    return " ".join(words)
