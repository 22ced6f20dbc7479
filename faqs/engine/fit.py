"""Fit `certainty.json` on folders of questions whose answers are known.

    python -m faqs.engine.fit [--write] FOLDER...

Each folder holds `faqs.csv` (as an import reads it) and `queries.csv` (query,
expected_faq_id; empty when no entry answers it, a+b when two do). Prints for each folder what
the thresholds do: fitted on all folders, and fitted on the others only, which is what an unseen
workspace may expect. Takes a minute or two.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray

from faqs import evaluating, index
from faqs.encoder import chosen
from faqs.engine import asking, certainty, training
from faqs.engine.answering import Answerer
from faqs.engine.certainty import Thresholds, Weights
from faqs.engine.features import Encoder
from faqs.sample import sources

PHRASINGS = (1, 2, 3, 5, 8)  # to an entry
_SHOWN = (3, 5)
_PRIOR = 1e-3
_ROUNDS = 25
# What may happen to questions that no entry covers, as means of the folders: so many are
# answered all the same, and so many get an answer or a menu.
TARGETS = {"careful": (0.04, 0.20), "balanced": (0.06, 0.28), "eager": (0.12, 0.38)}

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """The questions of one folder with so many phrasings to an entry, as numbers."""

    folder: str
    phrasings: int
    numbers: Matrix
    is_right: NDArray[np.bool_]
    is_covered: NDArray[np.bool_]

    def weights(self) -> Matrix:
        """Folders count alike, and in each the covered and the uncovered questions."""
        covered = max(int(self.is_covered.sum()), 1)
        others = max(int((~self.is_covered).sum()), 1)
        return np.where(self.is_covered, 1 / covered, 1 / others)

    def shares(self, sure: Matrix, limits: Thresholds) -> list[float]:
        """Return right, wrong, menu (of covered); answered, menu (of uncovered)."""
        answered, menu = sure >= limits.answer, (sure >= limits.menu) & (sure < limits.answer)
        inside, outside = self.is_covered, ~self.is_covered
        return [
            float((answered & self.is_right)[inside].mean()),
            float((answered & ~self.is_right)[inside].mean()),
            float(menu[inside].mean()),
            float(answered[outside].mean()),
            float(menu[outside].mean()),
        ]


def ask(folder: Path, phrasings: int, encoder: Encoder) -> Asked:
    """Ask every question of `folder` that is not small talk."""
    entries: list[index.Source] = sources((folder / "faqs.csv").read_bytes(), phrasings)
    model = training.train(entries, encoder, identity=chosen.identity())
    answerer = Answerer.of(model, encoder)
    cases = evaluating.read_cases((folder / "queries.csv").read_bytes(), known=model.faq_ids)
    used = [case for case in cases if answerer.smalltalk(case.query) is None]
    readings = [answerer.read(case.query)[0] for case in used]
    found = [ranked[0] for ranked in asking.ask(model, readings, encoder, limit=1)]
    named = [model.faq_ids[one.place] for one in found]
    return Asked(
        folder=folder.name,
        phrasings=phrasings,
        numbers=np.array([certainty.numbers(one.evidence) for one in found]),
        is_right=np.array([n in case.expected for n, case in zip(named, used, strict=True)]),
        is_covered=np.array([bool(case.expected) for case in used]),
    )


def fit(known: Sequence[Asked]) -> Weights:
    """Return the weights that explain `known` best, and the zones that keep the targets."""
    numbers = np.concatenate([one.numbers for one in known])
    right = np.concatenate([one.is_right for one in known]).astype(float)
    bias, of_each = _logistic(numbers, right, np.concatenate([one.weights() for one in known]))
    weights_found = Weights(bias, of_each, {})
    zones = {name: _limits(weights_found, known, target) for name, target in TARGETS.items()}
    return Weights(bias, of_each, zones)


def sure(fitted: Weights, asked: Asked) -> Matrix:
    """Return the confidence of each question."""
    total = fitted.bias + asked.numbers @ np.array(fitted.of)
    return np.asarray(1 / (1 + np.exp(-total)))


def _logistic(numbers: Matrix, right: Matrix, each: Matrix) -> tuple[float, tuple[float, ...]]:
    """Return bias and weights, by Newton's method."""
    with_bias = np.column_stack([np.ones(len(numbers)), numbers])
    share = each / each.sum()
    prior = np.eye(with_bias.shape[1]) * _PRIOR
    found = np.zeros(with_bias.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-with_bias @ found))
        slope = with_bias.T @ (share * (right - chance)) - prior @ found
        spread = (share * chance * (1 - chance))[:, None]
        found = found + np.linalg.solve(with_bias.T @ (with_bias * spread) + prior, slope)
    return float(found[0]), tuple(map(float, found[1:]))


def _limits(fitted: Weights, known: Sequence[Asked], target: tuple[float, float]) -> Thresholds:
    """Return the lowest thresholds that keep a target, to two digits."""
    shown = [one for one in known if one.phrasings in _SHOWN]
    uncovered = [sure(fitted, one)[~one.is_covered] for one in shown]

    def lowest(share: float) -> float:
        steps = [step / 100 for step in range(1, 100)]
        kept = (s for s in steps if np.mean([np.mean(each >= s) for each in uncovered]) <= share)
        return next(kept, 0.99)

    return Thresholds(answer=lowest(target[0]), menu=lowest(target[1]))


def report(title: str, fitted: dict[str, Weights], known: Sequence[Asked]) -> None:
    """Print a line for each folder and the means, for each manner of answering."""
    for manner in TARGETS:
        print(f"\n{title}: {manner}")
        print(f"  k {'folder':<20} right wrong  menu | answered  menu (not covered)")
        for phrasings in _SHOWN:
            lines = []
            for asked in (one for one in known if one.phrasings == phrasings):
                own = fitted[asked.folder]
                lines.append(asked.shares(sure(own, asked), own.zones[manner]))
                _print(phrasings, asked.folder, lines[-1])
            _print(phrasings, "mean", [float(mean) for mean in np.mean(lines, axis=0)])


def _print(phrasings: int, folder: str, shares: Sequence[float]) -> None:
    right, wrong, menu, answered, other = shares
    shown = f"{right:5.3f} {wrong:5.3f} {menu:5.3f} |    {answered:5.3f} {other:5.3f}"
    print(f"  {phrasings} {folder:<20} {shown}")


def main() -> None:
    """Read the folders, fit, and print; write where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="replace the file in use")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    encoder = chosen.shared()
    known = [ask(folder, count, encoder) for count in PHRASINGS for folder in options.folders]
    names = [folder.name for folder in options.folders]
    everything = fit(known)
    print(certainty.written(everything))
    report("Fitted on all", dict.fromkeys(names, everything), known)
    if len(names) > 1:
        others = {name: fit([one for one in known if one.folder != name]) for name in names}
        report("Fitted on the other folders only", others, known)
    if options.write:
        certainty.file().write_text(certainty.written(everything), encoding="utf-8")


if __name__ == "__main__":
    main()
