"""Every row of a preview says what would happen, and why."""

from faqs import checking, comparing
from faqs.readers import Row

EXISTING = {
    "hours": checking.Draft("When do you open?", "At 9.", phrasings=("open today?",)),
    "place": checking.Draft("Where are you?", "In Yaba.", category="Visit", is_active=False),
}


def judged(*rows: dict[str, str]) -> list[comparing.Verdict]:
    wanted = [comparing.understand(Row(number, values)) for number, values in enumerate(rows, 2)]
    return comparing.judge(wanted, EXISTING)


def test_rows_are_new_same_or_changed() -> None:
    new, same, changed = judged(
        {"question": "How much is it?", "answer": "N500"},
        {"question": "when  do you OPEN?", "answer": "At 9."},
        {"question": "Where are you?", "answer": "In Ikeja."},
    )

    assert (new.state, new.faq_id) == ("new", "how_much_is_it")
    assert (same.state, same.faq_id) == ("changed", "hours")  # its spelling changes
    assert same.reason == "Changes: question."
    assert (changed.state, changed.reason) == ("changed", "Changes: answer.")


def test_columns_that_the_file_lacks_change_nothing() -> None:
    [row] = judged({"question": "Where are you?", "answer": "In Yaba."})

    assert row.state == "same"


def test_empty_cell_of_a_column_that_is_there_empties_it() -> None:
    [row] = judged({"question": "When do you open?", "answer": "At 9.", "alt_questions": ""})

    assert (row.state, row.reason) == ("changed", "Changes: alt_questions.")


def test_faq_id_finds_the_entry_though_its_question_is_another() -> None:
    [row] = judged({"faq_id": "hours", "question": "Opening hours?", "answer": "At 9."})

    assert (row.state, row.faq_id, row.reason) == ("changed", "hours", "Changes: question.")


def test_unknown_faq_id_with_a_known_question_uses_the_entry_that_is_there() -> None:
    [row] = judged({"faq_id": "opening", "question": "When do you open?", "answer": "At 8."})

    assert (row.state, row.faq_id) == ("changed", "hours")
    assert "already as hours" in row.notes[-1]


def test_second_row_with_the_same_question_is_invalid() -> None:
    first, second = judged(
        {"question": "Do you sew?", "answer": "Yes"}, {"question": "do you  SEW?", "answer": "No"}
    )

    assert first.state == "new"
    assert (second.state, second.reason) == ("invalid", "Same question as row 2.")


def test_second_row_with_the_same_faq_id_is_invalid() -> None:
    rows = judged(
        {"faq_id": "sew", "question": "Do you sew?", "answer": "Yes"},
        {"faq_id": "sew", "question": "Do you knit?", "answer": "No"},
        {"faq_id": "hours", "question": "Hours?", "answer": "At 9."},
        {"question": "When do you open?", "answer": "At 7."},
    )

    assert [row.state for row in rows] == ["new", "invalid", "changed", "invalid"]
    assert rows[1].reason == "Same entry as row 2 (sew)."
    assert rows[3].reason == "Same entry as row 4 (hours)."


def test_question_of_another_entry_cannot_be_taken() -> None:
    [row] = judged({"faq_id": "place", "question": "When do you open?", "answer": "At 9."})

    assert row.reason == "The same question is already there, as hours."


def test_invalid_rows_say_why() -> None:
    rows = judged(
        {"question": "", "answer": "x"},
        {"question": "a", "answer": ""},
        {"question": "b", "answer": "x" * 5_000},
        {"question": "c", "answer": "x", "faq_id": "no spaces please"},
        {"question": "d", "answer": "x", "active": "perhaps"},
    )

    assert [row.state for row in rows] == ["invalid"] * 5
    assert [row.reason.split()[0] for row in rows] == ["The", "The", "WhatsApp", "“no", "Active"]


def test_generated_names_are_stable_and_unique() -> None:
    rows = judged(
        {"question": "Do you sew?", "answer": "a"},
        {"question": "Do you sew!", "answer": "b"},
        {"question": "متى تفتحون؟", "answer": "c"},
        {"question": "🕘?", "answer": "d", "faq_id": "do_you_sew_3"},
        {"question": "Do you sew.", "answer": "e"},
    )

    names = [row.faq_id for row in rows]

    assert names[:2] == ["do_you_sew", "do_you_sew_2"]
    assert names[2].startswith("q_")
    assert names[3:] == ["do_you_sew_3", "do_you_sew_4"]
    assert names == [row.faq_id for row in rows]


def test_quote_that_an_export_put_before_a_formula_does_not_pile_up() -> None:
    [row] = judged({"question": "'=cmd|x", "answer": "'+234 is our code", "keywords": "'plain"})

    assert row.values["question"] == "=cmd|x"
    assert row.values["answer"] == "+234 is our code"
    assert row.values["keywords"] == "'plain"


def test_invisible_characters_are_taken_out_and_noted() -> None:
    [row] = judged({"question": "Who\u202e?", "answer": "Me \x00 🕘 متى"})

    assert row.values["question"] == "Who?"
    assert row.values["answer"] == "Me  🕘 متى"
    assert "nobody can see" in row.notes[0]


def test_stored_preview_is_judged_again_alike() -> None:
    first = judged(
        {"question": "Do you sew?", "answer": "0123456789", "alt_questions": "a | b"},
        {"question": "Do you sew?", "answer": "x"},
        {"question": "Where are you?", "answer": "In Ikeja.", "active": "no"},
    )

    again = comparing.judge(comparing.again([row.as_json() for row in first]), EXISTING)

    assert again == first
