"""Questions that no entry answered, the same ones together, the most asked first."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from faqs import checking, cleaning, smalltalk
from faqs.cleaning import Reading
from faqs.engine import asking, certainty, features
from faqs.engine.answering import Answerer
from faqs.engine.certainty import Manner
from faqs.index import Source
from faqs.quality import grouping

MOST = 1_000  # different texts, the newest


@dataclass(frozen=True)
class Question:
    """What a customer wrote, and where it stands. The reference means nothing here."""

    reference: int
    text: str
    asked_at: datetime


@dataclass(frozen=True)
class Asked:
    """A text that was asked so often; the reference and the time are the latest's."""

    text: str
    count: int
    latest_at: datetime
    reference: int


@dataclass(frozen=True)
class Group:
    """Texts that ask for the same, the most typical first."""

    texts: Sequence[Asked]

    @property
    def title(self) -> str:
        """Return the most typical text."""
        return self.texts[0].text

    @property
    def count(self) -> int:
        """Return how often all of them were asked."""
        return sum(one.count for one in self.texts)

    @property
    def latest(self) -> Asked:
        """Return the text that was asked last."""
        return max(self.texts, key=lambda one: one.latest_at)


def groups(
    questions: Iterable[Question],
    *,
    sources: Sequence[Source],
    answerer: Answerer | None,
    manner: Manner,
) -> list[Group]:
    """Return the groups of questions (newest first) that the active entries still do not answer.

    Where there is no model, only texts that are written alike go together.
    """
    known = {_key(text) for one in sources for text in (one.question, *one.phrasings)}
    asked = [one for key, one in _different(questions).items() if key not in known]
    if answerer is None:
        found = [Group([one]) for one in asked]
    else:
        found = _by_meaning(asked, {one.entry_id for one in sources}, answerer, manner)
    return sorted(found, key=lambda one: (-one.count, -one.latest.latest_at.timestamp()))


def _different(questions: Iterable[Question]) -> dict[str, Asked]:
    """Return what was asked by what it says: case, signs, greetings and short forms aside."""
    found: dict[str, Asked] = {}
    for one in questions:
        key = _key(one.text)
        if key in found:
            found[key] = replace(found[key], count=found[key].count + 1)
        elif key and len(found) < MOST and smalltalk.kind_of(one.text) is None:
            shown = checking.one_line(one.text)
            found[key] = Asked(shown, 1, one.asked_at, one.reference)
    return found


def _key(text: str) -> str:
    return " ".join(_read(text).words)


def _read(text: str) -> Reading:
    return cleaning.read(smalltalk.core(cleaning.tidy(text)))


def _by_meaning(
    asked: Sequence[Asked], active: Container[int], answerer: Answerer, manner: Manner
) -> list[Group]:
    encoder = answerer.encoder
    readings = [answerer.read(one.text)[0] for one in asked]
    least = certainty.thresholds(manner).answer
    ranked = asking.ask(answerer.model, readings, encoder, limit=1)
    left = [
        place
        for place, best in enumerate(ranked)
        # An entry that was switched off since answers nothing, whatever the model holds.
        if not best
        or answerer.model.entries[best[0].place] not in active
        or certainty.of(best[0].evidence, answerer.weights) < least
    ]
    if not left:
        return []
    meant = features.vectors([readings[place] for place in left], encoder)[0]
    counts = np.array([asked[place].count for place in left])
    found = []
    for own in grouping.group(meant):
        first = own[grouping.typical(meant[own], counts[own])]
        others = sorted((place for place in own if place != first), key=lambda p: -counts[p])
        found.append(Group([asked[left[place]] for place in (first, *others)]))
    return found
