"""The entries of one workspace as sparse vectors: which of them does a message ask for?

Pure: no database, no settings. Two views are mixed: an entry as a whole (the mean of its
phrasings, found through an inverted index) and its nearest single phrasing.
"""

import bisect
import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist

from rapidfuzz import process
from rapidfuzz.distance import OSA

from faqs import checking, readers, wording

Vector = dict[str, float]

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
_SMALL, _CANDIDATES = 100, 60  # in longer lists common terms count for the candidates only
_SHARPNESS = 12.0
# A word that nobody here uses is read as the most alike one that is known.
_SHORTEST_REPAIRED = 4
_ALIKE = 0.79
_MOST_REPAIRED = 20
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


@dataclass(frozen=True)
class Ranked:
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
    """Finds the entries that a message asks for. Never changes once it is made."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = list(sources)
        said = [list(_documents(source)) for source in self.sources]
        terms = [[(weight, _terms(words)) for weight, words in own] for own in said]
        self._words = [frozenset(word for _, words in own for word in words) for own in said]
        self._idf = _idf([[found for _, found in own] for own in terms])
        self._unknown = math.log(1 + len(said) + _USUAL_WEIGHT) + _IDF_FLOOR
        self._phrasings = [
            [(weight, _unit(self._weighed(found))) for weight, found in own] for own in terms
        ]
        self._postings: dict[str, list[tuple[int, float]]] = {}
        for place, own in enumerate(self._phrasings):
            for term, value in _mean(own).items():
                self._postings.setdefault(term, []).append((place, value))
        self._common = {
            term: dict(found)
            for term, found in self._postings.items()
            if len(said) > _SMALL and len(found) > len(said) / 4
        }
        every = {word for words in self._words for word in words} | wording.meaningful()
        self._known = frozenset(every | wording.fillers())
        self._repairs = sorted(word for word in every if len(word) >= _SHORTEST_REPAIRED)
        self._strangers = self._fit_of_strangers(said)
        self._usual_fit = (sum(self._strangers) + _STRANGER_WEIGHT * _STRANGER.mean) / (
            len(self._strangers) + _STRANGER_WEIGHT
        )
        # Values held, a measure of the memory used.
        self.size = sum(len(vector) for own in self._phrasings for _, vector in own)

    def look(self, text: str, *, limit: int = 3) -> list[tuple[Source, Evidence]]:
        """Return the entries nearest to `text`, best first, with what speaks for each."""
        words = self._repair(wording.words(text))
        ranked = self._rank(_terms(words)) if words else []
        return [
            (self.sources[one.place], self._evidence(words, ranked, one)) for one in ranked[:limit]
        ]

    def _evidence(self, words: list[str], ranked: list[Ranked], one: Ranked) -> Evidence:
        # The last rival is an entry that nobody has written: what else could be meant.
        fits = [*(other.score for other in ranked), self._usual_fit]
        telling = {word: self._idf.get(f"={word}", self._unknown) for word in words}
        own = self._words[one.place]
        below = bisect.bisect_left(self._strangers, one.score)
        usual = _STRANGER.cdf(one.score) * _STRANGER_WEIGHT
        return Evidence(
            score=one.score,
            share=1 / sum(math.exp(_SHARPNESS * (fit - one.score)) for fit in fits),
            rarity=(below + usual) / (len(self._strangers) + _STRANGER_WEIGHT),
            said=sum(w for word, w in telling.items() if word in own) / sum(telling.values()),
            words=len(words),
        )

    def _weighed(self, terms: Vector) -> Vector:
        return {term: value * self._idf.get(term, self._unknown) for term, value in terms.items()}

    def _rank(self, terms: Vector, *, without: int = -1) -> list[Ranked]:
        query = _unit(self._weighed(terms))
        scores = [0.0] * len(self.sources)
        common = []
        for term, value in query.items():
            if term in self._common:
                common.append((value, self._common[term]))
                continue
            for place, other in self._postings.get(term, ()):
                scores[place] += value * other
        candidates: Iterable[int] = range(len(scores))
        if common:
            # What a quarter of all entries say decides between the nearest only: half the time.
            candidates = heapq.nlargest(_CANDIDATES, candidates, key=scores.__getitem__)
            for place in candidates:
                scores[place] += sum(value * found.get(place, 0.0) for value, found in common)
        nearest = heapq.nlargest(_LOOKED_AT + 1, candidates, key=scores.__getitem__)
        ranked = [
            Ranked(place, self._mixed(query, place, scores[place]))
            for place in nearest
            if scores[place] > 0 and place != without
        ]
        return sorted(ranked, key=lambda one: -one.score)

    def _mixed(self, query: Vector, place: int, whole: float) -> float:
        nearest = max(weight * _dot(query, vector) for weight, vector in self._phrasings[place])
        return _NEAREST * nearest + (1 - _NEAREST) * whole

    def _repair(self, words: list[str]) -> list[str]:
        unknown = [
            word
            for word in dict.fromkeys(words)
            if len(word) >= _SHORTEST_REPAIRED and word not in self._known and word.isalpha()
        ]
        read_as = {}
        for word in unknown[:_MOST_REPAIRED]:
            found = process.extractOne(
                word, self._repairs, scorer=OSA.normalized_similarity, score_cutoff=_ALIKE
            )
            if found and found[0][0] == word[0]:
                read_as[word] = found[0]
        return [read_as.get(word, word) for word in words]

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


def _documents(source: Source) -> Iterator[tuple[float, list[str]]]:
    """Yield what an entry says, with the weight of each: ways to ask count in full."""
    yield 1, wording.words(source.question)
    for phrasing in source.phrasings:
        yield 1, wording.words(phrasing)
    for weight, text in ((_KEYWORDS, source.keywords), (_ANSWER, source.answer)):
        if words := wording.words(text):
            yield weight, words


def _terms(words: list[str]) -> Vector:
    terms = {piece: 1 + math.log(count) for piece, count in wording.pieces(words).items()}
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


def _dot(one: Vector, other: Vector) -> float:
    # Most terms are not shared: finding those that are is left to the sets.
    return sum(one[term] * other[term] for term in one.keys() & other.keys())
