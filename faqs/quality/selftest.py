"""The self-test: each way to ask is left out in turn; would its entry have been found without it?

What was found is in the model: its training knows it for nothing (faqs.engine.training). It tells
how well the ways to ask agree, and little about what customers will write (docs/answers.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faqs.engine.model import Model
from faqs.index import Source


@dataclass(frozen=True)
class Miss:
    """A way to ask that would have been taken for another entry, had it not been there."""

    text: str
    entry_id: int
    taken_id: int


@dataclass(frozen=True)
class Tested:
    """How many ways to ask an entry has that could be left out, and how many would be found."""

    entry_id: int
    question: str
    count: int
    found: int

    @property
    def share(self) -> float:
        """Return the part that would be found."""
        return self.found / self.count


@dataclass(frozen=True)
class SelfTest:
    """The whole test. Entries with one way to ask are not in it: nothing would be left of them."""

    entries: Sequence[Tested]
    misses: Sequence[Miss]

    @property
    def count(self) -> int:
        """Return how many ways to ask were left out."""
        return sum(one.count for one in self.entries)

    @property
    def found(self) -> int:
        """Return how many of them would have been found."""
        return sum(one.found for one in self.entries)

    @property
    def share(self) -> float | None:
        """Return the part that would have been found; None where nothing could be left out."""
        return self.found / self.count if self.count else None


def run(model: Model, sources: Sequence[Source]) -> SelfTest | None:
    """Return the test of a model, from the very entries it was trained of; None: of others."""
    texts = [(place, text) for place, one in enumerate(sources) for text in _ways(one)]
    ids = tuple(one.entry_id for one in sources)
    if ids != model.entries or len(texts) != len(model.taken):
        return None
    counts, found = [0] * len(sources), [0] * len(sources)
    misses = []
    for (place, text), taken in zip(texts, model.taken.tolist(), strict=True):
        if taken < 0 or not sources[place].phrasings:
            continue
        counts[place] += 1
        if taken == place:
            found[place] += 1
        else:
            misses.append(Miss(text, ids[place], ids[taken]))
    tested = [
        Tested(one.entry_id, one.question, counts[place], found[place])
        for place, one in enumerate(sources)
        if counts[place]
    ]
    return SelfTest(tested, misses)


def _ways(source: Source) -> list[str]:
    return [source.question, *source.phrasings]
