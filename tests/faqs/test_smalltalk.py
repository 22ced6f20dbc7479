"""Greetings and thanks are told from questions, and cut off where a question follows."""

import pytest

from faqs import cleaning, smalltalk


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi", "greeting"),
        ("good morning ma 🙏", "greeting"),
        ("Hellooooo sir", "greeting"),
        ("How far, boss", "greeting"),
        ("sannu", "greeting"),
        ("Ẹ káàárọ̀", "greeting"),
        ("thank you so much", "thanks"),
        ("God bless you sir", "thanks"),
        ("Daalụ", "thanks"),
        ("I want to make enquiries please", "greeting"),
        ("ok", "closing"),
        ("see you tomorrow", "closing"),
        ("😂😂😂", "wordless"),
        ("???", "wordless"),
        ("", "wordless"),
    ],
)
def test_small_talk_is_known(text: str, kind: str) -> None:
    assert smalltalk.kind_of(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "price?",
        "2",
        "hello how much",
        "good morning, are you open",
        "ok send account number",
        "no be so",
    ],
)
def test_questions_are_no_small_talk(text: str) -> None:
    assert smalltalk.kind_of(text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Good morning ma, please what is the fee", "what is the fee"),
        ("hi dear, do you have this in medium", "do you have this in medium"),
        ("so please i just wanted to ask em how much is it sir, thank you", "how much is it"),
        ("do you have this in medium? Thanks a lot!", "do you have this in medium"),
        ("what is the fee", "what is the fee"),
        ("please sir thank you", "please sir thank you"),
        ("hello price", "hello price"),
        ("hello", "hello"),
    ],
)
def test_politeness_is_cut_off_what_is_asked(text: str, rest: str) -> None:
    assert smalltalk.core(cleaning.tidy(text)) == rest
