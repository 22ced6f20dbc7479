"""One message, one judgement: small talk, an answer or two, a menu, or a person's turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from faqs import cleaning, smalltalk, splitting
from faqs.cleaning import Reading
from faqs.engine import asking, certainty, features
from faqs.engine.asking import Candidate
from faqs.engine.certainty import Thresholds, Weights, Zone
from faqs.engine.features import Encoder, Floats
from faqs.engine.model import Model
from faqs.smalltalk import Kind
from faqs.spelling import Speller

Verdict = Zone | Literal["smalltalk"]
# A menu of reply buttons holds no more.
MOST_OFFERED = 3
MOST_ANSWERS = 2
# A language model may choose among more than a customer.
MOST_LOOKED_AT = 8
# Two answers to what was one question are worse than one: parts must be surer than a whole.
_SURE_PART = 0.75


@dataclass(frozen=True)
class Choice:
    """An entry that may answer, and how sure that is."""

    entry_id: int
    faq_id: str
    confidence: float


@dataclass(frozen=True)
class Part:
    """One question of the message as it was understood, and its entries, best first."""

    reading: Reading
    choices: tuple[Choice, ...]

    @property
    def confidence(self) -> float:
        return self.choices[0].confidence if self.choices else 0.0


@dataclass(frozen=True)
class Judgement:
    """What to do with the message; `parts` begins with the whole of it."""

    verdict: Verdict
    confidence: float = 0.0
    answers: tuple[Choice, ...] = ()
    offered: tuple[Choice, ...] = ()
    parts: tuple[Part, ...] = ()
    chat: Kind | None = None


@dataclass(frozen=True)
class Answerer:
    """A workspace's model with what is needed to ask it; safe to use from many threads."""

    model: Model
    encoder: Encoder
    speller: Speller = field(repr=False)
    weights: Weights | None = None  # the workspace's own; None: those that ship

    @classmethod
    def of(cls, model: Model, encoder: Encoder, weights: Weights | None = None) -> "Answerer":
        return cls(model, encoder, Speller(model.words, encoder.vocabulary()), weights)

    def judge(self, text: str, thresholds: Thresholds) -> Judgement:
        """Return what to do with one message."""
        return self.judge_all([text], thresholds)[0]

    def judge_all(self, texts: Sequence[str], thresholds: Thresholds) -> list[Judgement]:
        """Return what to do with each message; all are encoded as one batch.

        A message of several questions is taken as a whole only when its parts do not answer it,
        and then is where they point together: to encode it too would cost as much as they did.
        """
        judged: dict[int, Judgement] = {}
        readings: dict[int, list[Reading]] = {}
        for place, text in enumerate(texts):
            chat = self.smalltalk(text)
            if chat:
                judged[place] = Judgement("smalltalk", chat=chat)
            else:
                readings[place] = self.read(text)
        asked = {place: own[1:] or own for place, own in readings.items()}
        vectors = self._vectors(asked)
        first = self._parts(asked, vectors)
        left = {}
        for place, parts in first.items():
            if len(readings[place]) == 1:
                judged[place] = judge_parts(parts, thresholds)
            elif len(_sure(parts, thresholds)) > 1:
                whole = Part(readings[place][0], _nearest(parts))
                judged[place] = judge_parts((whole, *parts), thresholds)
            else:
                left[place] = readings[place][:1]
        together = {
            place: features.joined(vectors[place], [len(one.words) or 1 for one in asked[place]])
            for place in left
            if place in vectors
        }
        for place, wholes in self._parts(left, together).items():
            judged[place] = judge_parts((*wholes, *first[place]), thresholds)
        return [judged[place] for place in range(len(texts))]

    def _vectors(self, readings: Mapping[int, Sequence[Reading]]) -> dict[int, Floats]:
        """Return readings as vectors (views x readings x numbers), encoded as one batch."""
        flat = [reading for own in readings.values() for reading in own]
        if not flat or not self.model.entries:
            return {}
        ends = np.cumsum([len(own) for own in readings.values()])[:-1]
        cut = np.split(features.vectors(flat, self.encoder), ends, axis=1)
        return dict(zip(readings, cut, strict=True))

    def _parts(
        self, readings: Mapping[int, Sequence[Reading]], vectors: Mapping[int, Floats]
    ) -> dict[int, tuple[Part, ...]]:
        """Return readings with their entries."""
        flat = [reading for own in readings.values() for reading in own]
        known = [vectors[place] for place in readings if place in vectors]
        every = (
            np.concatenate(known, axis=1)
            if known
            else np.zeros((features.VIEWS, 0, 0), dtype=np.float32)
        )
        ranked = iter(asking.rank(self.model, flat, every, limit=MOST_LOOKED_AT))
        return {
            place: tuple(Part(reading, self._choices(next(ranked))) for reading in own)
            for place, own in readings.items()
        }

    def read(self, text: str) -> list[Reading]:
        """Return the readings of the whole message, and of its parts if it has several."""
        parts = [part for part in splitting.split(text) if smalltalk.kind_of(part) is None]
        asked = [text, *(parts if len(parts) > 1 else [])]
        return [
            cleaning.read(self.speller.mend(smalltalk.core(cleaning.tidy(one)))) for one in asked
        ]

    def smalltalk(self, text: str) -> Kind | None:
        """Return what the message is if it asks nothing; greetings may be what an entry is for."""
        kind = smalltalk.kind_of(text)
        return None if self.model.answers_smalltalk and kind != "wordless" else kind

    def _choices(self, candidates: Sequence[Candidate]) -> tuple[Choice, ...]:
        found = []
        highest = 1.0
        for one in candidates:
            # Never above a better one's.
            highest = min(highest, certainty.of(one.evidence, self.weights))
            entry_id, faq_id = self.model.entries[one.place], self.model.faq_ids[one.place]
            found.append(Choice(entry_id, faq_id, round(highest, 4)))
        return tuple(found)


def judge_parts(parts: tuple[Part, ...], thresholds: Thresholds) -> Judgement:
    """Return what to do with a message of these parts, the first of which is the whole of it."""
    whole = parts[0]
    sure = _sure(parts[1:], thresholds)
    if len(sure) > 1:
        lowest = min(choice.confidence for choice in sure)
        return Judgement("answer", lowest, answers=tuple(sure), parts=parts)
    zone = certainty.zone(whole.confidence, thresholds)
    answers = whole.choices[:1] if zone == "answer" else ()
    offered = _offered(parts, thresholds.answer) if zone == "menu" else ()
    return Judgement(zone, whole.confidence, answers, offered, parts)


def _nearest(parts: Sequence[Part]) -> tuple[Choice, ...]:
    """Return the entries nearest to any of the parts, best first."""
    every = sorted(
        (choice for part in parts for choice in part.choices),
        key=lambda choice: choice.confidence,
        reverse=True,
    )
    return _different(every)[:MOST_LOOKED_AT]


def _offered(parts: Sequence[Part], least: float) -> tuple[Choice, ...]:
    """Return a menu: what is surely nearest to a part, then what is nearest to the whole."""
    nearest = [part.choices[0] for part in parts[1:] if part.confidence >= least]
    return _different([*nearest, *parts[0].choices])[:MOST_OFFERED]


def _different(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Return the first choice of each entry."""
    found: dict[int, Choice] = {}
    for choice in choices:
        found.setdefault(choice.entry_id, choice)
    return tuple(found.values())


def _sure(parts: Sequence[Part], thresholds: Thresholds) -> list[Choice]:
    """Return the different entries that parts are answered with, each on its own merits."""
    least = max(thresholds.answer, _SURE_PART)
    found: dict[int, Choice] = {}
    for part in parts:
        if part.confidence >= least:
            found.setdefault(part.choices[0].entry_id, part.choices[0])
    return list(found.values())[:MOST_ANSWERS]
