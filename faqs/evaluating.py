"""How good the engine is on questions whose answers are known: the figures of `faq_eval`."""

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from faqs.engine.answering import Judgement

_BANDS = 10


class UnableToEvaluate(Exception):
    """The questions cannot be used; the message says which line, and why."""


@dataclass(frozen=True)
class Case:
    """A question, and the entries that answer it: none, one, or one for each of its parts."""

    query: str
    expected: frozenset[str]
    tag: str = ""


@dataclass(frozen=True)
class Result:
    """What the engine did with a case, and in how many milliseconds."""

    case: Case
    judgement: Judgement
    ms: float

    @property
    def answered(self) -> list[str]:
        return [choice.faq_id for choice in self.judgement.answers]

    @property
    def offered(self) -> list[str]:
        return [choice.faq_id for choice in self.judgement.offered]

    @property
    def ranked(self) -> list[str]:
        """The entries nearest to the whole message, best first."""
        parts = self.judgement.parts
        return [choice.faq_id for choice in parts[0].choices] if parts else []

    @property
    def offers_right(self) -> bool:
        """Offered a menu that holds what was asked for."""
        return bool(set(self.offered) & self.case.expected)

    @property
    def is_right(self) -> bool:
        """Answered, and with nothing that does not belong there."""
        return bool(self.answered) and set(self.answered) <= self.case.expected


def read_cases(data: bytes, *, known: Iterable[str]) -> list[Case]:
    """Return the questions of a `queries.csv`. Raises UnableToEvaluate."""
    try:
        rows = csv.DictReader(StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        missing = {"query", "expected_faq_id"} - set(rows.fieldnames or ())
        if missing:
            raise UnableToEvaluate(f"The column {' and '.join(sorted(missing))} is missing.")
        cases, ids = [], frozenset(known)
        for row in rows:
            expected = frozenset(filter(None, (row["expected_faq_id"] or "").strip().split("+")))
            if not expected <= ids:
                unknown = ", ".join(sorted(expected - ids))
                raise UnableToEvaluate(f"Line {rows.line_num}: there is no entry {unknown}.")
            cases.append(Case(row["query"] or "", expected, row.get("tag") or ""))
    except UnicodeDecodeError as error:
        raise UnableToEvaluate("The file is not UTF-8 text.") from error
    except csv.Error as error:
        raise UnableToEvaluate(f"The file is not a CSV table ({error}).") from error
    if not cases:
        raise UnableToEvaluate("The file holds no questions.")
    return cases


def run(cases: Iterable[Case], judge: Callable[[str], Judgement]) -> list[Result]:
    """Ask one question after the other, as customers do."""
    results = []
    for case in cases:
        began = time.perf_counter()
        judgement = judge(case.query)
        results.append(Result(case, judgement, (time.perf_counter() - began) * 1000))
    return results


def figures(results: Sequence[Result]) -> dict[str, object]:
    """Return the shares, the times, and how often a confidence held what it promised."""
    covered = [one for one in results if one.case.expected]
    others = [one for one in results if not one.case.expected]
    times = sorted(one.ms for one in results)
    return {
        "top1": _share(covered, lambda one: bool(set(one.ranked[:1]) & one.case.expected)),
        "top3": _share(covered, lambda one: bool(set(one.ranked[:3]) & one.case.expected)),
        "right": _share(covered, lambda one: one.is_right),
        "wrong": _share(covered, lambda one: bool(one.answered) and not one.is_right),
        "menu_with": _share(covered, lambda one: one.offers_right),
        "menu_without": _share(covered, lambda one: bool(one.offered) and not one.offers_right),
        "quiet": _share(covered, lambda one: not one.answered and not one.offered),
        "oos_answered": _share(others, lambda one: bool(one.answered)),
        "oos_menu": _share(others, lambda one: bool(one.offered)),
        "p50_ms": round(times[len(times) // 2], 2),
        "p95_ms": round(times[min(len(times) - 1, len(times) * 95 // 100)], 2),
        "calibration": calibration(results),
    }


def _share(results: Sequence[Result], holds: Callable[[Result], bool]) -> float | None:
    """Return the share for which it holds; None where there is nothing to count."""
    return round(sum(map(holds, results)) / len(results), 4) if results else None


def calibration(results: Sequence[Result]) -> list[dict[str, float]]:
    """Return for each tenth of confidence how many said so, and how many of these were right."""
    bands: list[list[tuple[float, bool]]] = [[] for _ in range(_BANDS)]
    for one in results:
        if one.judgement.parts:
            said = one.judgement.confidence
            named = one.answered or one.ranked[:1]
            held = bool(named) and set(named) <= one.case.expected
            bands[min(int(said * _BANDS), _BANDS - 1)].append((said, held))
    return [
        {
            "from": number / _BANDS,
            "to": (number + 1) / _BANDS,
            "count": len(band),
            "confidence": round(sum(said for said, _ in band) / len(band), 4),
            "right": round(sum(held for _, held in band) / len(band), 4),
        }
        for number, band in enumerate(bands)
        if band
    ]
