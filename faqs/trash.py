"""Deleted entries: what is left of them for 30 days, and whether they can still come back."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from faqs import history
from faqs.models import Change, Entry

PAGE = 50


def deleted(*, now: datetime) -> QuerySet[Change]:
    """Return the latest deletion of each entry that is gone, the latest first."""
    later = Change.objects.filter(entry_id=OuterRef("entry_id"), pk__gt=OuterRef("pk"))
    there = Entry.objects.filter(pk=OuterRef("entry_id"))
    return Change.objects.filter(
        ~Exists(later),
        ~Exists(there),
        after__isnull=True,
        at__gte=now - timedelta(days=history.TRASH_DAYS),
    ).order_by("-pk")


def listed(*, now: datetime, before: int | None = None) -> tuple[list[history.Past], bool]:
    """Return a page of what is in the trash, and whether there is more."""
    rows = deleted(now=now)
    found = list((rows.filter(pk__lt=before) if before is not None else rows)[: PAGE + 1])
    return history.told(found[:PAGE]), len(found) > PAGE


def forget(*, entry_id: int, now: datetime) -> bool:
    """Let a deleted entry go for good, with all that is known of it. Say whether it was there."""
    if not deleted(now=now).filter(entry_id=entry_id).exists():
        return False
    return Change.objects.filter(entry_id=entry_id).delete()[0] > 0
