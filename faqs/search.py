"""Which entries answer a message, best first, and whether to answer, to ask, or to be quiet.

The engine behind `find` works on letters and words (`faqs.index`). Another one may replace
it; callers see matches with a confidence, and the thresholds in `faqs.confidence`.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.conf import settings

from faqs import confidence, index, versions
from faqs.models import Entry, Phrasing
from lib import sql
from workspaces import scope
from workspaces.models import Workspace

Decision = Literal["answer", "menu", "none"]

_MAX_KEPT_TEXT = 200  # characters; longer messages are seldom sent twice


@dataclass(frozen=True)
class Match:
    """An entry that may answer the message."""

    entry_id: int
    faq_id: str
    question: str
    answer: str
    confidence: float


def current_version() -> int:
    """Return the number of the entries as they are now (workspace in scope): see `find`."""
    return versions.current()


def find(
    workspace: Workspace, text: str, *, limit: int = 3, version: int | None = None
) -> list[Match]:
    """Return the active entries nearest to `text`, best first; none when nothing is alike.

    Call it inside `scope.workspace(workspace)`: one query, and two more after a change. Who
    asks many times in one transaction gives `version` from `current_version`: no query then.
    """
    if scope.current_workspace_id() != workspace.pk:
        raise RuntimeError("faqs.search.find speaks for the workspace of the current scope only.")
    version = versions.current() if version is None else version
    key = (workspace.pk, version, limit, text[:_MAX_KEPT_TEXT])
    if len(text) <= _MAX_KEPT_TEXT and (kept := _recent.get(key)) is not None:
        return list(kept)
    found = matches(_shelf.index_of(workspace.pk, version), text, limit=limit)
    if len(text) <= _MAX_KEPT_TEXT:
        _recent.put(key, found)
    return found


def prepare(workspace: Workspace) -> None:
    """Have the workspace's index at hand in this process. Call in the workspace's scope."""
    _shelf.index_of(workspace.pk, versions.current())


def matches(entries: index.Index, text: str, *, limit: int = 3) -> list[Match]:
    """Return what `find` does, from an index at hand; needs no database."""
    found: list[Match] = []
    highest = 1.0
    for source, evidence in entries.look(text, limit=limit):
        highest = min(highest, confidence.of(evidence))  # never above a better match's
        found.append(
            Match(
                entry_id=source.entry_id,
                faq_id=source.faq_id,
                question=source.question,
                answer=source.answer,
                confidence=round(highest, 4),
            )
        )
    return found


def decide(found: Sequence[Match]) -> Decision:
    """Say whether the best match answers, a menu of the matches is offered, or neither."""
    best = found[0].confidence if found else 0.0
    if best >= confidence.BALANCED.answer:
        return "answer"
    return "menu" if best >= confidence.BALANCED.menu else "none"


def thresholds() -> dict[str, float]:
    """Return the confidences from which an entry is answered or offered (for the trace)."""
    return {"answer": confidence.BALANCED.answer, "menu": confidence.BALANCED.menu}


def get(workspace: Workspace, entry_id: int) -> Match | None:
    """Return an active entry as a certain match: somebody chose it. Call in the workspace's scope."""
    return get_all([entry_id]).get(entry_id)


def get_all(entry_ids: Sequence[int]) -> dict[int, Match]:
    """Return active entries of the workspace in scope as certain matches, by id; one query."""
    return {
        entry.pk: Match(entry.pk, entry.faq_id, entry.question, entry.answer, 1.0)
        for entry in Entry.objects.filter(pk__in=set(entry_ids), is_active=True)
    }


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


def sources() -> list[index.Source]:
    """Return the active entries of the current workspace, as an index wants them; two queries."""
    phrasings: dict[int, list[str]] = {}
    active = Phrasing.objects.filter(entry__is_active=True).order_by("pk")
    for entry_id, text in active.values_list("entry_id", "text"):
        phrasings.setdefault(entry_id, []).append(text)
    return [
        index.Source(
            entry_id=entry.pk,
            faq_id=entry.faq_id,
            question=entry.question,
            answer=entry.answer,
            phrasings=tuple(phrasings.get(entry.pk, ())),
            keywords=entry.keywords,
        )
        for entry in Entry.objects.filter(is_active=True).order_by("pk")
    ]


class _Shelf:
    """The indexes in this process, one per workspace, the least used thrown out first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[int, index.Index]] = OrderedDict()
        self._making: dict[int, threading.Lock] = {}
        self._size = 0

    def index_of(self, workspace_id: int, version: int) -> index.Index:
        with self._lock:
            if kept := self._get(workspace_id, version):
                return kept
            making = self._making.setdefault(workspace_id, threading.Lock())
        # Outside the shelf's lock: other workspaces do not wait, and nobody makes it twice.
        with making:
            with self._lock:
                if kept := self._get(workspace_id, version):
                    return kept
            made = index.Index(sources())
            with self._lock:
                self._put(workspace_id, version, made)
                self._making.pop(workspace_id, None)
        return made

    def _get(self, workspace_id: int, version: int) -> index.Index | None:
        kept = self._kept.get(workspace_id)
        if kept is None or kept[0] != version:
            return None
        self._kept.move_to_end(workspace_id)
        return kept[1]

    def _put(self, workspace_id: int, version: int, made: index.Index) -> None:
        before = self._kept.pop(workspace_id, None)
        if before:
            self._size -= before[1].size
        self._kept[workspace_id] = (version, made)
        self._size += made.size
        while len(self._kept) > 1 and self._size > settings.FAQ_INDEX_MB * 1_000_000:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size -= dropped.size


class _Recent:
    """What was found lately: a promotion brings the same question hundreds of times.

    Keyed by the version of the entries, so that a change is never answered with what was.
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int, int, str], list[Match]] = OrderedDict()
        self._most = most

    def get(self, key: tuple[int, int, int, str]) -> list[Match] | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: tuple[int, int, int, str], found: list[Match]) -> None:
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_shelf = _Shelf()
_recent = _Recent(most=2_000)
