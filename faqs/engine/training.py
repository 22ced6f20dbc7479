"""From a workspace's entries to its model: kernel ridge regression, in closed form.

Each text votes for its own entry; the votes are chosen so that texts near each other agree.
One inverse gives the votes, and also, exactly, what every text would have been taken for had
its own entry not been there: the yardstick for "asked, but not covered" (`certainty`), or had it
itself not been there: how well an entry's texts stand for each other (`quality.selftest`). A
logistic regression ranks as well (docs/decisions), and would have to be trained once for each
entry to know that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faqs import cleaning, smalltalk
from faqs.cleaning import Reading
from faqs.engine import features
from faqs.engine.features import COLUMNS, Encoder, Floats
from faqs.engine.model import Integers, Model, Strangers, by_bin
from faqs.index import Source

# Chosen on the development sets, where a wide range does about as well (docs/decisions).
_NEARNESS = 2.0  # how fast a likeness of meaning fades
_SAID = 0.5  # what the way it is said counts against what is meant
_SPELLING = 0.5  # and what spelling counts
_RIDGE = 0.15
_ANSWER = 0.4  # what an answer's text counts against a question's
# The inverse takes a third power of this: beyond, an entry's further texts share a row.
MOST_ROWS = 3_000
_SAMPLES = 1_000
# As it is in most workspaces; counts as much as so many texts of the workspace's own.
_USUAL_MEAN, _USUAL_SPREAD, _USUAL_WEIGHT = 0.22, 0.1, 8
_FEW = 0.1  # where nothing competes, strangers fit better, and less is known of them
_USUAL_GAPS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.26)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class _Text:
    place: int  # of its entry
    weight: float
    reading: Reading


def train(sources: Iterable[Source], encoder: Encoder, *, identity: str) -> Model:
    """Return the model of a workspace's entries; `identity` is the encoder's."""
    known = list(sources)
    texts = [text for place, source in enumerate(known) for text in _texts(place, source)]
    readings = [text.reading for text in texts]
    rarities = features.rarity(readings)
    rows = _Rows.of(texts, readings, rarities, encoder, entries=len(known))
    solved = _solve(rows, entries=len(known))
    starts, places, values = by_bin(rows.bins, rows.values)
    return Model(
        encoder=identity,
        entries=tuple(source.entry_id for source in known),
        faq_ids=tuple(source.faq_id for source in known),
        words=frozenset(word for one in readings for word in one.words),
        answers_smalltalk=any(map(_is_smalltalk, known)),
        vectors=rows.vectors,
        starts=starts,
        rows=places,
        values=values,
        rarities=rarities,
        shares=solved.shares,
        strangers=solved.strangers,
        taken=_in_order(texts, rows, solved.taken),
    )


def likeness(mine: Floats, others: Floats, spelling: Floats) -> Floats:
    """Return how near texts are: their vectors, and the products of their spelling; 1: the same."""
    meant, said = (
        np.exp(_NEARNESS * (one @ other.T - 1)) for one, other in zip(mine, others, strict=True)
    )
    mixed: Floats = (meant + _SAID * said + _SPELLING * spelling) / (1 + _SAID + _SPELLING)
    return mixed


@dataclass(frozen=True)
class _Rows:
    """What votes: texts, or several of one entry in one."""

    texts: NDArray[np.int64]  # the text of each row, by number; -1: several
    places: NDArray[np.int64]
    weights: Matrix
    vectors: Floats
    bins: list[features.Bins]
    values: list[Floats]

    @classmethod
    def of(
        cls,
        texts: Sequence[_Text],
        readings: Sequence[Reading],
        rarities: Floats,
        encoder: Encoder,
        *,
        entries: int,
    ) -> "_Rows":
        vectors = features.vectors(readings, encoder)
        spelled = [features.sparse(one, rarities) for one in readings]
        kept, rest = _shared_out(texts, most=max(1, MOST_ROWS // max(1, entries)))
        together = [_joined(own, vectors, spelled) for own in rest]
        return cls(
            texts=np.array(kept + [-1] * len(rest), dtype=int),
            places=np.array(
                [texts[i].place for i in kept] + [texts[own[0]].place for own in rest], dtype=int
            ),
            weights=np.array([texts[i].weight for i in kept] + [1.0] * len(rest)),
            vectors=np.concatenate([vectors[:, kept], *(one[0] for one in together)], axis=1),
            bins=[spelled[i][0] for i in kept] + [one[1] for one in together],
            values=[spelled[i][1] for i in kept] + [one[2] for one in together],
        )

    def likenesses(self) -> Matrix:
        """Return how near each row is to each."""
        dense = np.zeros((len(self.bins), COLUMNS), dtype=np.float32)
        for row, (bins, values) in enumerate(zip(self.bins, self.values, strict=True)):
            dense[row, bins] = values
        return likeness(self.vectors, self.vectors, dense @ dense.T).astype(np.float64)


@dataclass(frozen=True)
class _Solved:
    """What the inverse gives."""

    shares: Floats
    strangers: Strangers
    taken: NDArray[np.int64]  # the entry nearest to each row, had that row not been there


def _solve(rows: _Rows, *, entries: int) -> _Solved:
    own = np.zeros((len(rows.places), entries))
    own[np.arange(len(rows.places)), rows.places] = 1
    inverse = np.linalg.inv(rows.likenesses() + np.diag(_RIDGE / rows.weights))
    shares = inverse @ own
    best, gaps = [], []
    for place in range(entries):
        mine = np.flatnonzero(rows.places == place)
        # The mean of all others, had the entry's rows not been there (block leave-one-out).
        without = own[mine] - np.linalg.solve(inverse[np.ix_(mine, mine)], shares[mine])
        asked = np.delete(without[rows.weights[mine] == 1], place, axis=1)
        if asked.size:
            highest = np.sort(np.pad(asked, ((0, 0), (1, 0))), axis=1)
            best.append(highest[:, -1])
            gaps.append(highest[:, -1] - highest[:, -2])
    # The same without one row alone: its block is a single number.
    alone = own - shares / np.diag(inverse)[:, None]
    taken = alone.argmax(axis=1) if entries else np.zeros(0, dtype=int)
    return _Solved(shares.astype(np.float32), _strangers(best, gaps, entries=entries), taken)


def _in_order(texts: Sequence[_Text], rows: _Rows, taken: NDArray[np.int64]) -> Integers:
    """Return the same for what customers may ask, text by text; -1: it has no row of its own."""
    found = np.full(len(texts), -1, dtype=np.int32)
    has_own = rows.texts >= 0
    found[rows.texts[has_own]] = taken[has_own]
    return found[[text.weight == 1 for text in texts]]


def _strangers(best: list[Matrix], gaps: list[Matrix], *, entries: int) -> Strangers:
    """Return the yardstick; what is usual stands in where a workspace has few entries."""
    fits = np.concatenate([*best, np.zeros(0)])
    usual = _USUAL_MEAN + _FEW / max(entries, 1)
    spread = np.hypot(_USUAL_SPREAD, _FEW / max(entries, 1))
    count = len(fits) + _USUAL_WEIGHT
    mean = (fits.sum() + _USUAL_WEIGHT * usual) / count
    squares = ((fits - mean) ** 2).sum() + _USUAL_WEIGHT * (spread**2 + (usual - mean) ** 2)
    every = np.sort(np.concatenate([*gaps, np.array(_USUAL_GAPS)]))
    sample = every[:: max(1, len(every) // _SAMPLES)]
    return Strangers(float(mean), float(np.sqrt(squares / count)), sample.astype(np.float32))


def _texts(place: int, source: Source) -> list[_Text]:
    asked = [source.question, *source.phrasings]
    found = [_Text(place, 1.0, cleaning.read(text)) for text in asked]
    beside = [source.answer, source.keywords]
    return found + [_Text(place, _ANSWER, cleaning.read(text)) for text in beside if text.strip()]


def _is_smalltalk(source: Source) -> bool:
    """Whether greeting or thanking is what this entry is for."""
    asked = [source.question, *source.phrasings]
    return sum(smalltalk.kind_of(text) is not None for text in asked) * 2 > len(asked)


def _shared_out(texts: Sequence[_Text], *, most: int) -> tuple[list[int], list[list[int]]]:
    """Return the texts that get a row of their own, and those that share one by entry."""
    by_place: dict[int, list[int]] = {}
    for number, text in enumerate(texts):
        by_place.setdefault(text.place, []).append(number)
    kept: list[int] = []
    shared: list[list[int]] = []
    for own in by_place.values():
        if len(own) <= most:
            kept += own
        else:
            kept += own[: most - 1]
            shared.append(own[most - 1 :])
    return kept, shared


_Spelled = tuple[features.Bins, Floats]


def _joined(
    own: Sequence[int], vectors: Floats, spelled: Sequence[_Spelled]
) -> tuple[Floats, features.Bins, Floats]:
    """Return the mean direction of several texts."""
    vector = features.directions(vectors[:, list(own)].sum(axis=1, keepdims=True))
    dense = np.zeros(COLUMNS, dtype=np.float32)
    for number in own:
        dense[spelled[number][0]] += spelled[number][1]
    bins = np.flatnonzero(dense)
    values = dense[bins] / max(float(np.linalg.norm(dense)), 1e-9)
    return vector, bins, values.astype(np.float32)
