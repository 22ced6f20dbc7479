"""One workspace's trained model: arrays and words, asked by `asking`, stored as bytes."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faqs.engine.features import BINS, COLUMNS, VIEWS, Bins, Floats

# Another form is another number: what was stored under an older one is trained anew.
FORM = 2
_HALF = ("vectors", "values", "shares", "rarities")

Integers = NDArray[np.int32]


class UnableToLoad(Exception):
    """The bytes are no model of this form and this encoder; train it anew."""


@dataclass(frozen=True)
class Strangers:
    """How well texts fit entries that they do not belong to: asked, but not covered."""

    mean: float
    spread: float
    gaps: Floats  # between the best and the second best such entry, sorted


@dataclass(frozen=True)
class Model:
    """Texts of entries (the rows), and how much each speaks for every entry."""

    encoder: str  # its identity
    entries: tuple[int, ...]  # ids, in the order of the columns of `shares`
    faq_ids: tuple[str, ...]
    words: frozenset[str]
    answers_smalltalk: bool
    vectors: Floats  # views x rows x numbers
    # The spelling, by bin: the rows that have it, and how much.
    starts: Integers
    rows: Integers
    values: Floats
    rarities: Floats
    shares: Floats  # rows x entries
    strangers: Strangers
    # For each question and phrasing, in the order of the entries: the place of the entry nearest
    # to it had it not been there; -1: it was not looked at.
    taken: Integers

    @property
    def size(self) -> int:
        """Bytes held in memory, about."""
        arrays = (self.vectors, self.starts, self.rows, self.values, self.rarities, self.shares)
        return sum(one.nbytes for one in arrays) + 80 * len(self.words) + 100 * len(self.entries)


def to_bytes(model: Model) -> bytes:
    """Return the model in a form that runs no code when it is read."""
    about = {
        "form": FORM,
        "encoder": model.encoder,
        "entries": model.entries,
        "faq_ids": model.faq_ids,
        "words": sorted(model.words),
        "answers_smalltalk": model.answers_smalltalk,
        "mean": model.strangers.mean,
        "spread": model.strangers.spread,
    }
    arrays: dict[str, NDArray[Any]] = {name: getattr(model, name) for name in _HALF}
    halves = {name: values.astype(np.float16) for name, values in arrays.items()}
    stream = BytesIO()
    np.savez_compressed(
        stream,
        about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        starts=model.starts,
        rows=model.rows,
        gaps=model.strangers.gaps,
        taken=model.taken,
        allow_pickle=False,
        **halves,
    )
    return stream.getvalue()


def from_bytes(data: bytes, *, encoder: str) -> Model:
    """Return the model. Raises UnableToLoad where another encoder made it, or another form."""
    try:
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            if (about["form"], about["encoder"]) != (FORM, encoder):
                raise UnableToLoad("The model is of another form, or of another encoder.")
            return _model(about, {name: stored[name] for name in stored.files})
    except UnableToLoad:
        raise
    except Exception as error:  # damaged bytes break zip, zlib, numpy and JSON each in its own way
        raise UnableToLoad(f"The model cannot be read ({type(error).__name__}).") from error


def _model(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Model:
    whole = {name: arrays[name].astype(np.float32) for name in _HALF}
    if not _belong_together(about, arrays, whole):
        raise UnableToLoad("The model's parts do not belong together.")
    return Model(
        encoder=about["encoder"],
        entries=tuple(about["entries"]),
        faq_ids=tuple(about["faq_ids"]),
        words=frozenset(about["words"]),
        answers_smalltalk=about["answers_smalltalk"],
        vectors=whole["vectors"],
        starts=arrays["starts"],
        rows=arrays["rows"],
        values=whole["values"],
        rarities=whole["rarities"],
        shares=whole["shares"],
        strangers=Strangers(about["mean"], about["spread"], arrays["gaps"]),
        taken=arrays["taken"],
    )


def _belong_together(
    about: dict[str, Any], arrays: dict[str, NDArray[Any]], whole: dict[str, Floats]
) -> bool:
    """Say whether no place leads outside: else each message would fail, and not the loading."""
    starts, rows, shares = arrays["starts"], arrays["rows"], whole["shares"]
    count = len(shares)
    return (
        len(starts) == COLUMNS + 1
        and int(starts[0]) == 0
        and bool((np.diff(starts) >= 0).all())
        and int(starts[-1]) == len(rows) == len(whole["values"])
        and (not len(rows) or (int(rows.min()) >= 0 and int(rows.max()) < count))
        and whole["vectors"].shape[:2] == (VIEWS, count)
        and shares.shape[1] == len(about["entries"]) == len(about["faq_ids"])
        and len(whole["rarities"]) == BINS
    )


def by_bin(bins: list[Bins], values: list[Floats]) -> tuple[Integers, Integers, Floats]:
    """Turn the bins of each row into the rows of each bin: starts, rows, values."""
    counts = [len(one) for one in bins]
    all_bins = np.concatenate([*bins, np.zeros(0, dtype=np.int64)])
    all_values = np.concatenate([*values, np.zeros(0, dtype=np.float32)])
    all_rows = np.repeat(np.arange(len(bins)), counts)
    order = np.argsort(all_bins, kind="stable")
    starts = np.searchsorted(all_bins[order], np.arange(COLUMNS + 1))
    return (
        starts.astype(np.int32),
        all_rows[order].astype(np.int32),
        all_values[order].astype(np.float32),
    )
