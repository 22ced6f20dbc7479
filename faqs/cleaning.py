"""What a customer typed, made ready for the engine: twice, as written and as it was meant.

The model was trained on plain English, and customers write it short, or in Pidgin. So each
message has two readings: `plain`, without emoji and stretched letters, and `spelled`, with short
forms written out and Pidgin put in the model's words. Neither is right for every language here;
their mean is. The tables are files for people to edit: `data/abbreviations.csv`, `pidgin.csv`.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from faqs import wording

_DATA = Path(__file__).resolve().parent / "data"
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_SPACE = re.compile(r"\s+")
# Hausa's and Igbo's own letters have no accent that could be taken off.
_PLAIN_LETTERS = str.maketrans("ɓɗƙƴƁƊƘƳ’", "bdkyBDKY'")
_KEPT_SYMBOLS = frozenset("₦$£€+%")
_DROPPED = frozenset({"So", "Sk", "Sm", "Sc", "Cc", "Cf", "Co", "Cs", "Cn"})
_JOINER = "\ufe0f"

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """A message as written and as meant, and the words of the latter."""

    plain: str
    spelled: str
    words: tuple[str, ...]


def read(text: str) -> Reading:
    """Return both readings of `text`."""
    plain = tidy(text)
    folded = [fold(word) for word in WORD.findall(plain)]
    words = tuple(spelled_out(folded))
    # Where nothing was written out there is one reading, and half the work.
    spelled = plain if list(words) == folded else " ".join(words)
    return Reading(plain, spelled or plain, words)


def tidy(text: str) -> str:
    """Return `text` without emoji and control characters, stretched letters as one."""
    shown = text[: wording.MAX_CHARACTERS].translate(_PLAIN_LETTERS)
    if not shown.isascii():
        shown = unicodedata.normalize("NFKC", shown)[: wording.MAX_CHARACTERS]
    kept = (letter if _is_kept(letter) else " " for letter in shown)
    return _SPACE.sub(" ", _STRETCHED.sub(_once, "".join(kept))).strip()


def fold(word: str) -> str:
    """Return a word in lower case, without accents, apostrophes and stretched letters."""
    lower = word.casefold()
    if not lower.isascii():
        apart = unicodedata.normalize("NFKD", lower)
        lower = "".join(letter for letter in apart if not unicodedata.combining(letter))
    # Accents hide stretching: "káàárọ̀" is one long vowel.
    return _STRETCHED.sub(_once, lower.replace("'", "").replace("’", ""))


def spelled_out(words: Sequence[str]) -> list[str]:
    """Return folded words with Pidgin phrases and short forms written out."""
    short = wording.abbreviations()
    found: list[str] = []
    for phrase, means in pidgin().cut(words):
        if means is not None:
            found.extend(means)
        else:
            found.extend(short.get(phrase[0], [phrase[0]]))
    return found


class Phrases:
    """Phrases of folded words, and what each means."""

    def __init__(self, means: Mapping[Phrase, Phrase]) -> None:
        self.means = dict(means)
        # Of the phrases that begin with a word, how long the longest is.
        self._longest: dict[str, int] = {}
        for phrase in self.means:
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 1))

    def cut(self, words: Sequence[str]) -> list[tuple[Phrase, Phrase | None]]:
        """Cut `words` into the longest phrases, with what each means, and single words."""
        found: list[tuple[Phrase, Phrase | None]] = []
        start = 0
        while start < len(words):
            most = min(self._longest.get(words[start], 1), len(words) - start)
            for length in range(most, 0, -1):
                phrase = tuple(words[start : start + length])
                means = self.means.get(phrase)
                if means is not None or length == 1:
                    found.append((phrase, means))
                    start += length
                    break
        return found


@lru_cache(maxsize=1)
def pidgin() -> Phrases:
    """Return what phrases of Nigerian Pidgin mean in plain English (`data/pidgin.csv`)."""
    with (_DATA / "pidgin.csv").open(encoding="utf-8", newline="") as lines:
        return Phrases(
            {
                tuple(fold(word) for word in row["written"].split()): tuple(row["means"].split())
                for row in csv.DictReader(lines)
            }
        )


def _is_kept(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable()
    return letter in _KEPT_SYMBOLS or (
        unicodedata.category(letter) not in _DROPPED and letter != _JOINER
    )


def _once(found: re.Match[str]) -> str:
    return found.group(1)
