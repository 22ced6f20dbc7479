"""What a month will come to, from its own recent days: simple, shown as a range, or not at all."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import mean, pstdev

DAYS, LEAST_DAYS = 14, 7
# So wide that four months in five should end inside, if days go on as unevenly as they did.
_WIDTH = 1.3


@dataclass(frozen=True)
class Forecast:
    """Between what a month's total will probably lie, and from how many days that was made."""

    low: int
    high: int
    day_count: int
    knows_weekdays: bool


def of_month(*, by_day: Mapping[date, int], first_use: date | None, today: date) -> Forecast | None:
    """Return the present month's forecast of one meter; None with less than a week to go by.

    `by_day` holds the days with usage of this month and of the DAYS before today. The busiest
    and the quietest day count like the next one to them, so that one feast makes no month. With
    both weeks whole, each weekday stands for itself.
    """
    if first_use is None:
        return None
    count = min(DAYS, (today - first_use).days)
    if count < LEAST_DAYS:
        return None
    days = [today - timedelta(days=n) for n in range(count, 0, -1)]
    values = [by_day.get(day, 0) for day in days]
    calm = _without_extremes(values)
    if not any(calm):
        return None
    knows_weekdays = count == DAYS
    if knows_weekdays:
        expected = {
            n: mean(v for d, v in zip(days, calm, strict=True) if d.weekday() == n)
            for n in range(7)
        }
    else:
        expected = dict.fromkeys(range(7), mean(calm))
    errors = [value - expected[day.weekday()] for day, value in zip(days, calm, strict=True)]
    last = today.replace(day=calendar.monthrange(today.year, today.month)[1])
    rest = [today + timedelta(days=n) for n in range(1, (last - today).days + 1)]
    so_far = sum(value for day, value in by_day.items() if today.replace(day=1) <= day <= today)
    # Today is still running: at least what it has, else what such a day has.
    still_today = max(0.0, expected[today.weekday()] - by_day.get(today, 0))
    middle = so_far + still_today + sum(expected[day.weekday()] for day in rest)
    half = _WIDTH * pstdev(errors) * sqrt(len(rest) + 1)
    return Forecast(
        low=max(so_far, _round(middle - half)),
        high=max(so_far, _round(middle + half)),
        day_count=count,
        knows_weekdays=knows_weekdays,
    )


def _without_extremes(values: list[int]) -> list[int]:
    ordered = sorted(values)
    return [min(max(value, ordered[1]), ordered[-2]) for value in values]


def _round(value: float) -> int:
    """Return two digits that count: more would claim to know more."""
    whole = max(0, round(value))
    step = int(10 ** max(0, len(str(whole)) - 2))
    return round(whole / step) * step
