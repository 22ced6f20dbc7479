"""Is a message the rest of the question before it? "And for Abuja?" asks nothing by itself.

The words with which such a message begins or ends are a file for people to edit:
`data/followups.csv`.
"""

import csv
from functools import lru_cache
from pathlib import Path

from faqs import cleaning, smalltalk
from faqs.cleaning import Phrase

_DATA = Path(__file__).resolve().parent / "data"
_MOST_WORDS = 6  # beside the mark; a longer message speaks for itself
_FEW_WORDS = 2  # so few may go on with a question even without a mark


def is_marked(text: str) -> bool:
    """Say whether `text` begins or ends as something that goes on with what was said before."""
    return _rest(_words(text)) is not None


def may_go_on(text: str) -> bool:
    """Say whether `text` is so short that it may only be understood with what was before it."""
    return 0 < len(_words(text)) <= _FEW_WORDS or is_marked(text)


def with_previous(previous: str, text: str) -> str:
    """Return one question made of both."""
    words = _words(text)
    rest = _rest(words)
    return f"{previous.rstrip(' ?!.')} {' '.join(words if rest is None else rest)}"


def _rest(words: Phrase) -> Phrase | None:
    """Return what a marked message says beside its mark; None when there is no mark."""
    begins, ends = _marks()
    for size in range(min(3, len(words) - 1), 0, -1):
        if words[:size] in begins and len(words) - size <= _MOST_WORDS:
            return words[size:]
        if words[-size:] in ends and len(words) - size <= _MOST_WORDS:
            return words[:-size]
    return None


def _words(text: str) -> Phrase:
    core = smalltalk.core(cleaning.tidy(text))
    return tuple(cleaning.fold(word) for word in cleaning.WORD.findall(core))


@lru_cache(maxsize=1)
def _marks() -> tuple[frozenset[Phrase], frozenset[Phrase]]:
    with (_DATA / "followups.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["place"], tuple(map(cleaning.fold, row["phrase"].split())))
                for row in csv.DictReader(lines)]  # fmt: skip
    return (
        frozenset(phrase for place, phrase in rows if place == "begins"),
        frozenset(phrase for place, phrase in rows if place == "ends"),
    )
