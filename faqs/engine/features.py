"""A text as numbers: what it means (the encoder's vector) and how it is spelled (sparse).

The letters carry what the encoder does not know: names, and Hausa, Yoruba and Igbo.
"""

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faqs import wording
from faqs.cleaning import Reading

VIEWS = 2
BINS = 4_096
# Words that customers use alike (`data/synonyms.csv`) have bins of their own, behind the others.
MEANING_BINS = 64
COLUMNS = BINS + MEANING_BINS
_SIZES = (2, 3, 4, 5)
_LONGEST_KEPT = 20
# How much meanings count against letters.
_MEANING = math.sqrt(0.18)

Floats = NDArray[np.float32]
Bins = NDArray[np.int64]


class UnableToEncode(Exception):
    """The encoder is not there, or gives no vectors now."""


class Encoder(Protocol):
    """What of the encoder is used here."""

    def encode(self, texts: Sequence[str]) -> Floats: ...

    def vocabulary(self) -> tuple[str, ...]: ...


def vectors(readings: Sequence[Reading], encoder: Encoder) -> Floats:
    """Return views x texts x numbers: what is meant, and how it is said.

    Each is the mean direction of both readings; all are encoded as one batch.
    """
    texts = list(dict.fromkeys(t for one in readings for t in (one.plain, one.spelled)))
    places = {text: place for place, text in enumerate(texts)}
    encoded = encoder.encode(texts)
    plain = np.array([places[one.plain] for one in readings], dtype=int)
    spelled = np.array([places[one.spelled] for one in readings], dtype=int)
    found = encoded[plain] + encoded[spelled]
    return directions(found.reshape(len(found), VIEWS, found.shape[1] // VIEWS).swapaxes(0, 1))


def joined(vectors: Floats, weights: Sequence[float]) -> Floats:
    """Return the vectors (views x 1 x numbers) of a text that holds these texts, by their lengths.

    A sentence's vector is the mean of its words, so a text's is about that of its sentences.
    """
    share = np.array(weights, dtype=np.float32)
    return directions((vectors * share[None, :, None]).sum(axis=1, keepdims=True))


def directions(found: Floats) -> Floats:
    """Return vectors of length 1, each view's together: products are twice as fast so."""
    lengths = np.linalg.norm(found, axis=2, keepdims=True)
    one: Floats = np.ascontiguousarray(found / np.maximum(lengths, 1e-9), dtype=np.float32)
    return one


def rarity(rows: Sequence[Reading]) -> Floats:
    """Return how telling each bin is, from the texts of one workspace."""
    counts = np.zeros(BINS)
    for one in rows:
        counts[letters(one.words)[0]] += 1
    return (np.log((1 + len(rows)) / (1 + counts)) + 1).astype(np.float32)


def sparse(reading: Reading, rarities: Floats) -> tuple[Bins, Floats]:
    """Return the bins of a text and their values; letters and meanings of unit length each."""
    bins, values = letters(reading.words)
    values = values * rarities[bins]
    values /= max(float(np.linalg.norm(values)), 1e-9)
    meant = sorted({_hash(m) % MEANING_BINS for m in wording.meanings_in(list(reading.words))})
    if not meant:
        return bins, values
    share = np.full(len(meant), _MEANING / math.sqrt(len(meant)), dtype=np.float32)
    meant_bins = np.array(meant, dtype=np.int64) + BINS
    return np.concatenate([bins, meant_bins]), np.concatenate([values, share])


def letters(words: Sequence[str]) -> tuple[Bins, Floats]:
    """Return the bins of the pieces of words, and how often each occurs, damped."""
    counts: Counter[int] = Counter()
    for word in words:
        counts.update(_kept(word) if len(word) <= _LONGEST_KEPT else _pieces(word))
    bins = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
    values = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
    return bins, 1 + np.log(values)


def _pieces(word: str) -> tuple[int, ...]:
    padded = f" {word} "
    return tuple(
        _hash(padded[start : start + size]) % BINS
        for size in _SIZES
        if size <= len(padded)
        for start in range(len(padded) - size + 1)
    )


# Nearly all that anybody writes are the same few thousand words.
_kept = lru_cache(maxsize=8_192)(_pieces)


def _hash(piece: str) -> int:
    # Python's own differs from process to process, and models are stored.
    return zlib.crc32(piece.encode("utf-8", "replace"))
