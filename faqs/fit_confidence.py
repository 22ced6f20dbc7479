"""Fit the weights of `faqs.confidence` on folders of questions whose answers are known.

    python -m faqs.fit_confidence FOLDER...

Each folder holds `faqs.csv` (as an import reads it) and `queries.csv` (query,
expected_faq_id; empty when no entry answers it, a+b when two do). Prints the weights, and
for each folder what they do with the thresholds that ship: once fitted on all folders, and
once on the others only, which is what an unseen workspace may expect. Takes minutes.
"""

import argparse
import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faqs import checking, confidence, index, readers

PHRASINGS = (1, 2, 3, 5, 0)  # to an entry; 0 is all that there are
_SHOWN = (3, 5, 0)
_PRIOR = 1e-3
_ROUNDS = 12


@dataclass(frozen=True)
class Case:
    """One question: the evidence for the best entry, whether it is right, whether any is."""

    folder: str
    phrasings: int
    features: list[float]
    is_right: bool
    is_covered: bool
    weight: float = 1.0


def cases(folder: Path, phrasings: int) -> list[Case]:
    """Ask every question of `folder`, with so many phrasings to an entry."""
    rows = readers.read((folder / "faqs.csv").read_bytes()).rows
    asked = index.Index(_source(number, row, phrasings) for number, row in enumerate(rows))
    found = []
    with (folder / "queries.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            expected = set(filter(None, row["expected_faq_id"].split("+")))
            best = asked.look(row["query"], limit=1)
            numbers = confidence.features(best[0][1]) if best else []
            is_right = bool(best) and best[0][0].faq_id in expected
            found.append(Case(folder.name, phrasings, numbers, is_right, bool(expected)))
    covered = sum(case.is_covered for case in found)
    # Each folder counts alike, and in it the covered and the uncovered questions.
    sizes = {True: max(covered, 1), False: max(len(found) - covered, 1)}
    return [
        Case(c.folder, phrasings, c.features, c.is_right, c.is_covered, 100 / sizes[c.is_covered])
        for c in found
    ]


def fit(known: Iterable[Case]) -> list[float]:
    """Return bias and weights of the logistic that explains `known` best (Newton's method)."""
    used = [case for case in known if case.features]
    size = 1 + len(used[0].features)
    weights = [0.0] * size
    prior = _PRIOR * sum(case.weight for case in used)
    for _ in range(_ROUNDS):
        slope = [-prior * weight for weight in weights]
        curve = [[prior * (row == column) for column in range(size)] for row in range(size)]
        for case in used:
            numbers = [1.0, *case.features]
            chance = _chance(weights, case)
            error = case.weight * (case.is_right - chance)
            spread = case.weight * chance * (1 - chance)
            for row, number in enumerate(numbers):
                slope[row] += error * number
                for column, other in enumerate(numbers):
                    curve[row][column] += spread * number * other
        step = _solved(curve, slope)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
    return weights


def figures(weights: Sequence[float], asked: Sequence[Case]) -> list[float]:
    """Return shares: right, wrong, menu (of covered); answered, menu (of uncovered)."""
    zone = confidence.BALANCED
    covered = [(_chance(weights, case), case) for case in asked if case.is_covered]
    others = [_chance(weights, case) for case in asked if not case.is_covered]
    answered = [case.is_right for chance, case in covered if chance >= zone.answer]
    return [
        sum(answered) / len(covered),
        (len(answered) - sum(answered)) / len(covered),
        sum(zone.menu <= chance < zone.answer for chance, _ in covered) / len(covered),
        sum(chance >= zone.answer for chance in others) / len(others),
        sum(zone.menu <= chance < zone.answer for chance in others) / len(others),
    ]


def _source(number: int, row: readers.Row, phrasings: int) -> index.Source:
    others = checking.split_phrasings(row.values.get("alt_questions", ""))
    answer = row.values["answer"]
    return index.Source(
        entry_id=number,
        faq_id=row.values["faq_id"],
        question=row.values["question"],
        # Sets made of intents have a stand-in where the answer would be.
        answer="" if answer.startswith("[answer about") else answer,
        phrasings=tuple(others[: phrasings - 1] if phrasings else others),
    )


def _chance(weights: Sequence[float], case: Case) -> float:
    if not case.features:
        return 0.0
    pairs = zip(weights, [1.0, *case.features], strict=True)
    return 1 / (1 + math.exp(-sum(weight * number for weight, number in pairs)))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for pivot in range(len(rows)):
        for row in range(len(rows)):
            if row != pivot:
                factor = rows[row][pivot] / rows[pivot][pivot]
                pairs = zip(rows[row], rows[pivot], strict=True)
                rows[row] = [mine - factor * other for mine, other in pairs]
    return [line[-1] / line[place] for place, line in enumerate(rows)]


def _report(title: str, weights_of: dict[str, list[float]], known: Sequence[Case]) -> None:
    print(f"\n{title}\n{'':>4} {'folder':<20} right wrong  menu | answered  menu (not covered)")
    for phrasings in _SHOWN:
        lines = []
        for folder, weights in weights_of.items():
            asked = [c for c in known if c.folder == folder and c.phrasings == phrasings]
            lines.append(figures(weights, asked))
            _print(phrasings, folder, lines[-1])
        _print(phrasings, "mean", [sum(column) / len(lines) for column in zip(*lines, strict=True)])


def _print(phrasings: int, folder: str, numbers: Sequence[float]) -> None:
    right, wrong, menu, answered, other = numbers
    shown = f"{right:5.3f} {wrong:5.3f} {menu:5.3f} |    {answered:5.3f} {other:5.3f}"
    print(f"{phrasings or 'all':>4} {folder:<20} {shown}")


def main() -> None:
    """Read the folders, fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    folders: list[Path] = parser.parse_args().folders
    known = [case for folder in folders for count in PHRASINGS for case in cases(folder, count)]
    names = [folder.name for folder in folders]
    everything = fit(known)
    print("bias and weights:", ", ".join(f"{weight:.3f}" for weight in everything))
    _report("Fitted on all", dict.fromkeys(names, everything), known)
    if len(names) > 1:
        others = {name: fit(case for case in known if case.folder != name) for name in names}
        _report("Fitted on the other folders only", others, known)


if __name__ == "__main__":
    main()
