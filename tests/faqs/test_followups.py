"""Which messages go on with the question before them."""

import pytest

from faqs import followups


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("and for Abuja?", "do you deliver to Lagos abuja"),
        ("What about Kano", "do you deliver to Lagos kano"),
        ("Abuja nko?", "do you deliver to Lagos abuja"),
        ("pls and what about port harcourt", "do you deliver to Lagos port harcourt"),
        ("Ibadan too", "do you deliver to Lagos ibadan"),
    ],
)
def test_marked_messages_are_taken_with_the_question_before(text: str, whole: str) -> None:
    assert followups.is_marked(text)
    assert followups.with_previous("do you deliver to Lagos?", text) == whole


@pytest.mark.parametrize(
    "text",
    [
        "do you deliver to Lagos",
        "and can you please tell me how I can return what I bought last week",
        "how much is delivery",
        "",
        "and",
        "😂",
    ],
)
def test_others_stand_by_themselves(text: str) -> None:
    assert not followups.is_marked(text)


def test_few_words_may_go_on_without_a_mark() -> None:
    assert followups.may_go_on("Abuja?")
    assert not followups.may_go_on("do you deliver there")
