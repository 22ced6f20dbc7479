"""What counts as right, wrong, offered and quiet."""

import pytest

from faqs import evaluating
from faqs.cleaning import Reading
from faqs.engine.answering import Choice, Judgement, Part, Verdict
from faqs.evaluating import Case, Result


def choices(*faq_ids: str, confidence: float = 0.9) -> tuple[Choice, ...]:
    return tuple(Choice(number, faq_id, confidence) for number, faq_id in enumerate(faq_ids))


def result(
    expected: str,
    *,
    answered: str = "",
    offered: str = "",
    ranked: str = "a",
    confidence: float = 0.9,
) -> Result:
    """A question and what was done with it; letters stand for entries."""
    verdict: Verdict = "answer" if answered else "menu" if offered else "none"
    part = Part(Reading("", "", ()), choices(*ranked, confidence=confidence))
    judgement = Judgement(
        verdict, confidence, choices(*answered), choices(*offered), (part,) if ranked else ()
    )
    return Result(Case("?", frozenset(expected)), judgement, 1.0)


def figure(name: str, *results: Result) -> object:
    return evaluating.figures(results)[name]


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (result("a", answered="a"), "right"),
        (result("a", answered="b"), "wrong"),
        (result("a", answered="ab"), "wrong"),  # one too many
        (result("ab", answered="ab"), "right"),
        (result("ab", answered="a"), "right"),  # half of it, and nothing wrong
        (result("a", offered="bca"), "menu_with"),
        (result("a", offered="bcd"), "menu_without"),
        (result("a"), "quiet"),
    ],
)
def test_each_covered_question_counts_once(one: Result, name: str) -> None:
    names = ("right", "wrong", "menu_with", "menu_without", "quiet")

    found = {each: figure(each, one) for each in names}

    assert found == {each: float(each == name) for each in names}


def test_rank_counts_whatever_was_done() -> None:
    assert figure("top1", result("a", ranked="ab"), result("a", ranked="ba")) == 0.5
    assert figure("top3", result("a", ranked="bca"), result("a", ranked="bcda")) == 0.5


def test_uncovered_questions_are_counted_apart() -> None:
    asked = [result("", answered="a"), result("", offered="ab"), result(""), result("a")]

    assert (figure("oos_answered", *asked), figure("oos_menu", *asked)) == (0.3333, 0.3333)
    assert figure("quiet", *asked) == 1.0


def test_calibration_compares_what_was_said_with_what_held() -> None:
    [low, high] = evaluating.calibration(
        [
            result("a", answered="a", confidence=0.95),
            result("", answered="a", confidence=1.0),
            result("b", ranked="a", confidence=0.1),
            result("a", ranked=""),  # small talk: nothing was said
        ]
    )

    assert low == {"from": 0.1, "to": 0.2, "count": 1, "confidence": 0.1, "right": 0.0}
    assert (high["count"], high["confidence"], high["right"]) == (2, 0.975, 0.5)


def test_questions_are_read_with_or_without_tags() -> None:
    cases = evaluating.read_cases(
        b"\xef\xbb\xbfquery,expected_faq_id,tag\r\nhow,a+b,two\r\nwhat,,\r\n", known=["a", "b"]
    )

    assert cases == [Case("how", frozenset("ab"), "two"), Case("what", frozenset(), "")]
    assert evaluating.read_cases(b"query,expected_faq_id\nhow,a\n", known=["a"])[0].tag == ""
