"""How sure an answer is: a logistic of evidence that means the same in every workspace.

The weights come from `python -m faqs.fit_confidence`, run on the six development sets with
1, 2, 3, 5 and all phrasings to an entry; they carry over to a set that was left out.
"""

import math
from dataclasses import dataclass

from faqs.index import Evidence

_BIAS = -3.785
_WEIGHTS = {
    "score": 0.701,
    "share": 2.912,
    "rarity": 1.619,
    "said": 1.091,
    "words": 0.229,
}
# The development sets hold short messages; beyond, more words prove nothing more.
_MAX_WORDS = 15


@dataclass(frozen=True)
class Thresholds:
    """From which confidence on the bot answers, and from which it offers a menu."""

    answer: float
    menu: float


# On the development sets: one in ten questions that no entry covers is answered all the same,
# one covered question in twenty wrongly.
BALANCED = Thresholds(answer=0.55, menu=0.20)


def features(evidence: Evidence) -> list[float]:
    """Return the numbers that are weighed, in the order of the weights."""
    return [
        evidence.score,
        evidence.share,
        evidence.rarity,
        evidence.said,
        math.log(min(evidence.words, _MAX_WORDS)),
    ]


def of(evidence: Evidence) -> float:
    """Return the probability, 0 to 1, that the entry is what was asked for."""
    weighed = zip(_WEIGHTS.values(), features(evidence), strict=True)
    return 1 / (1 + math.exp(-_BIAS - sum(weight * value for weight, value in weighed)))
