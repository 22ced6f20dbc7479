"""Greetings, thanks and good-byes: never a question, and never the part of one that matters.

The phrases are a file for people to edit: `data/smalltalk.csv`. Those of the kinds `address` (sir,
please) and `filler` (I just want to ask) go along with any other and say nothing of their own.
"""

import csv
import itertools
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from faqs import cleaning
from faqs.cleaning import Phrase

Kind = Literal["greeting", "thanks", "closing", "wordless"]
_DATA = Path(__file__).resolve().parent / "data"
_ADDRESS = "address"
_BESIDE = (_ADDRESS, "filler")
# What they are cut off from must be worth asking about.
_LEAST_LEFT = 2


def kind_of(text: str) -> Kind | None:
    """Return what `text` is if it asks nothing: the first kind in it; None: it says more."""
    words = _words(cleaning.tidy(text))
    if not words:
        return "wordless"
    kinds = [means[0] if means else None for _, means in _phrases().cut(words)]
    if None in kinds:
        return None
    named = [kind for kind in kinds if kind not in _BESIDE]
    first = named[0] if named else "greeting"  # "sir": somebody calls
    return "thanks" if first == "thanks" else "closing" if first == "closing" else "greeting"


def core(text: str) -> str:
    """Return what `text` asks, without what people say before and after it.

    All of it when little would be left.
    """
    cut = _phrases().cut(_words(text))
    first = _polite(cut, ("greeting", *_BESIDE))
    # A "please" at the end is part of the sentence.
    last = _polite(cut[::-1], ("thanks", *_BESIDE)) if _thanks(cut) else 0
    found = list(cleaning.WORD.finditer(text))
    if not first + last or len(found) - first - last < _LEAST_LEFT:
        return text
    end = found[-last - 1].end() if last else len(text)
    return text[found[first].start() : end]


def _polite(cut: Sequence[tuple[Phrase, Phrase | None]], kinds: Sequence[str]) -> int:
    """Return how many words belong to the phrases of these kinds, up to the first other one."""
    polite = itertools.takewhile(lambda one: one[1] is not None and one[1][0] in kinds, cut)
    return sum(len(phrase) for phrase, _ in polite)


def _thanks(cut: Sequence[tuple[Phrase, Phrase | None]]) -> bool:
    return any(means is not None and means[0] == "thanks" for _, means in cut)


def _words(text: str) -> list[str]:
    return [cleaning.fold(word) for word in cleaning.WORD.findall(text)]


@lru_cache(maxsize=1)
def _phrases() -> cleaning.Phrases:
    with (_DATA / "smalltalk.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["phrase"], row["kind"]) for row in csv.DictReader(lines)]
    short = {"pls": _ADDRESS, "plz": _ADDRESS, "ty": "thanks", "thx": "thanks", "tnx": "thanks"}
    rows += [*short.items()]
    folded = {tuple(map(cleaning.fold, phrase.split())): (kind,) for phrase, kind in rows}
    return cleaning.Phrases(folded)
