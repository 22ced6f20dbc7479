"""Pairs of entries that are mixed up: a few pairs hold most of the wrong answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from faqs.index import Source
from faqs.quality.said import Said
from faqs.quality.selftest import Miss

# A person knows; the self-test only hints.
_BY_PERSON = 2


@dataclass(frozen=True)
class Mixed:
    """A text for one entry that another one was taken for, by the self-test or by a person."""

    text: str
    wanted_id: int
    taken_id: int
    is_from_person: bool


@dataclass(frozen=True)
class Pair:
    """Two entries and what is mixed up between them. The first is taken for the other more often."""

    first: Source
    second: Source
    mixed: Sequence[Mixed]

    @property
    def examples(self) -> list[Mixed]:
        """Return each text once."""
        return list({(one.text.casefold(), one.wanted_id): one for one in self.mixed}.values())

    @property
    def weight(self) -> int:
        """Return how much speaks for it that they are mixed up."""
        return sum(_BY_PERSON if one.is_from_person else 1 for one in self.mixed)


def from_test(misses: Iterable[Miss]) -> list[Mixed]:
    """Return what the self-test says."""
    return [Mixed(one.text, one.entry_id, one.taken_id, False) for one in misses]


def from_people(said: Iterable[Said], nearest: Mapping[int, int]) -> list[Mixed]:
    """Return what corrections and taps say; `nearest` has the entry that the bot held nearest to
    each message, for those that it did not answer."""
    found = []
    for one in said:
        taken = one.answered_id or nearest.get(one.message_id)
        if one.entry_id and taken and taken != one.entry_id:
            found.append(Mixed(one.text, one.entry_id, taken, True))
    return found


def pairs(mixed: Iterable[Mixed], sources: Iterable[Source]) -> list[Pair]:
    """Return the pairs of these entries, the most mixed up first."""
    known = {one.entry_id: one for one in sources}
    found: dict[frozenset[int], list[Mixed]] = {}
    for one in mixed:
        if one.wanted_id in known and one.taken_id in known:
            found.setdefault(frozenset({one.wanted_id, one.taken_id}), []).append(one)
    made = []
    for ids, own in found.items():
        first, second = sorted(ids, key=lambda pk: (-sum(m.wanted_id == pk for m in own), pk))
        # People's first: they are what happened.
        own.sort(key=lambda one: not one.is_from_person)
        made.append(Pair(known[first], known[second], own))
    return sorted(made, key=lambda one: (-one.weight, one.first.entry_id, one.second.entry_id))
