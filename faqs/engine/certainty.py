"""How sure an answer is: a logistic of evidence that means the same in every workspace.

The weights in `certainty.json` come from `python -m faqs.engine.fit`. From which confidence on
the bot answers, and from which it offers a menu, is the owner's choice of three.
"""

import json
import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings

from faqs.engine.asking import Evidence

Zone = Literal["answer", "menu", "none"]
Manner = Literal["careful", "balanced", "eager"]
FILE = Path(__file__).with_name("certainty.json")
_NAMES = ("fit", "lead", "share", "words")
# The development sets hold short messages; beyond, more words prove nothing more.
_MOST_WORDS = 15
# A message that is all but sure says nothing more by being surer.
_FURTHEST = 8.0


@dataclass(frozen=True)
class Thresholds:
    """From which confidence on the bot answers, and from which it offers a menu."""

    answer: float
    menu: float


@dataclass(frozen=True)
class Weights:
    """What `certainty.json` holds."""

    bias: float
    of: tuple[float, ...]
    zones: dict[str, Thresholds]


def numbers(evidence: Evidence) -> list[float]:
    """Return what is weighed, in the order of the weights."""
    share = min(max(evidence.share, 1e-4), 1 - 1e-4)
    return [
        min(max(evidence.fit, -_FURTHEST), _FURTHEST),
        evidence.lead,
        math.log(share / (1 - share)),
        math.log(min(max(evidence.words, 1), _MOST_WORDS)),
    ]


def of(evidence: Evidence, weights: Weights | None = None) -> float:
    """Return the probability, 0 to 1, that the entry is what was asked for."""
    used = weights or shipped()
    total = used.bias + sum(w * n for w, n in zip(used.of, numbers(evidence), strict=True))
    return 1 / (1 + math.exp(-min(max(total, -30.0), 30.0)))


def zone(confidence: float, thresholds: Thresholds) -> Zone:
    """Say whether to answer, to offer a menu, or to hand over."""
    if confidence >= thresholds.answer:
        return "answer"
    return "menu" if confidence >= thresholds.menu else "none"


def thresholds(manner: Manner) -> Thresholds:
    """Return the thresholds that ship for a manner of answering."""
    return shipped().zones[manner]


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """Return the weights that ship."""
    return read(file().read_text(encoding="utf-8"))


def file() -> Path:
    """Return where the weights in use are: those that ship, or others for another encoder."""
    return Path(settings.FAQ_CERTAINTY_FILE or FILE)


def read(text: str) -> Weights:
    """Return the weights that `text` holds."""
    return from_json(json.loads(text))


def from_json(stored: dict[str, Any]) -> Weights:
    """Return the weights that `as_json` made."""
    return Weights(
        bias=stored["bias"],
        of=tuple(stored["weights"][name] for name in _NAMES),
        zones={name: Thresholds(**limits) for name, limits in stored["zones"].items()},
    )


def as_json(weights: Weights) -> dict[str, Any]:
    """Return what `from_json` reads."""
    return {
        "bias": round(weights.bias, 4),
        "weights": {n: round(v, 4) for n, v in zip(_NAMES, weights.of, strict=True)},
        "zones": {name: asdict(limits) for name, limits in weights.zones.items()},
    }


def written(weights: Weights) -> str:
    """Return the text that `read` reads."""
    return json.dumps(as_json(weights), indent=2) + "\n"
