"""What customers type, as written and as meant."""

import pytest

from faqs import cleaning


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("How much 😂😂🙏🏽 ???", "How much ???"),
        ("pleaseeeee helppp", "please help"),
        ("  a\tb\n\nc  ", "a b c"),
        ("₦5,000", "₦5,000"),
        ("Nawa ne kuɗin ƙarshe", "Nawa ne kudin karshe"),
        ("\u200bhi\ufe0f\x00", "hi"),
        ("\ud800", ""),
    ],
)
def test_what_says_nothing_is_taken_out(text: str, plain: str) -> None:
    assert cleaning.read(text).plain == plain


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("pls wetin be ur price", "please what is your price"),
        ("una dey deliver go Lekki?", "do you deliver go lekki"),
        ("when e go reach me", "when will it arrive me"),
        ("i wan change am", "i want to exchange it"),
        ("Báwo ni owó aṣọ yìí", "bawo ni money aso yii"),
        ("What's the cost", "what is the cost"),
    ],
)
def test_short_forms_and_pidgin_are_written_out(text: str, spelled: str) -> None:
    assert cleaning.read(text).spelled == spelled


def test_longest_phrase_counts() -> None:
    phrases = cleaning.Phrases({("a",): ("1",), ("a", "b"): ("2",), ("a", "b", "c"): ("3",)})

    assert phrases.cut(["a", "b", "d", "a"]) == [
        (("a", "b"), ("2",)),
        (("d",), None),
        (("a",), ("1",)),
    ]


def test_long_messages_are_cut() -> None:
    assert len(cleaning.read("word " * 9_000).plain) <= 1_000
    assert len(cleaning.read("\ufdfa" * 9_000).plain) <= 1_000


def test_tables_have_no_phrase_that_means_itself() -> None:
    assert all(written != means for written, means in cleaning.pidgin().means.items())
