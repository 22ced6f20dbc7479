"""Greetings, thanks and good-byes: never a question, and never the part of one that matters.

The phrases are a file for people to edit: `data/smalltalk.csv`. Those of the kind `address`
(sir, please) go along with any other and are no message of their own kind.
"""

import csv
from functools import lru_cache
from pathlib import Path
from typing import Literal

from faqs import cleaning

Kind = Literal["greeting", "thanks", "closing", "wordless"]
_DATA = Path(__file__).resolve().parent / "data"
_ADDRESS = "address"
# What a greeting is cut off from must be worth asking about.
_LEAST_LEFT = 2


def kind_of(text: str) -> Kind | None:
    """Return what `text` is if it asks nothing: the first kind in it; None: it says more."""
    words = _words(cleaning.tidy(text))
    if not words:
        return "wordless"
    kinds = [means[0] if means else None for _, means in _phrases().cut(words)]
    if None in kinds:
        return None
    named = [kind for kind in kinds if kind != _ADDRESS]
    first = named[0] if named else "greeting"  # "sir": somebody calls
    return "thanks" if first == "thanks" else "closing" if first == "closing" else "greeting"


def without_greeting(text: str) -> str:
    """Return `text` from where it begins to ask; all of it when little would be left."""
    words = _words(text)
    begun = 0
    for phrase, means in _phrases().cut(words):
        if means is None or means[0] not in ("greeting", _ADDRESS):
            break
        begun += len(phrase)
    if not begun or len(words) - begun < _LEAST_LEFT:
        return text
    found = list(cleaning.WORD.finditer(text))
    return text[found[begun].start() :] if begun < len(found) else text


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
