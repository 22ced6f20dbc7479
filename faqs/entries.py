"""Entries as people change them: made, changed, switched off, deleted. Each change is kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace as altered
from datetime import datetime
from typing import Any

from django.db import transaction

from faqs import checking, history, room, versions
from faqs.models import Entry, GoldenQuestion, Label, Phrasing
from lib import sql

# In one statement: Django's own way for many rows takes a second for every thousand.
_REPLACE = """
UPDATE faqs_entry SET question = u.question, answer = u.answer, category = u.category,
 keywords = u.keywords, is_active = u.is_active, updated_at = u.updated_at
FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bool[],
 %b::timestamptz[])
 AS u(faq_id, question, answer, category, keywords, is_active, updated_at)
WHERE faqs_entry.faq_id = u.faq_id RETURNING faqs_entry.id, faqs_entry.faq_id
"""


class UnableToSaveEntry(Exception):
    """The entry breaks a rule; `problems` has a sentence per field."""

    def __init__(self, problems: Sequence[checking.Problem]) -> None:
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = list(problems)


def create(
    *,
    question: str,
    answer: str,
    now: datetime,
    category: str = "",
    keywords: str = "",
    phrasings: Iterable[str] = (),
    is_active: bool = True,
    faq_id: str = "",
    hand: history.Hand | None = None,
) -> Entry:
    """Add an entry; its faq_id is made from the question unless given.

    Raises UnableToSaveEntry.
    """
    content = checking.draft(
        question=question,
        answer=answer,
        category=category,
        keywords=keywords,
        phrasings=phrasings,
        is_active=is_active,
    )
    with transaction.atomic():
        versions.bump()
        taken = set(Entry.objects.values_list("faq_id", flat=True))
        if faq_id and (not checking.is_faq_id(faq_id) or faq_id in taken):
            problem = checking.Problem(
                "faq_id",
                f"“{faq_id[:70]}” is in use already, or is not made of letters a-z, digits, "
                "- and _.",
            )
            raise UnableToSaveEntry([problem])
        if refusal := room.room(now=now).refusal(1):
            raise UnableToSaveEntry([checking.Problem("", refusal)])
        _require(content, entry_id=None)
        [entry] = insert(
            {faq_id or checking.name_for(content.question, taken=taken): content},
            hand=hand,
            now=now,
        )
    return entry


def update(
    *,
    entry_id: int,
    question: str,
    answer: str,
    category: str,
    keywords: str,
    phrasings: Iterable[str],
    is_active: bool,
    now: datetime,
    hand: history.Hand | None = None,
) -> Entry:
    """Replace the whole content of an entry. Raises UnableToSaveEntry, Entry.DoesNotExist."""
    content = checking.draft(
        question=question,
        answer=answer,
        category=category,
        keywords=keywords,
        phrasings=phrasings,
        is_active=is_active,
    )
    with transaction.atomic():
        versions.bump()
        entry = Entry.objects.get(pk=entry_id)
        _require(content, entry_id=entry_id)
        replace(
            {entry.faq_id: content},
            before={entry.faq_id: content_of(entry)},
            updated_at={entry.faq_id: now},
            hand=hand,
            now=now,
        )
        entry.refresh_from_db()
    return entry


def add_phrasings(
    *, entry_id: int, texts: Sequence[str], now: datetime, hand: history.Hand | None = None
) -> bool:
    """Add ways to ask to an entry, those that it has not and that fit. Say whether it changed."""
    with transaction.atomic():
        versions.bump()
        entry = Entry.objects.filter(pk=entry_id).first()
        if entry is None:
            return False
        had = list(entry.phrasings.order_by("pk").values_list("text", flat=True))
        wanted = checking.draft(
            question=entry.question,
            answer=entry.answer,
            category=entry.category,
            keywords=entry.keywords,
            phrasings=[*had, *(text[: checking.MAX_QUESTION] for text in texts)],
            is_active=entry.is_active,
        )
        new = [text for text in wanted.phrasings if text not in had]
        if not new or checking.problems(wanted):
            return False
        Phrasing.objects.bulk_create(Phrasing(entry=entry, text=text) for text in new)
        Entry.objects.filter(pk=entry_id).update(updated_at=now)
        before = altered(wanted, phrasings=tuple(had))
        after = altered(wanted, phrasings=(*had, *new))
        step = history.Step(entry_id, entry.faq_id, before, after)
        history.note([step], hand=hand, now=now)
    return True


def alter(
    *,
    entry_ids: Sequence[int],
    now: datetime,
    is_active: bool | None = None,
    category: str | None = None,
    hand: history.Hand | None = None,
) -> int:
    """Switch entries on or off (an inactive one never answers), or give them a category.

    Returns how many changed. Raises UnableToSaveEntry.
    """
    wanted: dict[str, Any] = {} if is_active is None else {"is_active": is_active}
    if category is not None:
        wanted["category"] = checking.one_line(category)
        if len(wanted["category"]) > checking.MAX_CATEGORY:
            sentence = f"A category may have {checking.MAX_CATEGORY} characters."
            raise UnableToSaveEntry([checking.Problem("category", sentence)])
    with transaction.atomic():
        versions.bump()
        steps = [
            history.Step(entry.pk, entry.faq_id, before, altered(before, **wanted))
            for entry, before in with_contents(entry_ids)
            if altered(before, **wanted) != before
        ]
        changed = Entry.objects.filter(pk__in=[step.entry_id for step in steps])
        changed.update(**wanted, updated_at=now)
        history.note(steps, hand=hand, now=now)
    return len(steps)


def set_active(
    *, entry_id: int, is_active: bool, now: datetime, hand: history.Hand | None = None
) -> bool:
    """Switch an entry on or off. Say whether it changed."""
    return alter(entry_ids=[entry_id], is_active=is_active, hand=hand, now=now) > 0


def delete(*, entry_ids: Sequence[int], now: datetime, hand: history.Hand | None = None) -> int:
    """Delete entries with their phrasings; for some time they can be brought back (faqs.trash).

    Returns how many were there.
    """
    with transaction.atomic():
        versions.bump()
        return remove(entry_ids, hand=hand, now=now)


def merge(*, kept_id: int, other_id: int, now: datetime, hand: history.Hand | None = None) -> Entry:
    """Make one entry of two: the kept one's answer, and all ways to ask of both.

    What people said of the other holds for the kept one from then on. Raises UnableToSaveEntry,
    Entry.DoesNotExist.
    """
    with transaction.atomic():
        versions.bump()
        # In the order in which answers that are counted lock them (faqs.search.note_uses).
        both = Entry.objects.select_for_update().filter(pk__in=(kept_id, other_id)).order_by("pk")
        locked = {entry.pk: entry for entry in both}
        if kept_id not in locked or other_id not in locked:
            raise Entry.DoesNotExist
        kept, other = locked[kept_id], locked[other_id]
        mine, theirs = content_of(kept), content_of(other)
        content = checking.draft(
            question=mine.question,
            answer=mine.answer,
            category=mine.category,
            keywords=mine.keywords,
            is_active=mine.is_active,
            phrasings=[*mine.phrasings, theirs.question, *theirs.phrasings],
        )
        _require(content, entry_id=kept_id)
        Label.objects.filter(entry=other).update(entry=kept)
        Label.objects.filter(answered_id=other_id).update(answered_id=kept_id)
        GoldenQuestion.objects.filter(entry=other).update(entry=kept)
        hand = hand or history.Hand(history.Door.MERGE)
        remove([other_id], hand=hand, now=now)
        replace(
            {kept.faq_id: content},
            before={kept.faq_id: mine},
            updated_at={kept.faq_id: now},
            hand=hand,
            now=now,
        )
        kept.refresh_from_db()
    return kept


def remove(entry_ids: Sequence[int], *, now: datetime, hand: history.Hand | None = None) -> int:
    """Delete entries with all that hangs on them; return how many. The caller has bumped.

    They are locked first: what is said of one meanwhile (faqs.labels, faqs.golden) comes before,
    and goes along, or finds it gone.
    """
    gone = list(
        Entry.objects.select_for_update()
        .filter(pk__in=entry_ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    hanging = _hanging(gone)
    history.note(
        [
            history.Step(entry.pk, entry.faq_id, before, None, hanging[entry.pk])
            for entry, before in with_contents(gone)
        ],
        hand=hand,
        now=now,
    )
    Entry.objects.filter(pk__in=gone).delete()
    return len(gone)


def _hanging(entry_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what goes along with entries, as JSON keeps it."""
    rows = Entry.objects.filter(pk__in=entry_ids)
    found: dict[int, dict[str, Any]] = {
        pk: {
            "use_count": use_count,
            "last_used_at": last_used_at and last_used_at.isoformat(),
            "created_at": created_at.isoformat(),
            "labels": [],
            "golden": [],
        }
        for pk, use_count, last_used_at, created_at in rows.values_list(
            "pk", "use_count", "last_used_at", "created_at"
        )
    }
    for label in Label.objects.filter(entry_id__in=entry_ids).order_by("pk"):
        found[label.entry_id or 0]["labels"].append(
            {
                "message_id": label.message_id,
                "text": label.text,
                "source": label.source,
                "answered_id": label.answered_id,
                "by_id": label.by_id,
                "created_at": label.created_at.isoformat(),
            }
        )
    for golden in GoldenQuestion.objects.filter(entry_id__in=entry_ids).order_by("pk"):
        found[golden.entry_id]["golden"].append({"text": golden.text, "origin": golden.origin})
    return found


def contents() -> dict[str, checking.Draft]:
    """Return every entry's content by faq_id, in the order in which they were made."""
    phrasings: dict[int, list[str]] = {}
    for entry_id, text in Phrasing.objects.order_by("pk").values_list("entry_id", "text"):
        phrasings.setdefault(entry_id, []).append(text)
    return {
        entry.faq_id: _draft(entry, phrasings.get(entry.pk, ()))
        for entry in Entry.objects.order_by("pk")
    }


def insert(
    drafts: dict[str, checking.Draft],
    *,
    now: datetime,
    hand: history.Hand | None = None,
    ids: Mapping[str, int] | None = None,
) -> list[Entry]:
    """Add checked drafts by faq_id. The caller holds the transaction and has bumped.

    `ids` are those that entries had before they were deleted.
    """
    made = Entry.objects.bulk_create(
        Entry(
            pk=(ids or {}).get(faq_id),
            faq_id=faq_id,
            question=content.question,
            answer=content.answer,
            category=content.category,
            keywords=content.keywords,
            is_active=content.is_active,
            created_at=now,
            updated_at=now,
        )
        for faq_id, content in drafts.items()
    )
    Phrasing.objects.bulk_create(
        Phrasing(entry=entry, text=text)
        for entry in made
        for text in drafts[entry.faq_id].phrasings
    )
    steps = [history.Step(one.pk, one.faq_id, None, drafts[one.faq_id]) for one in made]
    history.note(steps, hand=hand, now=now)
    return made


def replace(
    drafts: dict[str, checking.Draft],
    *,
    before: Mapping[str, checking.Draft],
    updated_at: dict[str, datetime],
    now: datetime,
    hand: history.Hand | None = None,
) -> None:
    """Give entries new checked content by faq_id, `before` is what they have. The caller has bumped."""
    contents = drafts.values()
    found = sql.fetch(
        _REPLACE,
        [
            list(drafts),
            [content.question for content in contents],
            [content.answer for content in contents],
            [content.category for content in contents],
            [content.keywords for content in contents],
            [content.is_active for content in contents],
            [updated_at[faq_id] for faq_id in drafts],
        ],
    )
    Phrasing.objects.filter(entry_id__in=[pk for pk, _ in found]).delete()
    Phrasing.objects.bulk_create(
        Phrasing(entry_id=pk, text=text)
        for pk, faq_id in found
        for text in drafts[faq_id].phrasings
    )
    steps = [history.Step(pk, name, before[name], drafts[name]) for pk, name in found]
    history.note(steps, hand=hand, now=now)


def content_of(entry: Entry) -> checking.Draft:
    """Return what an entry says, as it is kept."""
    return _draft(entry, entry.phrasings.order_by("pk").values_list("text", flat=True))


def with_contents(entry_ids: Sequence[int]) -> list[tuple[Entry, checking.Draft]]:
    """Return entries with their contents; two queries."""
    phrasings: dict[int, list[str]] = {}
    rows = Phrasing.objects.filter(entry_id__in=entry_ids).order_by("pk")
    for entry_id, text in rows.values_list("entry_id", "text"):
        phrasings.setdefault(entry_id, []).append(text)
    found = Entry.objects.filter(pk__in=entry_ids).order_by("pk")
    return [(entry, _draft(entry, phrasings.get(entry.pk, ()))) for entry in found]


def _draft(entry: Entry, phrasings: Iterable[str]) -> checking.Draft:
    return checking.Draft(
        question=entry.question,
        answer=entry.answer,
        category=entry.category,
        keywords=entry.keywords,
        is_active=entry.is_active,
        phrasings=tuple(phrasings),
    )


def _require(content: checking.Draft, *, entry_id: int | None) -> None:
    found = checking.problems(content)
    wanted = checking.key(content.question)
    for pk, faq_id, question in Entry.objects.values_list("pk", "faq_id", "question"):
        if wanted and pk != entry_id and checking.key(question) == wanted:
            sentence = (
                f"The same question is already there, as {faq_id}. Change that entry instead."
            )
            found.append(checking.Problem("question", sentence))
            break
    if found:
        raise UnableToSaveEntry(found)
