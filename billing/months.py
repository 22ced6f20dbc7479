"""One month of usage as a page shows it: every day, totals, and the months around it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from billing import meters, reports
from billing.models import Meter
from lib import clock
from workspaces.models import Workspace


@dataclass(frozen=True)
class Month:
    """A month's usage."""

    name: str  # YYYY-MM
    first: date
    last: date
    days: list[tuple[date, list[int]]]  # newest first, days with usage only
    meters: list[tuple[Meter, int]]  # with its total
    chart: list[tuple[date, int, int]]
    previous: str
    following: str  # empty for the present month


def month(*, workspace: Workspace, name: str, now: datetime) -> Month:
    """Return the usage of `YYYY-MM`, of the present month when empty. Raises ValueError."""
    today = clock.local_day(now, workspace.time_zone)
    first, last = reports.month_bounds(name or f"{today:%Y-%m}")
    rows = reports.by_day(workspace=workspace, first=first, last=last)
    totals = reports.totals(rows)
    known = {date.fromisoformat(str(row["day"])): row for row in rows}
    end = min(last, today) if first <= today else last
    days = [first + timedelta(days=n) for n in range((end - first).days + 1)]
    labels = Meter.objects.in_bulk(list(meters.ALL))
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
        chart=[
            (
                day,
                int(known[day][meters.MESSAGES_RECEIVED]) if day in known else 0,
                int(known[day][meters.MESSAGES_SENT]) if day in known else 0,
            )
            for day in days
        ],
        previous=f"{first - timedelta(days=1):%Y-%m}",
        following=f"{last + timedelta(days=1):%Y-%m}" if last < today else "",
    )


def table(
    *, workspace: Workspace, name: str, now: datetime
) -> tuple[list[str], list[list[str | int]]]:
    """Return header and rows of a month for a file, days in order. Raises ValueError."""
    found = month(workspace=workspace, name=name, now=now)
    header = ["day", *(meter.code for meter, _ in found.meters)]
    return header, [[day.isoformat(), *figures] for day, figures in reversed(found.days)]
