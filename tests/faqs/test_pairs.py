"""However people write their questions down, they are found, with what belongs to them."""

import time
from contextlib import suppress

import pytest

from faqs import readers
from faqs.readers import blocks, pairs

Pairs = list[tuple[str, str]]


def found(text: str) -> Pairs:
    return [(pair.question, pair.answer) for pair in pairs.find(blocks.of_text(text)).pairs]


WAYS = {
    "marks": ("Q: Do you sew?\nA: Yes.\nQ: How long?\nA: A week.", "Yes.", "A week."),
    "marks with numbers": ("Q1. Do you sew?\nAns: Yes.\n\nQ2) How long?\nAns: A week.",
                           "Yes.", "A week."),
    "words": ("Question 1: Do you sew?\nAnswer: Yes.\nQuestion 2: How long?\nAnswer: A week.",
              "Yes.", "A week."),
    "words alone": ("Question 1\nDo you sew?\nAnswer\nYes.\nQuestion 2\nHow long?\nAnswer\nA week.",
                    "Yes.", "A week."),
    "marks in one line": ("Q: Do you sew? A: Yes.\nQ: How long? A: A week.", "Yes.", "A week."),
    "question marks": ("Do you sew?\nYes.\nHow long?\nA week.", "Yes.", "A week."),
    "in one line": ("Do you sew? Yes.\nHow long? A week.", "Yes.", "A week."),
    "numbers": ("1. Do you sew?\nYes.\n2) How long?\nA week.", "Yes.", "A week."),
    "stars": ("*Do you sew?*\nYes.\n*How long?*\nA week.", "Yes.", "A week."),
    "emoji": ("❓ Do you sew?\nYes.\n\n❓ How long?\nA week.", "Yes.", "A week."),
    "headings": ("## Do you sew?\nYes.\n## How long?\nA week.", "Yes.", "A week."),
    "a pasted sheet": ("Question\tAnswer\nDo you sew?\tYes.\nHow long?\tA week.", "Yes.", "A week."),
    "a sheet without heading": ("1\tDo you sew?\tYes.\n2\tHow long?\tA week.", "Yes.", "A week."),
    "a drawn table": ("| Question | Answer |\n|---|---|\n| Do you sew? | Yes. |\n| How long? | A week. |",
                      "Yes.", "A week."),
    "a copied list": ("1.\tDo you sew?\n\tYes.\n2.\tHow long?\n\tA week.", "Yes.", "A week."),
    "numbered marks alone": ("Q1\nDo you sew?\nA1\nYes.\nQ2\nHow long?\nA2\nA week.",
                             "Yes.", "A week."),
    "dashes": ("Q - Do you sew?\nA - Yes.\nQ - How long?\nA - A week.", "Yes.", "A week."),
    "a copied chat": ("[10/05/2024, 10:11] Ada: Do you sew?\n[10/05/2024, 10:12] Shop: Yes.\n"
                      "11/05/2024, 9:01 am - Ada: How long?\n11/05/2024, 9:02 am - Shop: A week.",
                      "Yes.", "A week."),
    "bullets": ("• Do you sew? – Yes.\n• How long? – A week.", "Yes.", "A week."),
    "capitals": ("DO YOU SEW?\nYes.\nHOW LONG?\nA week.", "Yes.", "A week."),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_usual_way_to_write_questions_is_understood(way: str) -> None:
    text, *answers = WAYS[way]

    questions = [(question.capitalize(), answer) for question, answer in found(text)]

    assert questions == list(zip(("Do you sew?", "How long?"), answers, strict=True))


def test_answers_keep_their_lines_lists_and_gaps() -> None:
    text = "Q: Fees?\nA: By area:\n- Lekki ₦3,500\n- Yaba ₦2,000\n\nOutside Lagos: ask.\nQ: Open?\nA: Yes."

    assert found(text)[0][1] == ("By area:\n- Lekki ₦3,500\n- Yaba ₦2,000\n\nOutside Lagos: ask.")


def test_a_question_inside_an_answer_stays_there() -> None:
    text = "1. How do I pay?\nBy transfer. Need help? Call us.\nWant a receipt?\n2. Open?\n3. Where?\nIkeja."

    assert found(text)[0] == ("How do I pay?", "By transfer. Need help? Call us.\nWant a receipt?")


def test_a_numbered_list_inside_an_answer_stays_there() -> None:
    assert found("1. How do I order?\n1. Choose\n2. Pay\n2. Open?\nYes.") == [
        ("How do I order?", "1. Choose\n2. Pay"), ("Open?", "Yes."),
    ]  # fmt: skip


def test_a_question_of_two_lines_is_put_together_where_answers_have_marks() -> None:
    assert found("Q: How much is\ndelivery to Abuja?\nA: ₦5,000\nQ: Open?\nA: Yes.")[0] == (
        "How much is delivery to Abuja?", "₦5,000",
    )  # fmt: skip


def test_titles_become_categories_and_what_stands_above_is_told() -> None:
    text = "# FAQ\nWelcome to Ada Fabrics!\n## Delivery\n### Do you deliver?\nYes.\n## Payment\n### Can I pay later?\nNo."

    result = pairs.find(blocks.of_text(text))

    assert [pair.category for pair in result.pairs] == ["Delivery", "Payment"]
    assert result.notes == [
        "Left out, because no question stands above it: “Welcome to Ada Fabrics!”."
    ]


def test_a_list_of_contents_is_not_taken_for_questions_without_answers() -> None:
    assert found("Do you sew?\nHow long?\n\nDo you sew?\nYes.\nHow long?\nA week.") == [
        ("Do you sew?", "Yes."), ("How long?", "A week."),
    ]  # fmt: skip


def test_a_question_without_an_answer_is_shown_and_not_dropped() -> None:
    assert found("Do you sew?\nHow long?\nA week.")[0] == ("Do you sew?", "")


def test_headings_over_text_are_taken_with_a_warning_when_nothing_asks() -> None:
    result = pairs.find(blocks.of_text("## Delivery\nTwo days.\n## Returns\nSeven days."))

    assert [(pair.question, pair.answer) for pair in result.pairs] == [
        ("Delivery", "Two days."), ("Returns", "Seven days."),
    ]  # fmt: skip
    assert "check each" in result.notes[0]


def test_short_lines_that_begin_paragraphs_are_taken_with_a_warning_too() -> None:
    result = pairs.find(blocks.of_text("Delivery:\nTwo days.\n\nReturns\nSeven days."))

    assert [pair.question for pair in result.pairs] == ["Delivery", "Returns"]
    assert "check each" in result.notes[0]


def test_a_title_among_bold_questions_is_a_question_in_fewer_words() -> None:
    text = "*Do you sew?*\nYes.\n*Prices*\nFrom ₦5,000.\n*How long?*\nA week."

    assert found(text)[1] == ("Prices", "From ₦5,000.")


def test_a_price_table_inside_an_answer_becomes_lines() -> None:
    assert found("What are your fees?\nArea\tFee\nLekki\t₦3,500\nOpen?\nYes.")[0][1] == (
        "Area – Fee\nLekki – ₦3,500"
    )


def test_pasted_columns_are_read_as_a_table_with_all_its_columns() -> None:
    table = readers.read_text("question\tanswer\tcategory\nOpen?\tYes.\tVisit\n")

    assert table.rows[0].values == {"question": "Open?", "answer": "Yes.", "category": "Visit"}


@pytest.mark.parametrize(
    "text", ["We sell lace.", "Hello, welcome\nto our shop", "?", "…", "A: yes"]
)
def test_text_without_a_question_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(readers.UnableToReadFile, match="Write each question on a line of its own"):
        readers.read_text(text)


HOSTILE = {
    "questions": "a?\n" * 190_000,
    "stars": "*" * 1_000_000,
    "a question that never ends": "Q: x\n" + "y\n" * 190_000 + "A: z",
    "spaces": " " * 999_999 + "a",
    "pipes": "|" * 1_000_000,
    "tabs": "a\t" * 500_000,
    "cells": "a\tb\n" * 190_000,
    "one line": "Do you " + "x" * 1_000_000 + "? Yes",
    "dots": "a. " * 300_000 + "?",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_takes_no_time(kind: str) -> None:
    started = time.monotonic()

    with suppress(readers.UnableToReadFile):
        readers.read_text(HOSTILE[kind])

    assert time.monotonic() - started < 4


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\u2028"])
def test_far_too_many_lines_are_refused_at_once(end: str) -> None:
    with pytest.raises(readers.UnableToReadFile, match="200,000 lines"):
        readers.read_text(f"a?{end}" * 200_001)


def test_fifty_thousand_questions_are_counted() -> None:
    with pytest.raises(readers.TooManyRows, match="50,000"):
        readers.read_text("".join(f"Do you sell {n}?\nYes\n" for n in range(50_000)))
