"""Put entries back: to what they were before a change, or out of the trash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from faqs import checking, entries, history, room, trash, versions
from faqs.models import Change, Entry, GoldenQuestion, Label


class UnableToRestore(Exception):
    """It cannot be put back; the message says why, to the owner."""


@dataclass(frozen=True)
class Taken:
    """What was taken back: how many entries are as they were, and what stayed, with the reason."""

    count: int
    kept: list[str]


def restore(*, change_id: int, entry_id: int, hand: history.Hand, now: datetime) -> Entry:
    """Give an entry the content that it had before a change.

    Raises UnableToRestore; Change.DoesNotExist for a change of another entry.
    """
    change = Change.objects.get(pk=change_id, entry_id=entry_id)
    if change.before is None:
        raise UnableToRestore("There was nothing before: the answer was added then.")
    content = history.draft_of(change.before)
    try:
        return entries.update(entry_id=entry_id, **vars(content), hand=hand, now=now)
    except entries.UnableToSaveEntry as error:
        raise UnableToRestore(str(error)) from error
    except Entry.DoesNotExist as error:
        raise UnableToRestore(
            "The answer is deleted. Bring it back from the trash first."
        ) from error


def take_back(*, batch: str, hand: history.Hand, now: datetime) -> Taken:
    """Undo what one act of a person did; entries changed since then stay and are named.

    Raises UnableToRestore when there is nothing (any more) to take back.
    """
    with transaction.atomic():
        versions.bump()
        changes = list(
            Change.objects.filter(
                batch=batch, at__gte=now - timedelta(days=history.TRASH_DAYS)
            ).order_by("-pk")
        )
        if not changes:
            raise UnableToRestore("There is nothing to take back (any more).")
        found = entries.with_contents([change.entry_id for change in changes])
        present = {entry.pk: content for entry, content in found}
        untouched = [change for change in changes if _is_as_it_became(change, present)]
        done = {change.pk for change in untouched}
        kept = [_name(change) for change in changes if change.pk not in done]
        gone = [change for change in untouched if change.after is None]
        made = [change.entry_id for change in untouched if change.before is None]
        altered = [one for one in untouched if one.before is not None and one.after is not None]
        entries.remove(made, hand=hand, now=now)
        entries.replace(
            {one.faq_id: history.draft_of(one.before or {}) for one in altered},
            before={one.faq_id: present[one.entry_id] for one in altered},
            updated_at={one.faq_id: now for one in altered},
            hand=hand,
            now=now,
        )
        _bring_back(gone, hand=hand, now=now)
    return Taken(len(untouched), kept)


def bring_back(*, entry_id: int, hand: history.Hand, now: datetime) -> Entry:
    """Bring an entry back from the trash with all that hung on it. Raises UnableToRestore."""
    with transaction.atomic():
        versions.bump()
        change = trash.deleted(now=now).filter(entry_id=entry_id).first()
        if change is None:
            raise UnableToRestore("It is not in the trash (any more).")
        _bring_back([change], hand=hand, now=now)
        return Entry.objects.get(pk=entry_id)


def _is_as_it_became(change: Change, present: dict[int, checking.Draft]) -> bool:
    after = history.draft_of(change.after) if change.after is not None else None
    return present.get(change.entry_id) == after


def _name(change: Change) -> str:
    return str((change.after or change.before or {}).get("question", ""))[:120]


def _bring_back(changes: Sequence[Change], *, hand: history.Hand, now: datetime) -> None:
    if not changes:
        return
    if refusal := room.room(now=now).refusal(len(changes)):
        raise UnableToRestore(refusal)
    taken = {checking.key(text) for text in Entry.objects.values_list("question", flat=True)}
    names = set(Entry.objects.values_list("faq_id", flat=True))
    drafts: dict[str, checking.Draft] = {}
    ids: dict[str, int] = {}
    for change in changes:
        content = history.draft_of(change.before or {})
        if checking.key(content.question) in taken:
            raise UnableToRestore(
                f"The question “{content.question[:80]}” is there again. Delete or reword that "
                "one first."
            )
        name = change.faq_id
        if name in names:
            name = checking.name_for(content.question, taken=names)
        names.add(name)
        taken.add(checking.key(content.question))
        drafts[name], ids[name] = content, change.entry_id
    entries.insert(drafts, ids=ids, hand=hand, now=now)
    for change in changes:
        _hang(change, now)


def _hang(change: Change, now: datetime) -> None:
    """Put back what hung on a deleted entry, as far as nobody has said otherwise since."""
    hung = change.hanging
    if not hung:
        return
    Entry.objects.filter(pk=change.entry_id).update(
        use_count=hung["use_count"],
        last_used_at=hung["last_used_at"],
        created_at=hung["created_at"],
    )
    Label.objects.bulk_create(
        [Label(entry_id=change.entry_id, **label) for label in hung["labels"]],
        ignore_conflicts=True,
    )
    GoldenQuestion.objects.bulk_create(
        [GoldenQuestion(entry_id=change.entry_id, created_at=now, **one) for one in hung["golden"]],
        ignore_conflicts=True,
    )
