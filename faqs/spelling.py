"""Misspelled words are read as the known word that is most alike; known words are left alone.

Known is what the workspace's own entries say, what the tables say, and the words of the encoder.
Only English is in the encoder's, so it mends a word only in a message that is mostly English.
"""

import bisect
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel

from faqs import cleaning, wording

_SHORTEST = 4
_LONG = 8  # letters from which on two slips are forgiven
# Customers misspell alike: what a word is read as is kept, and bounded, for they write anything.
_KEPT = 2_000
_LONGEST = 20
_FORM_SLIPS = 2

ByLetter = dict[str, list[str]]


class Speller:
    """Mends words for one workspace. Answers alike for as long as it is kept."""

    def __init__(self, own: Iterable[str], english: tuple[str, ...]) -> None:
        self._own = frozenset(own)
        self._by_letter = _by_letter(self._own)
        self._english = _English.of(english)
        self._read_as: dict[tuple[str, bool], str] = {}
        self._lock = threading.Lock()

    def mend(self, text: str) -> str:
        """Return `text` with its misspelled words mended."""
        words = [cleaning.fold(word) for word in cleaning.WORD.findall(text)]
        known = sum(word in self._english.ranks for word in words)
        is_english = known * 2 >= len(words)
        return cleaning.WORD.sub(lambda found: self._mended(found.group(), is_english), text)

    def _mended(self, word: str, is_english: bool) -> str:
        folded = cleaning.fold(word)
        if is_english and (meant := self._english.near_forms.get(folded)):
            return meant
        if not _SHORTEST <= len(folded) <= _LONGEST or not folded.isalpha():
            return word
        if folded in self._own or folded in self._english.ranks:
            return word
        key = (folded, is_english)
        found = self._read_as.get(key)
        if found is None:
            found = self._nearest(folded, is_english=is_english)
            with self._lock:
                if len(self._read_as) >= _KEPT:
                    self._read_as = {}
                self._read_as[key] = found
        return word if found == folded else found

    def _nearest(self, word: str, *, is_english: bool) -> str:
        """Return the nearest word that begins alike: the workspace's own before any other."""
        slips = 2 if len(word) >= _LONG else 1
        ranks = self._english.ranks
        found = _alike(word, self._by_letter.get(word[0], ()), slips)
        if not found and is_english and len(word) > _SHORTEST:
            found = _alike(word, self._english.by_letter.get(word[0], ()), 1)
        # A letter left out is likelier than a wrong one; then counts what people write most.
        return min(
            found,
            key=lambda one: (found[one], Indel.distance(word, one), ranks.get(one, len(ranks))),
            default=word,
        )


class _English:
    """The words that the tables and the encoder know: the same for every workspace."""

    def __init__(self, words: tuple[str, ...]) -> None:
        every = dict.fromkeys([*sorted(_words_of_tables()), *words])
        self.ranks = {word: rank for rank, word in enumerate(every)}
        self.by_letter = _by_letter(every)
        # Of the short forms, those that are the word itself with a slip or two.
        self.near_forms = {
            written: means[0]
            for written, means in wording.abbreviations().items()
            if len(means) == 1
            and written[0] == means[0][0]
            and OSA.distance(written, means[0]) <= _FORM_SLIPS
        }

    @staticmethod
    @lru_cache(maxsize=2)
    def of(words: tuple[str, ...]) -> "_English":
        return _English(words)


def _alike(word: str, known: Sequence[str], slips: int) -> dict[str, float]:
    """Return those of `known`, sorted by length, that are few slips away, and how many."""
    first = bisect.bisect_left(known, len(word) - slips, key=len)
    end = bisect.bisect_right(known, len(word) + slips, lo=first, key=len)
    found = process.extract(
        word, known[first:end], scorer=OSA.distance, score_cutoff=slips, limit=None
    )
    return {other: distance for other, distance, _ in found}


def _by_letter(words: Iterable[str]) -> ByLetter:
    found: ByLetter = {}
    for word in words:
        if len(word) >= _SHORTEST:
            found.setdefault(word[0], []).append(word)
    return {letter: sorted(own, key=lambda one: (len(one), one)) for letter, own in found.items()}


def _words_of_tables() -> frozenset[str]:
    pidgin = cleaning.pidgin().means
    phrases = [*pidgin, *pidgin.values()]
    said = (word for phrase in phrases for word in phrase)
    return frozenset([*wording.abbreviations(), *wording.fillers(), *wording.meaningful(), *said])
