"""Opening hours: a span for each day of the week, in the workspace's own time zone.

Written as seven words from Monday on, `08:00-18:00` or `-` for a closed day. A span that ends
before it begins goes on after midnight; one that ends where it begins lasts the whole day.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FULL_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class UnableToReadHours(ValueError):
    """These are no opening hours; the message is a sentence for the person who gave them."""


@dataclass(frozen=True)
class Span:
    """From when to when a business is open, beginning on one day."""

    opens: time
    closes: time

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the beginning and the end of the span that begins on `day`."""
        last = day if self.closes > self.opens else day + timedelta(days=1)
        return _at(day, self.opens, zone), _at(last, self.closes, zone)

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


Week = tuple[Span | None, ...]


def _at(day: date, moment: time, zone: ZoneInfo) -> datetime:
    # By way of UTC: two moments of one zone would be compared by their clocks' faces.
    return datetime.combine(day, moment, tzinfo=zone).astimezone(ZoneInfo("UTC"))


def write(week: Sequence[Span | None]) -> str:
    """Return the week as it is kept."""
    return " ".join(str(span) if span else "-" for span in week)


_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@lru_cache(maxsize=512)  # asked with each message that comes in
def read(text: str) -> Week:
    """Return the week that was written down. Raises UnableToReadHours."""
    words = text.split()
    if len(words) != len(DAYS):
        raise UnableToReadHours("Give hours for each of the seven days.")
    return tuple(_span(word) for word in words)


def _span(word: str) -> Span | None:
    if word == "-":
        return None
    match = _SPAN.fullmatch(word)
    if match is None:
        raise UnableToReadHours("Write hours as 08:00-18:00, or - for a closed day.")
    first, second, third, fourth = map(int, match.groups())
    return Span(time(first, second), time(third, fourth))


def _week(opens: str, closes: str, days: int) -> str:
    return " ".join([f"{opens}-{closes}"] * days + ["-"] * (len(DAYS) - days))


MON_TO_SAT = _week("08:00", "18:00", 6)
ALWAYS = _week("00:00", "00:00", 7)
PRESETS = {
    "mon-sat": MON_TO_SAT,
    "mon-fri": _week("09:00", "17:00", 5),
    "daily": _week("08:00", "20:00", 7),
    "always": ALWAYS,
}


def is_open(text: str, *, zone: str, now: datetime) -> bool:
    """Say whether the business is open at this moment."""
    return any(first <= now < last for first, last in _spans(text, zone, now, (-1, 0)))


def opens_at(text: str, *, zone: str, now: datetime) -> datetime | None:
    """Return when it opens next; None when no day of the week is open."""
    return min(
        (first for first, _ in _spans(text, zone, now, range(-1, 9)) if first > now), default=None
    )


def closed_at(text: str, *, zone: str, now: datetime) -> datetime | None:
    """Return since when it is closed, asked while it is; None when no day is open."""
    return max(
        (last for _, last in _spans(text, zone, now, range(-9, 1)) if last <= now), default=None
    )


def _spans(
    text: str, zone: str, now: datetime, days: Sequence[int]
) -> Iterator[tuple[datetime, datetime]]:
    """Return the spans that begin on these days, counted from today."""
    place, week = ZoneInfo(zone), read(text)
    today = now.astimezone(place).date()
    for ahead in days:
        day = today + timedelta(days=ahead)
        if (span := week[day.weekday()]) is not None:
            yield span.on(day, place)


def describe(text: str) -> str:
    """Say the hours in short: `Mon–Sat 8–18`, `Mon–Fri 8–18, Sat 9:30–14`, `Always open`."""
    week = read(text)
    if text == ALWAYS:
        return "Always open"
    if not any(week):
        return "Always closed"
    runs = [
        [index for index, _ in group] for _, group in groupby(enumerate(week), key=lambda d: d[1])
    ]
    return ", ".join(
        f"{_days(run)} {_hours(span)}" for run in runs if (span := week[run[0]]) is not None
    )


def _days(run: list[int]) -> str:
    if len(run) == len(DAYS):
        return "Every day"
    first, last = DAYS[run[0]], DAYS[run[-1]]
    return first if first == last else f"{first}–{last}"


def _hours(span: Span) -> str:
    if span.opens == span.closes == time():
        return "all day"
    return f"{_short(span.opens)}–{_short(span.closes)}"


def _short(moment: time) -> str:
    return f"{moment.hour}:{moment:%M}" if moment.minute else f"{moment.hour}"
