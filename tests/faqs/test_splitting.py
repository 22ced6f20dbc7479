"""Several questions in one message, and single ones left whole."""

import pytest

from faqs import splitting


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "how much is delivery to yaba and how many days will it take",
            ["how much is delivery to yaba", "how many days will it take"],
        ),
        ("is this available? and what colours dey", ["is this available", "what colours dey"]),
        (
            "my order has not come, please let me talk to someone",
            ["my order has not come", "please let me talk to someone"],
        ),
        ("Where are you?\nWhat time do you close?", ["Where are you", "What time do you close?"]),
        ("do you sew and also mend things", ["do you sew", "mend things"]),
    ],
)
def test_questions_are_cut_apart(text: str, parts: list[str]) -> None:
    found = splitting.split(text)

    assert [part.strip(" ?") for part in found] == [part.strip(" ?") for part in parts]


@pytest.mark.parametrize(
    "text",
    [
        "skirt and blouse",
        "",
        "how much",
        "N2,500 for delivery",
        "the red, blue or green one",
        "open 9.30 to 5.00",
    ],
)
def test_single_questions_stay_whole(text: str) -> None:
    assert splitting.split(text) == [text]


def test_there_is_an_end_to_parts() -> None:
    assert len(splitting.split("how much is it? " * 5_000)) == splitting.MOST_PARTS
