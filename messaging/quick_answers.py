"""Quick answers: texts of the team's own, laid into a reply by a tap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from faqs import browsing
from messaging.models import QuickAnswer
from messaging.replies import TEXT_LIMIT
from workspaces.models import User

MOST = 200
SHOWN = 30
_FROM_FAQ = 15


class UnableToSave(Exception):
    """The quick answer is not saved; the message is a sentence for the person."""


class UnableToFind(Exception):
    """There is no such quick answer (any more)."""


@dataclass(frozen=True)
class Pick:
    """Something to lay into a reply: `key` says which, quick answer or entry."""

    key: str
    title: str
    text: str
    is_quick: bool


def every() -> list[QuickAnswer]:
    """Return all quick answers, by title."""
    return list(QuickAnswer.objects.order_by("title", "pk")[:MOST])


def find(*, pk: int) -> QuickAnswer:
    """Return one. Raises UnableToFind."""
    found = QuickAnswer.objects.filter(pk=pk).first()
    if found is None:
        raise UnableToFind
    return found


def picks(*, query: str = "") -> Sequence[Pick]:
    """Return what a reply can be filled with: quick answers, then entries that may be used."""
    query = query.replace("\x00", "").strip()[:100]
    rows = QuickAnswer.objects.order_by("title", "pk")
    for word in query.split()[:8]:
        rows = rows.filter(Q(title__icontains=word) | Q(text__icontains=word))
    own = [Pick(f"quick-{one.pk}", one.title, one.text, True) for one in rows[:SHOWN]]
    entries = [
        Pick(f"entry-{one.pk}", one.question, one.answer, False)
        for one in browsing.shelf(query=query).entries
        if one.is_active
    ]
    return [*own, *entries[:_FROM_FAQ]]


def text_of(key: str) -> str:
    """Return the words of what was picked; empty when it is gone."""
    kind, _, number = key.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return ""
    if kind == "quick":
        found = QuickAnswer.objects.filter(pk=int(number)).first()
        return found.text if found else ""
    entry = browsing.entry(int(number)) if kind == "entry" else None
    return entry.answer if entry else ""


def save(*, title: str, text: str, user: User, now: datetime, pk: int | None = None) -> QuickAnswer:
    """Add a quick answer, or change the one with `pk`. Raises UnableToSave, UnableToFind."""
    if len(text) > TEXT_LIMIT:
        raise UnableToSave(f"WhatsApp takes {TEXT_LIMIT:,} characters; this has {len(text):,}.")
    if pk is None and QuickAnswer.objects.count() >= MOST:
        raise UnableToSave(f"There are {MOST} quick answers, which is the most. Delete one first.")
    one = QuickAnswer() if pk is None else find(pk=pk)
    one.title, one.text, one.by_id, one.updated_at = title, text, user.pk, now
    try:
        with transaction.atomic():
            one.save()
    except IntegrityError as error:
        raise UnableToSave("Another quick answer has this title. Choose one of its own.") from error
    return one


def delete(*, pk: int) -> QuickAnswer:
    """Remove a quick answer and return it as it was. Raises UnableToFind."""
    one = find(pk=pk)
    QuickAnswer.objects.filter(pk=pk).delete()
    return one
