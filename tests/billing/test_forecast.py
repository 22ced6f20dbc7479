"""The month's forecast: nothing before a week, calm about one feast, never below what there is."""

import random
from datetime import date, timedelta

from billing import forecast

TODAY = date(2026, 11, 20)


def past(values: list[int]) -> dict[date, int]:
    """Return `values` as the days before today, the last one yesterday."""
    return {TODAY - timedelta(days=n + 1): value for n, value in enumerate(reversed(values))}


def made(values: list[int], today: int = 0) -> forecast.Forecast | None:
    first = TODAY - timedelta(days=len(values))
    return forecast.of_month(by_day={**past(values), TODAY: today}, first_use=first, today=TODAY)


def test_less_than_a_week_makes_none() -> None:
    assert made([10] * 6) is None
    assert made([10] * 7) is not None
    assert forecast.of_month(by_day={}, first_use=None, today=TODAY) is None


def test_days_that_are_all_alike_go_on_alike() -> None:
    found = made([10] * 14)

    # Since 6 November 140, today and the ten days to come 110 more.
    assert found == forecast.Forecast(low=250, high=250, day_count=14, knows_weekdays=True)


def test_one_feast_does_not_make_a_month() -> None:
    plain, feast = made([10] * 14), made([10] * 13 + [1_000])

    assert plain and feast
    assert feast.high - 1_000 < plain.high + 10, "what is to come is as without it"


def test_with_two_weeks_each_weekday_stands_for_itself() -> None:
    # Closed on Sundays: the rest of the month holds two of them (22 and 29 November).
    values = [0 if (TODAY - timedelta(days=n)).weekday() == 6 else 10 for n in range(14, 0, -1)]

    found = made(values)

    assert found and found.knows_weekdays and found.low == found.high == 120 + 9 * 10


def test_silence_makes_none() -> None:
    assert made([0] * 14) is None


def test_it_is_a_range_and_never_below_what_is_counted_already() -> None:
    chance = random.Random(7)
    for _ in range(500):
        most = 10 ** chance.randint(0, 9)
        values = [chance.randint(0, most) for _ in range(chance.randint(7, 14))]
        today = chance.randint(0, most)

        found = made(values, today)

        so_far = today + sum(v for day, v in past(values).items() if day.month == 11)
        assert found is None or so_far <= found.low <= found.high, values
