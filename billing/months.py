"""One month of usage as a page and a file show it: days, numbers, totals, and what it will come to."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from billing import forecast, meters, reports
from billing.models import Meter
from lib import clock
from workspaces.models import Workspace

MOST_MONTHS = 36  # to choose from


class Number(NamedTuple):
    """What one number used in a month."""

    name: str  # empty for what belongs to no number
    figures: list[int]


class Coming(NamedTuple):
    """What a meter will come to."""

    meter: Meter
    forecast: forecast.Forecast


@dataclass(frozen=True)
class Month:
    """A month's usage."""

    name: str  # YYYY-MM
    first: date
    last: date
    days: list[tuple[date, list[int]]]  # newest first, days with usage only
    meters: list[tuple[Meter, int]]  # with its total
    numbers: list[Number]
    chart: list[tuple[date, int, int]]
    coming: list[Coming]  # of the present month, once there is a week to go by
    choices: list[date]  # first days of the months with usage, newest first
    previous: str
    following: str  # empty for the present month
    has_any: bool  # usage in any month


def month(*, workspace: Workspace, name: str, now: datetime) -> Month:
    """Return the usage of `YYYY-MM`, of the present month when empty. Raises ValueError."""
    today = clock.local_day(now, workspace.time_zone)
    first, last = reports.month_bounds(name or f"{today:%Y-%m}")
    is_present = first <= today <= last
    since = min(first, today - timedelta(days=forecast.DAYS)) if is_present else first
    # The ledger is summed up once, for everything on the page.
    ledger = reports.by_number_and_day(workspace=workspace, first=since, last=last)
    shown = [row for row in ledger if row.day >= first]
    rows = reports.days_of(shown)
    totals = reports.totals(rows)
    known = {date.fromisoformat(str(row["day"])): row for row in rows}
    end = min(last, today) if first <= today else last
    days = [first + timedelta(days=n) for n in range((end - first).days + 1)]
    labels = Meter.objects.in_bulk(list(meters.ALL))
    first_use = reports.first_day(workspace=workspace)
    return Month(
        name=f"{first:%Y-%m}",
        first=first,
        last=last,
        days=[
            (day, [int(known[day][meter]) for meter in meters.ALL])
            for day in reversed(days)
            if day in known
        ],
        meters=[(labels[code], totals[code]) for code in meters.ALL if code in labels],
        numbers=_numbers(workspace, shown),
        chart=[
            (
                day,
                int(known[day][meters.MESSAGES_RECEIVED]) if day in known else 0,
                int(known[day][meters.MESSAGES_SENT]) if day in known else 0,
            )
            for day in days
        ],
        coming=_coming(ledger, labels, first_use, today) if is_present else [],
        choices=_choices(first_use, today, first),
        previous=f"{first - timedelta(days=1):%Y-%m}",
        following=f"{last + timedelta(days=1):%Y-%m}" if last < today else "",
        has_any=first_use is not None,
    )


def _numbers(workspace: Workspace, ledger: list[reports.NumberDay]) -> list[Number]:
    sums: dict[int | None, list[int]] = {}
    for row in ledger:
        figures = sums.setdefault(row.connection_id, [0] * len(meters.ALL))
        sums[row.connection_id] = [
            old + row.figures[meter] for old, meter in zip(figures, meters.ALL, strict=True)
        ]
    names = reports.number_names(workspace=workspace, ids={pk for pk in sums if pk is not None})
    return [
        Number(names.get(pk, f"Number {pk}") if pk is not None else "", sums[pk])
        for pk in sorted(sums, key=lambda pk: (pk is None, pk or 0))
    ]


def _coming(
    ledger: list[reports.NumberDay], labels: dict[str, Meter], first_use: date | None, today: date
) -> list[Coming]:
    rows, found = reports.days_of([row for row in ledger if row.day <= today]), []
    for code in (meters.MESSAGES_RECEIVED, meters.MESSAGES_SENT):
        by_day = {date.fromisoformat(str(row["day"])): int(row[code]) for row in rows}
        made = forecast.of_month(by_day=by_day, first_use=first_use, today=today)
        if made is not None:
            found.append(Coming(labels[code], made))
    return found


def _choices(first_use: date | None, today: date, shown: date) -> list[date]:
    months: list[date] = []
    at = today.replace(day=1)
    while len(months) < MOST_MONTHS and at >= (first_use or today).replace(day=1):
        months.append(at)
        at = (at - timedelta(days=1)).replace(day=1)
    return months if shown in months else sorted([*months, shown], reverse=True)


def sample(*, now: datetime) -> list[tuple[date, int, int]]:
    """Return days made up for the chart of a business that has none yet."""
    like = (6, 9, 8, 12, 15, 19, 7)
    first = now.date() - timedelta(days=13)
    return [
        (first + timedelta(days=n), like[n % 7] + n // 3, like[n % 7] + n // 3 - 1)
        for n in range(14)
    ]


Rows = list[list[str | int]]


def table(*, workspace: Workspace, name: str, now: datetime) -> tuple[list[str], Rows]:
    """Return header and rows of a month for a file, days in order. Raises ValueError."""
    first, last = _bounds(workspace, name, now)
    rows = reports.by_day(workspace=workspace, first=first, last=last)
    return ["day", *meters.ALL], [
        [str(row["day"]), *(int(row[meter]) for meter in meters.ALL)] for row in rows
    ]


def table_by_number(*, workspace: Workspace, name: str, now: datetime) -> tuple[list[str], Rows]:
    """Return header and rows of a month, one per number. Raises ValueError."""
    first, last = _bounds(workspace, name, now)
    ledger = reports.by_number_and_day(workspace=workspace, first=first, last=last)
    numbers = _numbers(workspace, ledger)
    return ["number", *meters.ALL], [[number.name, *number.figures] for number in numbers]


def table_in_detail(*, workspace: Workspace, name: str, now: datetime) -> tuple[list[str], Rows]:
    """Return header and rows of a month, one per day and number. Raises ValueError."""
    first, last = _bounds(workspace, name, now)
    rows = reports.by_number_and_day(workspace=workspace, first=first, last=last)
    ids = {row.connection_id for row in rows if row.connection_id is not None}
    names = reports.number_names(workspace=workspace, ids=ids)
    return ["day", "number", *meters.ALL], [
        [
            row.day.isoformat(),
            names.get(row.connection_id or 0, ""),
            *(row.figures[meter] for meter in meters.ALL),
        ]
        for row in rows
    ]


def _bounds(workspace: Workspace, name: str, now: datetime) -> tuple[date, date]:
    today = clock.local_day(now, workspace.time_zone)
    return reports.month_bounds(name or f"{today:%Y-%m}")
