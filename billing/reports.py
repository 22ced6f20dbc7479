"""Read the ledger: by day, number and meter, for pages and files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import Min, Sum
from django.utils.module_loading import import_string

from billing import meters
from billing.models import UsageEvent
from workspaces.models import Workspace


def by_day(*, workspace: Workspace, first: date, last: date) -> list[dict[str, int | str]]:
    """Return one row per day with usage, `first` to `last`: {day, and one figure per meter}."""
    sums = (
        UsageEvent.objects.filter(workspace=workspace, day__gte=first, day__lte=last)
        .values_list("day", "meter_id")
        .annotate(total=Sum("quantity"))
        .order_by("day")
    )
    days: dict[date, dict[str, int | str]] = {}
    for day, meter, total in sums:
        row = days.setdefault(day, {"day": day.isoformat(), **dict.fromkeys(meters.ALL, 0)})
        row[meter] = int(total)
    return list(days.values())


@dataclass(frozen=True)
class NumberDay:
    """What one number used on one day; `connection_id` is None for what belongs to no number."""

    day: date
    connection_id: int | None
    figures: dict[str, int]


def by_number_and_day(*, workspace: Workspace, first: date, last: date) -> list[NumberDay]:
    """Return one row per day and number with usage, in the order of days and numbers."""
    sums = (
        UsageEvent.objects.filter(workspace=workspace, day__gte=first, day__lte=last)
        .values_list("day", "connection_id", "meter_id")
        .annotate(total=Sum("quantity"))
    )
    rows: dict[tuple[date, int | None], NumberDay] = {}
    for day, number, meter, total in sums:
        row = rows.setdefault((day, number), NumberDay(day, number, dict.fromkeys(meters.ALL, 0)))
        row.figures[meter] = int(total)
    return [
        rows[key] for key in sorted(rows, key=lambda key: (key[0], key[1] is None, key[1] or 0))
    ]


def days_of(ledger: list[NumberDay]) -> list[dict[str, int | str]]:
    """Return one row per day out of rows per day and number, as `by_day` does."""
    days: dict[date, dict[str, int | str]] = {}
    for one in ledger:
        row = days.setdefault(one.day, {"day": one.day.isoformat(), **dict.fromkeys(meters.ALL, 0)})
        for meter, total in one.figures.items():
            row[meter] = int(row[meter]) + total
    return list(days.values())


def first_day(*, workspace: Workspace) -> date | None:
    """Return the first day with usage, None before there was any."""
    found: date | None = UsageEvent.objects.filter(workspace=workspace).aggregate(day=Min("day"))[
        "day"
    ]
    return found


def sent_on(*, workspace: Workspace, day: date) -> int:
    """Return how many messages were sent on a day."""
    return totals(by_day(workspace=workspace, first=day, last=day))[meters.MESSAGES_SENT]


def number_names(*, workspace: Workspace, ids: set[int]) -> dict[int, str]:
    """Return what the numbers are called (settings.NUMBER_NAMES: a room above knows them)."""
    ask: Callable[..., dict[int, str]] = import_string(settings.NUMBER_NAMES)
    return ask(workspace=workspace, ids=ids) if ids else {}


def totals(rows: list[dict[str, int | str]]) -> dict[str, int]:
    """Return the sum of each meter over `rows`."""
    return {meter: sum(int(row[meter]) for row in rows) for meter in meters.ALL}


def month_bounds(month: str) -> tuple[date, date]:
    """Return the first and last day of `YYYY-MM`. Raises ValueError for anything else."""
    year, _, number = month.partition("-")
    if not (len(year) == 4 and len(number) == 2 and year.isdigit() and number.isdigit()):
        raise ValueError("Give the month as YYYY-MM, for example 2026-11.")
    first = date(int(year), int(number), 1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, date.fromordinal(after.toordinal() - 1)
