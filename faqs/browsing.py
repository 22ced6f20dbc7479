"""Find entries and imports for the pages: search, categories, one of each. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from faqs.models import Entry, Import, Phrasing

PAGE = 30
_ROWS = 100  # of a preview on one page


# Which entries a list shows: all, those switched on or off, those that no answer was given with.
STATES = ("on", "off", "unused")


@dataclass(frozen=True)
class Shelf:
    """A page of the entries, and what they can be narrowed down to."""

    entries: Sequence[Entry]
    query: str
    category: str
    state: str
    categories: list[str]
    total: int  # of all entries
    active: int
    found: int
    has_previous: bool
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


def shelf(
    *,
    query: str = "",
    category: str = "",
    state: str = "",
    after: int | None = None,
    before: int | None = None,
) -> Shelf:
    """Return entries by category and question, narrowed down by words, category and state.

    A page begins `after` an entry, or ends `before` one: the place of an entry in the order costs
    the same on the first page and on the hundredth. Six queries at most.
    """
    query = query.replace("\x00", "").strip()[:200]
    category = category.replace("\x00", "")
    state = state if state in STATES else ""
    totals = Entry.objects.aggregate(all=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    rows = _narrowed(query, category, state)
    found_count = rows.count() if query or category or state else totals["all"]
    named = before if before is not None else after
    place = Entry.objects.filter(pk=named).first() if named is not None else None
    is_back = before is not None and place is not None
    if place is not None:
        rows = rows.filter(_beyond(place, is_back=is_back))
    order = ("-category", "-question", "-pk") if is_back else ("category", "question", "pk")
    found = list(_counted(rows).order_by(*order)[: PAGE + 1])
    is_more = len(found) > PAGE
    shown = found[:PAGE][::-1] if is_back else found[:PAGE]
    return Shelf(
        entries=shown,
        query=query,
        category=category,
        state=state,
        categories=categories(),
        total=totals["all"],
        active=totals["active"],
        found=found_count,
        has_previous=is_more if is_back else place is not None,
        has_next=is_back or is_more,
    )


def _narrowed(query: str, category: str, state: str) -> QuerySet[Entry]:
    rows = Entry.objects.all()
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
    if state == "unused":
        return rows.filter(use_count=0)
    return rows.filter(is_active=state == "on") if state else rows


def _beyond(place: Entry, *, is_back: bool) -> Q:
    side = "lt" if is_back else "gt"
    same = Q(category=place.category)
    return (
        Q(**{f"category__{side}": place.category})
        | same & Q(**{f"question__{side}": place.question})
        | same & Q(question=place.question) & Q(**{f"pk__{side}": place.pk})
    )


def row(entry_id: int) -> Entry | None:
    """Return an entry as the list shows it, or None."""
    return _counted(Entry.objects.filter(pk=entry_id)).first()


def _counted(rows: QuerySet[Entry]) -> QuerySet[Entry]:
    """Count the other ways to ask; of what is shown only, not of all that are there."""
    own = Phrasing.objects.filter(entry=OuterRef("pk")).order_by().values("entry")
    count = Coalesce(Subquery(own.annotate(n=Count("pk")).values("n")), 0)
    return rows.annotate(phrasing_count=count)


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


def import_file(import_id: int) -> Import | None:
    """Return an import with its rows, or None."""
    return Import.objects.defer("before").filter(pk=import_id).first()


def has_import(import_id: int) -> bool:
    """Say whether there is such an import."""
    return Import.objects.filter(pk=import_id).exists()


def preview(*, import_id: int, state: str = "", page: int = 1) -> Preview | None:
    """Return an import with a page of its rows; `state` narrows them down."""
    file = import_file(import_id)
    if file is None:
        return None
    page = min(max(page, 1), 10_000)
    if state == "notes":
        rows = [row for row in file.rows if row["notes"]]
    elif state == "skipped":
        rows = [row for row in file.rows if row.get("is_skipped")]
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
