"""Read the ledger: by day and meter, for pages and files."""

from datetime import date

from django.db.models import Sum

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
