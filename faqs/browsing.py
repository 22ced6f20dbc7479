"""Find entries and imports for the pages: search, categories, one of each. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from faqs.models import Entry, Import

PAGE = 50
_ROWS = 100  # of a preview on one page


@dataclass(frozen=True)
class Shelf:
    """A page of the entries, and what they can be narrowed down to."""

    entries: Sequence[Entry]
    query: str
    category: str
    categories: list[str]
    total: int  # of all entries
    active: int
    found: int
    page: int
    has_next: bool


@dataclass(frozen=True)
class Preview:
    """An import with some of its rows."""

    file: Import
    rows: list[dict[str, object]]
    state: str  # which rows are shown: "", new, changed, same, invalid, notes
    shown_from: int
    page: int
    has_next: bool


def count() -> int:
    """Return how many entries there are."""
    return Entry.objects.count()


def shelf(*, query: str = "", category: str = "", page: int = 1) -> Shelf:
    """Return entries by question, narrowed down by words of their texts and by category."""
    query = query.replace("\x00", "").strip()[:200]
    category = category.replace("\x00", "")
    page = min(max(page, 1), 10_000)
    totals = Entry.objects.aggregate(all=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    rows = Entry.objects.annotate(phrasing_count=Count("phrasings", distinct=True))
    for word in query.split()[:8]:
        rows = rows.filter(
            Q(question__icontains=word)
            | Q(answer__icontains=word)
            | Q(keywords__icontains=word)
            | Q(faq_id__icontains=word)
            | Q(pk__in=Entry.objects.filter(phrasings__text__icontains=word).values("pk"))
        )
    if category:
        rows = rows.filter(category=category)
    start = (page - 1) * PAGE
    found = list(rows.order_by("category", "question", "pk")[start : start + PAGE + 1])
    return Shelf(
        entries=found[:PAGE],
        query=query,
        category=category,
        categories=categories(),
        total=totals["all"],
        active=totals["active"],
        found=rows.count() if query or category else totals["all"],
        page=page,
        has_next=len(found) > PAGE,
    )


def categories() -> list[str]:
    """Return the categories in use, by name."""
    return list(
        Entry.objects.exclude(category="")
        .order_by("category")
        .values_list("category", flat=True)
        .distinct()
    )


def entry(entry_id: int) -> Entry | None:
    """Return an entry with its phrasings, or None."""
    return Entry.objects.prefetch_related("phrasings").filter(pk=entry_id).first()


def choices(*, most: int = 500) -> list[tuple[int, str]]:
    """Return the active entries to choose one of: id and question, by question."""
    rows = Entry.objects.filter(is_active=True).order_by("question", "pk")
    return [(pk, question) for pk, question in rows.values_list("pk", "question")[:most]]


def by_faq_id(names: Iterable[str]) -> dict[str, Entry]:
    """Return entries by their stable names."""
    return {entry.faq_id: entry for entry in Entry.objects.filter(faq_id__in=list(names))}


def imports() -> list[Import]:
    """Return the latest imports, newest first, without their rows."""
    return list(Import.objects.defer("rows", "before").order_by("-pk")[:50])


def preview(*, import_id: int, state: str = "", page: int = 1) -> Preview | None:
    """Return an import with a page of its rows; `state` narrows them down."""
    file = Import.objects.defer("before").filter(pk=import_id).first()
    if file is None:
        return None
    page = min(max(page, 1), 10_000)
    if state == "notes":
        rows = [row for row in file.rows if row["notes"]]
    elif state:
        rows = [row for row in file.rows if row["state"] == state]
    else:
        rows = list(file.rows)
    start = (page - 1) * _ROWS
    return Preview(
        file=file,
        rows=rows[start : start + _ROWS],
        state=state,
        shown_from=start + 1,
        page=page,
        has_next=len(rows) > start + _ROWS,
    )
