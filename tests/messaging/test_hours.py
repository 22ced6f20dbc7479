"""Opening hours: across midnight, in time zones, with clocks that are put forward and back."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from messaging import hours

LAGOS, LONDON = "Africa/Lagos", "Europe/London"
CLOSED = " ".join(["-"] * 7)
NIGHTS = " ".join(["20:00-02:00"] * 6 + ["-"])
SUNDAY_NIGHT = "- - - - - - 22:00-06:00"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "zone", "now", "is_open"),
    [
        # Friday 20 November 2026; Lagos is an hour ahead of UTC.
        (hours.MON_TO_SAT, LAGOS, utc(2026, 11, 20, 6, 59), False),
        (hours.MON_TO_SAT, LAGOS, utc(2026, 11, 20, 7, 0), True),
        (hours.MON_TO_SAT, LAGOS, utc(2026, 11, 20, 16, 59), True),
        (hours.MON_TO_SAT, LAGOS, utc(2026, 11, 20, 17, 0), False),
        (hours.MON_TO_SAT, LAGOS, utc(2026, 11, 22, 10, 0), False),  # Sunday
        (hours.MON_TO_SAT, "UTC", utc(2026, 11, 20, 7, 0), False),
        # After midnight it is still the evening of the day before.
        (NIGHTS, LAGOS, utc(2026, 11, 21, 0, 59), True),
        (NIGHTS, LAGOS, utc(2026, 11, 21, 1, 0), False),
        (NIGHTS, LAGOS, utc(2026, 11, 22, 0, 30), True),  # Sunday 01:30, begun on Saturday
        (NIGHTS, LAGOS, utc(2026, 11, 23, 0, 30), False),  # Monday 01:30, Sunday was closed
        (SUNDAY_NIGHT, LAGOS, utc(2026, 11, 23, 4, 59), True),
        (hours.ALWAYS, LAGOS, utc(2026, 11, 22, 23, 0), True),
        (CLOSED, LAGOS, utc(2026, 11, 20, 10, 0), False),
        # London's clocks: summer time until 25 October 2026.
        (hours.MON_TO_SAT, LONDON, utc(2026, 10, 24, 7, 0), True),
        (hours.MON_TO_SAT, LONDON, utc(2026, 10, 26, 7, 30), False),
        (hours.MON_TO_SAT, LONDON, utc(2026, 10, 26, 8, 0), True),
    ],
)
def test_it_is_open_when_the_clock_on_the_wall_says_so(
    text: str, zone: str, now: datetime, is_open: bool
) -> None:
    assert hours.is_open(text, zone=zone, now=now) is is_open


def test_a_night_in_which_the_clocks_go_back_is_an_hour_longer() -> None:
    span = hours.Span(time(22), time(6))

    first, last = span.on(date(2026, 10, 24), ZoneInfo(LONDON))

    assert (last - first).total_seconds() == 9 * 3600


@pytest.mark.parametrize(
    ("text", "now", "opens", "closed"),
    [
        (hours.MON_TO_SAT, utc(2026, 11, 20, 3), utc(2026, 11, 20, 7), utc(2026, 11, 19, 17)),
        (hours.MON_TO_SAT, utc(2026, 11, 21, 20), utc(2026, 11, 23, 7), utc(2026, 11, 21, 17)),
        (NIGHTS, utc(2026, 11, 22, 12), utc(2026, 11, 23, 19), utc(2026, 11, 22, 1)),
        (SUNDAY_NIGHT, utc(2026, 11, 23, 6), utc(2026, 11, 29, 21), utc(2026, 11, 23, 5)),
        (CLOSED, utc(2026, 11, 20, 3), None, None),
    ],
)
def test_it_is_known_since_when_it_is_closed_and_when_it_opens(
    text: str, now: datetime, opens: datetime | None, closed: datetime | None
) -> None:
    assert hours.opens_at(text, zone=LAGOS, now=now) == opens
    assert hours.closed_at(text, zone=LAGOS, now=now) == closed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (hours.MON_TO_SAT, "Mon–Sat 8–18"),
        (hours.PRESETS["daily"], "Every day 8–20"),
        (hours.ALWAYS, "Always open"),
        (CLOSED, "Always closed"),
        (
            "08:00-18:00 08:00-18:00 08:00-18:00 08:00-18:00 08:00-18:00 09:30-14:00 -",
            "Mon–Fri 8–18, Sat 9:30–14",
        ),
        ("- 20:00-02:00 - 00:00-00:00 - - -", "Tue 20–2, Thu all day"),
    ],
)
def test_hours_are_said_in_short(text: str, said: str) -> None:
    assert hours.describe(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "08:00-18:00",
        hours.MON_TO_SAT + " -",
        hours.MON_TO_SAT.replace("-18:00", "-24:00"),
        hours.MON_TO_SAT.replace("08:00", "8:00"),
        hours.MON_TO_SAT.replace("08:00", "٠٨:٠٠"),
        "closed " * 7,
    ],
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(hours.UnableToReadHours):
        hours.read(text)


def test_what_is_written_reads_the_same() -> None:
    assert hours.write(hours.read(NIGHTS)) == NIGHTS
