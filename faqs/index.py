"""The entries of one workspace as sparse vectors: which of them does a message ask for?

Pure: no database, no settings. Two views are mixed: an entry as a whole (the mean of its
phrasings, found through an inverted index) and its nearest single phrasing.
"""

import bisect
import itertools
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from faqs import checking, readers, wording

Vector = dict[str, float]
Array = NDArray[Any]

# How much the views and the parts of a vector count against each other: chosen on the
# development sets of `faqs.fit_confidence`, where a wide range does about as well.
_NEAREST = 0.35
_MEANING = 3.2
_ANSWER = 0.4
_KEYWORDS = 0.8
_IDF_FLOOR = 0.5
# Few entries cannot tell that "how" and "do you" say little; the entries of the ready-made
# lists tell it, counting as much as this many of the workspace's own.
_USUAL_WEIGHT = 25
_TEMPLATES = Path(__file__).resolve().parent / "templates_data"
_LOOKED_AT = 12  # entries whose single phrasings are compared
_SHARPNESS = 12.0
# A word that nobody here uses is read as the most alike one that is known.
_SHORTEST_REPAIRED = 4
_ALIKE = 0.79
_MOST_REPAIRED = 20
# Customers misspell alike: what a word is read as is kept, and bounded, for they write anything.
_REPAIRS_KEPT = 1_000
_LONGEST_KEPT = 20
# How well a phrasing fits entries that it does not belong to, as it is in most workspaces:
# it stands in where a workspace has too few entries to measure its own.
_STRANGER = NormalDist(0.30, 0.12)
_STRANGER_WEIGHT = 8
_SAMPLES = 60


@dataclass(frozen=True)
class Source:
    """What an index is made of: one active entry."""

    entry_id: int
    faq_id: str
    question: str
    answer: str
    phrasings: tuple[str, ...] = ()
    keywords: str = ""


class Ranked(NamedTuple):
    """An entry by its place in `Index.sources`, and how well it fits, 0 to 1."""

    place: int
    score: float


@dataclass(frozen=True)
class Evidence:
    """What speaks for an entry, relative to its workspace; `faqs.confidence` weighs it."""

    score: float  # how well the entry fits
    share: float  # against the other entries
    rarity: float  # how rarely something that belongs elsewhere fits as well
    said: float  # how much of what was said the entry says too
    words: int  # how many words there are


class Index:
    """Finds the entries that a message asks for. Answers alike for as long as it is kept.

    Kept in arrays: a worker holds the indexes of many workspaces, and as dictionaries each
    takes ten times as much. A term is known by its hash, which holds within this process.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = list(sources)
        said = [list(_documents(source)) for source in self.sources]
        documents = [[(weight, _terms(words)) for weight, words in own] for own in said]
        idf = _idf([[found for _, found in own] for own in documents])
        names = sorted((hash(term), term) for term in idf)
        self._unknown = math.log(1 + len(said) + _USUAL_WEIGHT) + _IDF_FLOOR
        self._terms = np.array([number for number, _ in names], dtype=np.int64)
        self._idf = np.array([idf[term] for _, term in names], dtype=np.float32)
        places = {term: place for place, (_, term) in enumerate(names)}
        vectors = [
            [
                (weight, _unit({t: value * idf[t] for t, value in found.items()}))
                for weight, found in own
            ]
            for own in documents
        ]
        self._phrasings = _Rows.of(
            [
                {places[term]: weight * value for term, value in vector.items()}
                for own in vectors
                for weight, vector in own
            ]
        )
        counts = [len(own) for own in vectors]
        self._first = [0, *itertools.accumulate(counts)]
        means = [_mean(own) for own in vectors]
        postings: list[dict[int, float]] = [{} for _ in names]
        for place, mean in enumerate(means):
            for term, value in mean.items():
                postings[places[term]][place] = value
        self._postings = _Rows.of(postings)
        own_words = {word for own in said for _, words in own for word in words}
        self._words = frozenset(map(sys.intern, own_words))
        self._repairs = sorted(
            word for word in self._words | wording.meaningful() if len(word) >= _SHORTEST_REPAIRED
        )
        self._read_as: dict[str, str | None] = {}
        self._told: dict[str, tuple[float, int]] = {}  # no more than there are words here
        self._strangers = self._fit_of_strangers(said)
        self._usual_fit = (sum(self._strangers) + _STRANGER_WEIGHT * _STRANGER.mean) / (
            len(self._strangers) + _STRANGER_WEIGHT
        )
        # Bytes held, but for the texts.
        self.size = (
            self._terms.nbytes + self._idf.nbytes + self._phrasings.size + self._postings.size
            + 60 * (len(self._words) + _REPAIRS_KEPT) + 8 * len(self._repairs)
            + (60 + len(said) // 8) * len(self._words)
        )  # fmt: skip

    def look(self, text: str, *, limit: int = 3) -> list[tuple[Source, Evidence]]:
        """Return the entries nearest to `text`, best first, with what speaks for each."""
        words = self._repair(wording.words(text))
        ranked = self._rank(_terms(words)) if words and self._words else []
        if not ranked:
            return []
        telling = self._telling(words)
        return [
            (self.sources[one.place], self._evidence(telling, len(words), ranked, one))
            for one in ranked[:limit]
        ]

    def _telling(self, words: list[str]) -> list[tuple[float, int]]:
        """Return of each word how much it tells, and the entries that say it too, as bits."""
        found = []
        for word in dict.fromkeys(words):
            told = self._told.get(word)
            if told is None and word in self._words:
                told = self._told[word] = self._tells(word)
            found.append(told or (self._unknown, 0))
        return found

    def _tells(self, word: str) -> tuple[float, int]:
        term = int(np.searchsorted(self._terms, hash(f"={word}")))
        entries, _ = self._postings.row(term)
        return float(self._idf[term]), sum(1 << place for place in entries.tolist())

    def _evidence(
        self,
        telling: list[tuple[float, int]],
        words: int,
        ranked: list[Ranked],
        one: Ranked,
    ) -> Evidence:
        # The last rival is an entry that nobody has written: what else could be meant.
        fits = [*(score for _, score in ranked), self._usual_fit]
        below = bisect.bisect_left(self._strangers, one.score)
        usual = _STRANGER.cdf(one.score) * _STRANGER_WEIGHT
        return Evidence(
            score=one.score,
            share=1 / sum(math.exp(_SHARPNESS * (fit - one.score)) for fit in fits),
            rarity=(below + usual) / (len(self._strangers) + _STRANGER_WEIGHT),
            said=sum(w for w, saying in telling if saying >> one.place & 1)
            / sum(w for w, _ in telling),
            words=words,
        )

    def _rank(self, terms: Vector, *, without: int = -1) -> list[Ranked]:
        asked = np.fromiter(map(hash, terms), dtype=np.int64, count=len(terms))
        at = self._terms.searchsorted(asked)
        at[at == len(self._terms)] = 0
        known = self._terms[at] == asked
        values = np.fromiter(terms.values(), dtype=np.float32, count=len(terms))
        values *= np.where(known, self._idf[at], np.float32(self._unknown))
        length = float(np.sqrt(np.dot(values, values)))
        at, values = at[known], values[known] / (length or 1.0)
        whole = self._postings.weigh(at, values, len(self.sources))
        likely = (-whole).argsort(kind="stable")[: _LOOKED_AT + 1].tolist()
        candidates = [place for place in likely if whole[place] > 0]
        if not candidates:
            return []
        query = np.zeros(len(self._terms), dtype=np.float32)
        query[at] = values
        spans = [(self._first[place], self._first[place + 1]) for place in candidates]
        nearest = self._phrasings.highest(query, spans)
        mixed = _NEAREST * nearest + (1 - _NEAREST) * whole[candidates]
        ranked = [
            Ranked(place, score)
            for place, score in zip(candidates, mixed.tolist(), strict=True)
            if place != without
        ]
        return sorted(ranked, key=lambda one: -one.score)

    def _repair(self, words: list[str]) -> list[str]:
        known, fillers = wording.meaningful(), wording.fillers()
        unknown = [
            word
            for word in dict.fromkeys(words)
            if len(word) >= _SHORTEST_REPAIRED
            and word not in self._words
            and word not in known
            and word not in fillers
            and word.isalpha()
        ]
        if not unknown:
            return words
        read_as = {word: self._nearest_word(word) or word for word in unknown[:_MOST_REPAIRED]}
        return [read_as.get(word, word) for word in words]

    def _nearest_word(self, word: str) -> str | None:
        """Return the known word that is most alike, if it begins alike; comparing takes long."""
        if word in (kept := self._read_as):
            return kept[word]
        first = bisect.bisect_left(self._repairs, word[0])
        end = bisect.bisect_right(self._repairs, word[0], lo=first, key=lambda other: other[0])
        nearest = None
        # The most alike of all counts, and only if it begins alike: most words have none such.
        if _most_alike(word, self._repairs[first:end]):
            best = _most_alike(word, self._repairs)
            nearest = best if best and best[0] == word[0] else None
        if len(word) <= _LONGEST_KEPT:
            if len(kept) >= _REPAIRS_KEPT:
                self._read_as = kept = {}  # another thread may be reading the old ones
            kept[word] = nearest
        return nearest

    def _fit_of_strangers(self, said: list[list[tuple[float, list[str]]]]) -> list[float]:
        """Take an entry away and see how well the others fit its phrasings, sorted.

        This is what "asked, but not covered" looks like in this workspace, without a label.
        """
        asked = [
            (place, words) for place, own in enumerate(said) for weight, words in own if weight == 1
        ]
        fits = []
        for place, words in asked[:: max(1, len(asked) // _SAMPLES)]:
            ranked = self._rank(_terms(words), without=place)
            fits.append(ranked[0].score if ranked else 0.0)
        return sorted(fits)


@dataclass(frozen=True)
class _Rows:
    """Sparse rows: of each its columns and values, one after the other."""

    starts: Array  # of each row, and the end
    columns: Array
    values: Array

    @classmethod
    def of(cls, rows: Sequence[dict[int, float]]) -> "_Rows":
        widest = max((column for row in rows for column in row), default=0)
        return cls(
            np.cumsum([0, *map(len, rows)], dtype=np.int32),
            np.array([column for row in rows for column in row],
                     dtype=np.uint16 if widest < 2**16 else np.int32),
            np.array([value for row in rows for value in row.values()], dtype=np.float32),
        )  # fmt: skip

    @property
    def size(self) -> int:
        return int(self.starts.nbytes + self.columns.nbytes + self.values.nbytes)

    def row(self, number: int) -> tuple[Array, Array]:
        """Return one row's columns and values."""
        place = slice(self.starts[number], self.starts[number + 1])
        return self.columns[place], self.values[place]

    def weigh(self, numbers: Array, weights: Array, width: int) -> Array:
        """Return the sum of the rows with these numbers, each times its weight."""
        starts = self.starts[numbers]
        lengths = self.starts[numbers + 1] - starts
        ends = lengths.cumsum()
        # Where each value of each row stands: the row's start, counted on.
        at = (starts - (ends - lengths)).repeat(lengths)
        at += np.arange(len(at), dtype=at.dtype)
        return np.bincount(
            self.columns.take(at),
            weights=weights.repeat(lengths) * self.values.take(at),
            minlength=width,
        )

    def highest(self, vector: Array, spans: Sequence[tuple[int, int]]) -> Array:
        """Return of each span of rows the highest product of one of them with a whole vector."""
        bounds = [self.starts[first : end + 1] for first, end in spans]
        places = [slice(rows[0], rows[-1]) for rows in bounds]
        products = vector.take(np.concatenate([self.columns[place] for place in places]))
        if not len(products):
            return np.zeros(len(spans), dtype=np.float32)
        products *= np.concatenate([self.values[place] for place in places])
        lengths = np.concatenate([rows[1:] - rows[:-1] for rows in bounds])
        starts = lengths.cumsum() - lengths
        sums = np.add.reduceat(products, np.minimum(starts, len(products) - 1))
        sums[lengths == 0] = 0  # an empty row has no sum of its own
        counts = [end - first for first, end in spans]
        return np.maximum.reduceat(sums, [0, *itertools.accumulate(counts[:-1])])


def _documents(source: Source) -> Iterator[tuple[float, list[str]]]:
    """Yield what an entry says, with the weight of each: ways to ask count in full."""
    yield 1, wording.words(source.question)
    for phrasing in source.phrasings:
        yield 1, wording.words(phrasing)
    for weight, text in ((_KEYWORDS, source.keywords), (_ANSWER, source.answer)):
        if words := wording.words(text):
            yield weight, words


def _most_alike(word: str, known: Sequence[str]) -> str | None:
    found = process.extractOne(word, known, scorer=OSA.normalized_similarity, score_cutoff=_ALIKE)
    return found[0] if found else None


def _terms(words: list[str]) -> Vector:
    terms = {
        piece: 1.0 if count == 1 else 1 + math.log(count)
        for piece, count in wording.pieces(words).items()
    }
    for word in words:
        terms[f"={word}"] = 1.0
    for meaning in wording.meanings_in(words):
        terms[f"#{meaning}"] = _MEANING
    return terms


def _idf(documents: list[list[Vector]]) -> Vector:
    """Return how telling each term is: one that many entries use says little."""
    counts: dict[str, int] = {}
    for own in documents:
        for term in set().union(*own):
            counts[term] = counts.get(term, 0) + 1
    total = 1 + len(documents) + _USUAL_WEIGHT
    usual = _usual()
    return {
        term: math.log(total / (1 + count + _USUAL_WEIGHT * usual.get(term, 0.0))) + _IDF_FLOOR
        for term, count in counts.items()
    }


@lru_cache(maxsize=1)
def _usual() -> Vector:
    """Return the share of the ready-made entries that use a term; read once."""
    counts: dict[str, int] = {}
    rows = [
        row for path in _TEMPLATES.glob("*.csv") for row in readers.read(path.read_bytes()).rows
    ]
    for row in rows:
        asked = [row.values["question"], *checking.split_phrasings(row.values["alt_questions"])]
        for term in set().union(*(_terms(wording.words(text)) for text in asked)):
            counts[term] = counts.get(term, 0) + 1
    return {term: count / len(rows) for term, count in counts.items()}


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {term: value / length for term, value in vector.items()} if length else {}


def _mean(weighted: list[tuple[float, Vector]]) -> Vector:
    total: Vector = {}
    for weight, vector in weighted:
        for term, value in vector.items():
            total[term] = total.get(term, 0.0) + weight * value
    return _unit(total)
