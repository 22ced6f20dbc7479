"""Entries that are asked for in too few ways, and what customers wrote that may be another way.

Ways to ask are the strongest lever there is: from one to five of them, 17 to 38 of a hundred
questions more are answered right (docs/answers.md).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from faqs import checking, cleaning, smalltalk
from faqs.index import Source

Origin = Literal["team", "tap", "model", "asked"]
LEAST = 3  # phrasings, beside the question
SUGGESTED = 5  # to an entry
# Below, a question is most likely for none of the entries.
_LEAST_SURE = 0.1
_ORDER: tuple[Origin, ...] = ("team", "tap", "model", "asked")


@dataclass(frozen=True)
class Suggestion:
    """What a customer wrote, for which entry, and who says so; `confidence` is the bot's."""

    text: str
    faq_id: str
    origin: Origin
    confidence: float = 1.0


@dataclass(frozen=True)
class Wanting:
    """An entry with few phrasings, and what may become one, the surest first."""

    entry: Source
    suggestions: Sequence[Suggestion]


def entries(sources: Sequence[Source], suggestions: Iterable[Suggestion]) -> list[Wanting]:
    """Return the entries with few phrasings, those with suggestions first."""
    few = [one for one in sources if len(one.phrasings) < LEAST]
    found = _by_entry(sources, {one.faq_id for one in few}, suggestions)
    wanting = [Wanting(one, found.get(one.faq_id, [])) for one in few]
    return sorted(wanting, key=lambda one: (not one.suggestions, len(one.entry.phrasings)))


def _by_entry(
    sources: Sequence[Source], wanted: Container[str], suggestions: Iterable[Suggestion]
) -> dict[str, list[Suggestion]]:
    """Return suggestions by faq_id; each text once, for what is surest, and none that is known."""
    sure = [one for one in suggestions if one.confidence >= _LEAST_SURE]
    seen = _known(sources)
    found: dict[str, list[Suggestion]] = {}
    for one in sorted(sure, key=lambda s: (_ORDER.index(s.origin), -s.confidence)):
        mine = found.setdefault(one.faq_id, [])
        if len(mine) == SUGGESTED or (one.origin == "asked" and one.faq_id not in wanted):
            continue
        if text := _new(one.text, seen):
            mine.append(Suggestion(text, one.faq_id, one.origin, one.confidence))
    return found


def unknown(
    sources: Sequence[Source], texts: Mapping[int, Iterable[str]]
) -> dict[int, Sequence[str]]:
    """Return of `texts`, by entry, what may become a phrasing: each once, and none that is known."""
    known = _known(sources) if any(texts.values()) else set()
    found: dict[int, Sequence[str]] = {}
    for entry_id, mine in texts.items():
        seen = set(known)
        found[entry_id] = [new for text in mine if (new := _new(text, seen))]
    return found


def _new(text: str, seen: set[str]) -> str:
    """Return `text` as a phrasing, and note it in `seen`; empty when it is none or not new."""
    # Files keep phrasings apart by that sign (checking.split_phrasings).
    text = checking.one_line(text.replace("|", " "))
    key = _key(text)
    is_fit = bool(key) and len(text) <= checking.MAX_PHRASING and not smalltalk.kind_of(text)
    if not is_fit or key in seen:
        return ""
    seen.add(key)
    return text


def _known(sources: Iterable[Source]) -> set[str]:
    return {_key(text) for one in sources for text in (one.question, *one.phrasings)}


def _key(text: str) -> str:
    return " ".join(cleaning.read(text).words)
