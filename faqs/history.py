"""What was changed in an entry, by whom and from where; so that it can be put back."""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection as database

from faqs import checking
from faqs.models import Change
from workspaces import members
from workspaces.retention import Rule

Door = Change.Door
DAYS = 365
TRASH_DAYS = 30
_SHOWN = 50

# One statement and one value for any number: an import may bring five thousand.
_NOTE = """
INSERT INTO faqs_change (batch, door, by_id, at, entry_id, faq_id, before, after, hanging)
SELECT %s, %s, %s, %s, u.entry_id, u.faq_id, u.before, u.after, u.hanging
FROM jsonb_to_recordset(%s::jsonb)
 AS u(entry_id bigint, faq_id text, before jsonb, after jsonb, hanging jsonb)
"""


def new_batch() -> str:
    """Return a name for one act of a person, which nobody can guess."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Hand:
    """Whose change it is, and from which door it came. One hand is one act, taken back as one."""

    door: Change.Door = Door.EDIT
    by_id: int | None = None
    batch: str = field(default_factory=new_batch)


@dataclass(frozen=True)
class Step:
    """One entry's change, to be noted."""

    entry_id: int
    faq_id: str
    before: checking.Draft | None
    after: checking.Draft | None
    hanging: dict[str, Any] | None = None


def note(steps: Iterable[Step], *, hand: Hand | None, now: datetime) -> None:
    """Keep changes, in the transaction that makes them. What changed nothing is left out."""
    kept = [step for step in steps if step.before != step.after]
    if not kept:
        return
    hand = hand or Hand()
    rows = [
        {
            "entry_id": step.entry_id,
            "faq_id": step.faq_id,
            "before": vars(step.before) if step.before else None,
            "after": vars(step.after) if step.after else None,
            "hanging": step.hanging,
        }
        for step in kept
    ]
    with database.cursor() as cursor:
        cursor.execute(_NOTE, [hand.batch, hand.door, hand.by_id, now, json.dumps(rows)])


def draft_of(stored: dict[str, Any]) -> checking.Draft:
    """Return a kept content as it was."""
    return checking.Draft(**{**stored, "phrasings": tuple(stored["phrasings"])})


@dataclass(frozen=True)
class Difference:
    """One field that a change touched, as people read it."""

    name: str
    was: str
    now: str


@dataclass(frozen=True)
class Past:
    """A change, and what it changed."""

    change: Change
    who: str  # empty where nobody is named: a command, or somebody who is gone
    differences: Sequence[Difference]


_LABELS = {
    "question": "Question",
    "answer": "Answer",
    "category": "Category",
    "keywords": "Keywords",
    "phrasings": "Other ways to ask",
    "is_active": "The bot may answer with this",
}


def of_entry(entry_id: int, *, before: int | None = None) -> tuple[list[Past], bool]:
    """Return the latest changes of an entry, newest first, and whether there are older ones."""
    rows = Change.objects.filter(entry_id=entry_id).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: _SHOWN + 1])
    return told(found[:_SHOWN]), len(found) > _SHOWN


def told(changes: Sequence[Change]) -> list[Past]:
    """Return changes with who made them; one query."""
    names = members.names(change.by_id for change in changes)
    return [Past(one, names.get(one.by_id or 0, ""), _differences(one)) for one in changes]


def _differences(change: Change) -> list[Difference]:
    if change.before is None or change.after is None:
        return []
    was, now = change.before, change.after
    return [
        Difference(label, _shown(was[name]), _shown(now[name]))
        for name, label in _LABELS.items()
        if was[name] != now[name]
    ]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


# Of what hangs on deleted entries, to come back with them.
_FORGET = """
UPDATE faqs_change SET hanging = hanging || jsonb_build_object(
 'labels', COALESCE((SELECT jsonb_agg(l) FROM jsonb_array_elements(hanging->'labels') AS l
   WHERE (l->>'message_id')::bigint IS NULL OR (l->>'message_id')::bigint <> ALL(%(ids)s)), '[]'),
 'golden', COALESCE((SELECT jsonb_agg(g) FROM jsonb_array_elements(hanging->'golden') AS g
   WHERE g->>'origin' <> 'correction' OR g->>'text' <> ALL(%(texts)s)), '[]'))
WHERE hanging IS NOT NULL AND (
 EXISTS (SELECT FROM jsonb_array_elements(hanging->'labels') AS l
   WHERE (l->>'message_id')::bigint = ANY(%(ids)s))
 OR EXISTS (SELECT FROM jsonb_array_elements(hanging->'golden') AS g
   WHERE g->>'origin' = 'correction' AND g->>'text' = ANY(%(texts)s)))
"""


def forget(*, message_ids: Sequence[int], texts: Iterable[str]) -> None:
    """Remove what is kept of these messages with deleted entries; they are erased."""
    said = sorted({" ".join(text.replace("\x00", "").split())[:300] for text in texts})
    with database.cursor() as cursor:
        cursor.execute(_FORGET, {"ids": list(message_ids), "texts": said})


def rules() -> list[Rule]:
    """Return what may go of it: what is left of deleted entries first."""
    is_gone = "NOT EXISTS (SELECT 1 FROM faqs_entry e WHERE e.id = faqs_change.entry_id)"
    return [
        Rule("faqs_change", "what is left of deleted answers", TRASH_DAYS, "at", where=is_gone),
        Rule("faqs_change", "what answers were before", DAYS, "at"),
    ]
