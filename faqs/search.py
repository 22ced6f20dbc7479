"""Which entries answer a message, and whether to answer, to offer a choice, or to be quiet."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from faqs import confidence, index, smalltalk, versions
from faqs.engine import answering, certainty
from faqs.engine.answering import Answerer, Judgement, Part
from faqs.engine.certainty import Manner, Thresholds
from faqs.engine.features import UnableToEncode
from faqs.models import Entry
from faqs.shelf import Ready, Shelf, Text, Texts, usable
from faqs.smalltalk import Kind
from lib import sql
from workspaces import scope
from workspaces.models import Workspace

Decision = answering.Verdict
Current = versions.Current

_MAX_KEPT_TEXT = 200  # characters; longer messages are seldom sent twice


@dataclass(frozen=True)
class Match:
    """An entry that may answer the message."""

    entry_id: int
    faq_id: str
    question: str
    answer: str
    confidence: float


@dataclass(frozen=True)
class Finding:
    """What to do with a message, as far as the entries say.

    `answers` are sent, `offered` are a menu; `nearest` are the likeliest entries whatever the
    decision, best first. `account` is for whoever explains the decision.
    """

    decision: Decision
    confidence: float = 0.0
    answers: tuple[Match, ...] = ()
    offered: tuple[Match, ...] = ()
    nearest: tuple[Match, ...] = ()
    chat: Kind | None = None
    account: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Match, ...]:
        """What the customer gets to see, or would at the least."""
        return self.answers or self.offered or self.nearest[: answering.MOST_OFFERED]


def current() -> Current:
    """Return what the entries of the workspace in scope are now: see `look`."""
    return versions.current()


def look(
    workspace: Workspace,
    texts: Sequence[str],
    *,
    manner: Manner = "balanced",
    current: Current | None = None,
) -> list[Finding]:
    """Return what to do with each of `texts`; what was not asked lately is asked as one batch.

    Call it inside `scope.workspace(workspace)`: one query, and two more after a change. Who
    asks many times in one transaction gives `current`: no query then.
    """
    if scope.current_workspace_id() != workspace.pk:
        raise RuntimeError("faqs.search.look speaks for the workspace of the current scope only.")
    current = usable(versions.current() if current is None else current)
    keys = [(workspace.pk, current, manner, text) for text in texts]
    found = {key: kept for key in keys if (kept := _recent.get(key)) is not None}
    missing = [key for key in dict.fromkeys(keys) if key not in found]
    if missing:
        ready = _shelf.of(workspace.pk, current)
        findings = judge(ready, [key[3] for key in missing], manner=manner)
        for key, finding in zip(missing, findings, strict=True):
            found[key] = finding
            if (
                len(key[3]) <= _MAX_KEPT_TEXT
                and ready.current == current
                and _is_lasting(ready, finding)
            ):
                _recent.put(key, finding)
    return [found[key] for key in keys]


def find(
    workspace: Workspace, text: str, *, limit: int = 3, current: Current | None = None
) -> list[Match]:
    """Return the active entries nearest to `text`, best first; see `look`."""
    [found] = look(workspace, [text], current=current)
    return list(found.nearest[:limit])


def _is_lasting(ready: Ready, finding: Finding) -> bool:
    """Say whether the same question is to be answered alike: not what stood in for a model."""
    by_model = isinstance(ready.engine, Answerer)
    return not by_model or finding.chat is not None or finding.account.get("engine") == "model"


def prepare(workspace: Workspace) -> Ready:
    """Have what answers at hand in this process, and return it. Call in the workspace's scope."""
    return _shelf.of(workspace.pk, usable(versions.current()))


def judge(ready: Ready, texts: Sequence[str], *, manner: Manner = "balanced") -> list[Finding]:
    """Return what `look` does, from what is at hand; the database is asked if the encoder fails."""
    engine = ready.engine
    if isinstance(engine, index.Index):
        return [by_words(engine, text) for text in texts]
    limits = certainty.thresholds(manner)
    try:
        judged = engine.judge_all(texts, limits)
    except UnableToEncode:
        # A vendor's model that is away or late: by words, as if there were none.
        return [by_words(ready.words, text) for text in texts]
    return [
        _by_model(judgement, ready.texts, limits, ready.current, manner) for judgement in judged
    ]


def _by_model(
    judged: Judgement, texts: Texts, limits: Thresholds, current: Current, manner: Manner
) -> Finding:
    if judged.chat:
        return Finding("smalltalk", chat=judged.chat)
    if any(choice.entry_id not in texts for part in judged.parts for choice in part.choices):
        # Switched off or deleted since the model was trained: as if it had never been there.
        judged = answering.judge_parts(
            tuple(_without(part, texts) for part in judged.parts), limits
        )
    account = {
        "engine": "model",
        "cleaned": judged.parts[0].reading.spelled[:300] if judged.parts else "",
        "parts": [
            {"text": part.reading.spelled[:200], "top": _top(part.choices)}
            for part in judged.parts[1:]
        ],
        "top": _top(judged.parts[0].choices) if judged.parts else [],
        "thresholds": {"answer": limits.answer, "menu": limits.menu},
        "manner": manner,
        "version": current.entries,
        "model": current.model,
    }
    return Finding(
        judged.verdict,
        judged.confidence,
        answers=_matches(judged.answers, texts),
        offered=_matches(judged.offered, texts),
        nearest=_matches(judged.parts[0].choices, texts) if judged.parts else (),
        account=account,
    )


def _without(part: Part, texts: Texts) -> Part:
    return replace(part, choices=tuple(one for one in part.choices if one.entry_id in texts))


def _top(choices: Sequence[answering.Choice] | Sequence[Match]) -> list[dict[str, object]]:
    return [
        {"faq_id": one.faq_id, "confidence": round(one.confidence, 3)}
        for one in choices[: answering.MOST_OFFERED]
    ]


def _matches(choices: Sequence[answering.Choice], texts: Texts) -> tuple[Match, ...]:
    return tuple(_match(one.entry_id, texts[one.entry_id], one.confidence) for one in choices)


def _match(entry_id: int, text: Text, sure: float) -> Match:
    return Match(entry_id, text.faq_id, text.question, text.answer, sure)


def by_words(entries: index.Index, text: str) -> Finding:
    """Judge by words only: where no model is trained, or there is none on this machine."""
    chat = smalltalk.kind_of(text)
    if chat is not None:
        return Finding("smalltalk", chat=chat)
    found = matches(entries, text, limit=answering.MOST_LOOKED_AT)
    limits = confidence.BALANCED
    best = found[0].confidence if found else 0.0
    decision: Decision = (
        "answer" if best >= limits.answer else "menu" if best >= limits.menu else "none"
    )
    shown = tuple(found)
    return Finding(
        decision if found else "none",
        best,
        answers=shown[:1] if decision == "answer" else (),
        offered=shown[: answering.MOST_OFFERED] if decision == "menu" else (),
        nearest=shown,
        account={
            "engine": "words",
            "top": _top(shown),
            "thresholds": {"answer": limits.answer, "menu": limits.menu},
        },
    )


def matches(entries: index.Index, text: str, *, limit: int = 3) -> list[Match]:
    """Return the entries nearest by words, best first; none when nothing is alike."""
    found: list[Match] = []
    highest = 1.0
    for source, evidence in entries.look(text, limit=limit):
        highest = min(highest, confidence.of(evidence))  # never above a better match's
        text_of = Text(source.faq_id, source.question, source.answer)
        found.append(_match(source.entry_id, text_of, round(highest, 4)))
    return found


def get(workspace: Workspace, entry_id: int) -> Match | None:
    """Return an active entry as a certain match: somebody chose it. Call in the workspace's scope."""
    return get_all([entry_id]).get(entry_id)


def get_all(entry_ids: Sequence[int]) -> dict[int, Match]:
    """Return active entries of the workspace in scope as certain matches, by id; one query."""
    return {
        entry.pk: Match(entry.pk, entry.faq_id, entry.question, entry.answer, 1.0)
        for entry in Entry.objects.filter(pk__in=set(entry_ids), is_active=True)
    }


def chosen(match: Match) -> Finding:
    """Return what there is to do when somebody chose an entry."""
    return Finding("answer", match.confidence, answers=(match,), nearest=(match,))


def note_uses(entry_ids: Sequence[int], *, now: datetime, sheet: sql.Sheet) -> None:
    """Count, on a sheet, the answers given with entries; an id stands once for each answer."""
    counts = sorted(Counter(entry_ids).items())
    if not counts:
        return
    # The rows are locked in one order by all.
    sheet.add(
        "WITH used AS (SELECT e.id, u.count FROM faqs_entry e"
        " JOIN unnest(%s::bigint[], %s::int[]) AS u(id, count) ON u.id = e.id"
        " ORDER BY e.id FOR NO KEY UPDATE OF e)"
        " UPDATE faqs_entry e SET use_count = use_count + used.count, last_used_at = %s"
        " FROM used WHERE e.id = used.id",
        [[pk for pk, _ in counts], [count for _, count in counts], now],
    )


_Key = tuple[int, Current, Manner, str]


class _Recent:
    """What was found lately: a promotion brings the same question hundreds of times.

    Keyed by the version of entries and model, so that a change is never answered with what was.
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, Finding] = OrderedDict()
        self._most = most

    def get(self, key: _Key) -> Finding | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: _Key, found: Finding) -> None:
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_shelf = Shelf()
_recent = _Recent(most=2_000)
