"""One entry at a time: made, changed, switched off and deleted by people."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from faqs import checking, room, versions
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
            {faq_id or checking.name_for(content.question, taken=taken): content}, now=now
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
        replace({entry.faq_id: content}, updated_at={entry.faq_id: now})
        entry.refresh_from_db()
    return entry


def add_phrasings(*, entry_id: int, texts: Sequence[str], now: datetime) -> bool:
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
    return True


def set_active(*, entry_id: int, is_active: bool, now: datetime) -> bool:
    """Switch an entry on or off; an inactive one never answers. Say whether it changed."""
    with transaction.atomic():
        versions.bump()
        changed = Entry.objects.filter(pk=entry_id, is_active=not is_active)
        return bool(changed.update(is_active=is_active, updated_at=now))


def delete(*, entry_id: int) -> bool:
    """Delete an entry and its phrasings. Say whether it was there."""
    with transaction.atomic():
        versions.bump()
        count = remove([entry_id])
    return count > 0


def merge(*, kept_id: int, other_id: int, now: datetime) -> Entry:
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
        mine, theirs = _content(kept), _content(other)
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
        other.delete()
        replace({kept.faq_id: content}, updated_at={kept.faq_id: now})
        kept.refresh_from_db()
    return kept


def remove(entry_ids: Sequence[int]) -> int:
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
    Entry.objects.filter(pk__in=gone).delete()
    return len(gone)


def contents() -> dict[str, checking.Draft]:
    """Return every entry's content by faq_id, in the order in which they were made."""
    phrasings: dict[int, list[str]] = {}
    for entry_id, text in Phrasing.objects.order_by("pk").values_list("entry_id", "text"):
        phrasings.setdefault(entry_id, []).append(text)
    return {
        entry.faq_id: checking.Draft(
            question=entry.question,
            answer=entry.answer,
            category=entry.category,
            keywords=entry.keywords,
            is_active=entry.is_active,
            phrasings=tuple(phrasings.get(entry.pk, ())),
        )
        for entry in Entry.objects.order_by("pk")
    }


def insert(drafts: dict[str, checking.Draft], *, now: datetime) -> list[Entry]:
    """Add checked drafts by faq_id. The caller holds the transaction and has bumped."""
    made = Entry.objects.bulk_create(
        Entry(
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
    return made


def replace(drafts: dict[str, checking.Draft], *, updated_at: dict[str, datetime]) -> None:
    """Give entries new checked content by faq_id. The caller has bumped."""
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


def _content(entry: Entry) -> checking.Draft:
    return checking.Draft(
        question=entry.question,
        answer=entry.answer,
        category=entry.category,
        keywords=entry.keywords,
        is_active=entry.is_active,
        phrasings=tuple(entry.phrasings.order_by("pk").values_list("text", flat=True)),
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
