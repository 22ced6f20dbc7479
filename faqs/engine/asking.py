"""Ask a model: the entries nearest to each text, best first, and what speaks for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faqs.cleaning import Reading
from faqs.engine import features, training
from faqs.engine.features import Encoder, Floats
from faqs.engine.model import Model, Strangers

_SHARPNESS = 12.0


@dataclass(frozen=True)
class Evidence:
    """What speaks for an entry, relative to its workspace; `certainty` weighs it."""

    fit: float  # in spreads above what fits entries that it does not belong to
    lead: float  # before the next entry: the share of such texts that lead by less
    share: float  # against all other entries, as a chance
    words: int  # how many words there are


@dataclass(frozen=True)
class Candidate:
    """An entry by its place in the model."""

    place: int
    evidence: Evidence


def ask(
    model: Model, readings: Sequence[Reading], encoder: Encoder, *, limit: int = 3
) -> list[list[Candidate]]:
    """Return for each text the nearest entries, best first; texts are encoded as one batch."""
    if not readings or not model.entries:
        return [[] for _ in readings]
    return rank(model, readings, features.vectors(readings, encoder), limit=limit)


def rank(
    model: Model, readings: Sequence[Reading], vectors: Floats, *, limit: int = 3
) -> list[list[Candidate]]:
    """Return the same for texts whose vectors (views x texts x numbers) are known."""
    if not readings or not model.entries:
        return [[] for _ in readings]
    spelling = np.stack([_spelling(model, reading) for reading in readings])
    scores = training.likeness(vectors, model.vectors, spelling) @ model.shares
    return [
        _candidates(model, reading, own, limit)
        for reading, own in zip(readings, scores, strict=True)
    ]


def _spelling(model: Model, reading: Reading) -> Floats:
    """Return the product with each row; only the bins that the text has are looked at."""
    bins, values = features.sparse(reading, model.rarities)
    first, counts = model.starts[bins], model.starts[bins + 1] - model.starts[bins]
    # The places of all those spans, one after the other.
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    at = np.arange(total) + np.repeat(first - (ends - counts), counts)
    products = model.values[at] * np.repeat(values, counts)
    found = np.bincount(model.rows[at], weights=products, minlength=len(model.shares))
    return found.astype(np.float32)


def _candidates(model: Model, reading: Reading, scores: Floats, limit: int) -> list[Candidate]:
    order = np.argsort(-scores, kind="stable")[: max(limit, 2)].tolist()
    strangers = model.strangers
    # An entry that nobody has written competes too: what else could be meant.
    highest = max(float(scores[order[0]]), strangers.mean)
    total = float(np.exp(_SHARPNESS * (scores - highest)).sum())
    total += math.exp(_SHARPNESS * (strangers.mean - highest))
    found = []
    for rank, place in enumerate(order[:limit]):
        score = float(scores[place])
        other = max((float(scores[o]) for o in order if o != place), default=0.0)
        found.append(
            Candidate(
                place,
                Evidence(
                    fit=(score - strangers.mean) / strangers.spread,
                    lead=_lead(strangers, score - other) if rank == 0 else 0.0,
                    share=math.exp(_SHARPNESS * (score - highest)) / total,
                    words=len(reading.words),
                ),
            )
        )
    return found


def _lead(strangers: Strangers, gap: float) -> float:
    below = int(np.searchsorted(strangers.gaps, gap))
    return (below + 0.5) / (len(strangers.gaps) + 1)
