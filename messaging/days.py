"""What each day was like: counted when it is asked for, and kept, because days do not change for long.

A message's last news (delivered, read) comes within days; until then a day is counted anew from
time to time, today's every few seconds. Everything can be counted again from the messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from lib import clock, sql
from messaging.models import DaySummary
from workspaces.models import Workspace

DAYS = 30
# Upper edges of the classes of reply times, in seconds; the last class is open.
EDGES = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 60, 120, 300, 600)
# How old a count may be: of today, of the days before (news about them still comes), of the rest.
_TODAY, _RECENT, _RECENT_DAYS = timedelta(seconds=20), timedelta(minutes=30), 3


@dataclass(frozen=True)
class Figures:
    """What came in and what went out."""

    received: int = 0
    answered: int = 0  # replies written by the bot
    sent: int = 0
    delivered: int = 0
    settled: int = 0  # sent ones of which the outcome is known
    reply_times: Sequence[int] = field(default_factory=tuple)  # by the classes of EDGES

    @property
    def delivered_share(self) -> str:
        """Return the delivered part of what WhatsApp took, in words of the page."""
        return f"{self.delivered / self.settled:.0%}" if self.settled else "–"

    @property
    def bot_share(self) -> str:
        """Return the part of what came in that the bot answered."""
        return f"{min(1, self.answered / self.received):.0%}" if self.received else "–"

    @property
    def middle_reply(self) -> str:
        """Return what half of the bot's replies took at most, as 1.3 s."""
        seconds = middle(self.reply_times)
        if seconds is None:
            return "–"
        return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def middle(counts: Sequence[int]) -> float | None:
    """Return the median in seconds out of counts by class, interpolated; None without any.

    What took longer than the last edge counts as that edge.
    """
    half, seen = sum(counts) / 2, 0
    if not half:
        return None
    for (low, high), count in zip(pairwise((0.0, *EDGES)), counts, strict=False):
        if count and seen + count >= half:
            return low + (high - low) * (half - seen) / count
        seen += count
    return float(EDGES[-1])


def total(days: Sequence[Figures]) -> Figures:
    """Return the sum of days."""
    classes = [0] * (len(EDGES) + 1)
    for one in days:
        for index, count in enumerate(one.reply_times[: len(classes)]):
            classes[index] += count
    return Figures(
        sum(one.received for one in days),
        sum(one.answered for one in days),
        sum(one.sent for one in days),
        sum(one.delivered for one in days),
        sum(one.settled for one in days),
        classes,
    )


def latest(*, workspace: Workspace, now: datetime) -> list[tuple[date, Figures]]:
    """Return the last 30 days of the workspace in scope, oldest first, quiet days included."""
    today = clock.local_day(now, workspace.time_zone)
    days = [today - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    kept = {one.day: one for one in DaySummary.objects.filter(day__gte=days[0])}
    zone = workspace.time_zone
    kept = {day: one for day, one in kept.items() if one.time_zone == zone}
    stale = [day for day in days if not _is_good(kept.get(day), day, today, now)]
    if stale:
        counted = _count(stale[0], stale[-1], zone)
        _keep({day: counted.get(day, Figures()) for day in stale}, zone, now)
        fresh = {day: counted.get(day, Figures()) for day in stale}
        return [(day, fresh.get(day) or _figures(kept.get(day))) for day in days]
    return [(day, _figures(kept.get(day))) for day in days]


def _is_good(kept: DaySummary | None, day: date, today: date, now: datetime) -> bool:
    if kept is None:
        return False
    age = now - kept.counted_at
    if day == today:
        return age < _TODAY
    # Counted when all news of it had come: that stays.
    is_final = clock.local_day(kept.counted_at, "UTC") > day + timedelta(days=_RECENT_DAYS)
    return is_final or age < _RECENT


def _figures(kept: DaySummary | None) -> Figures:
    if kept is None:
        return Figures()
    return Figures(
        kept.received, kept.answered, kept.sent, kept.delivered, kept.settled, kept.reply_times
    )


_COUNTS = """
SELECT (m.created_at AT TIME ZONE %s)::date,
       count(*) FILTER (WHERE m.direction = 'in' AND m.author <> 'system'),
       count(*) FILTER (WHERE m.author = 'bot' AND m.answers_id IS NOT NULL),
       count(*) FILTER (WHERE m.direction = 'out' AND m.status IN ('sent', 'delivered', 'read')),
       count(*) FILTER (WHERE m.direction = 'out' AND m.status IN ('delivered', 'read')),
       count(*) FILTER (WHERE m.direction = 'out' AND m.status IN ('sent', 'delivered', 'read', 'failed'))
FROM messaging_message m WHERE m.created_at >= %s AND m.created_at < %s GROUP BY 1
"""
_TIMES = """
SELECT (r.created_at AT TIME ZONE %s)::date,
       width_bucket(extract(epoch FROM r.sent_at - q.created_at)::float8, %b::float8[]), count(*)
FROM messaging_message r JOIN messaging_message q ON q.id = r.answers_id
WHERE r.created_at >= %s AND r.created_at < %s AND r.author = 'bot' AND r.sent_at IS NOT NULL
GROUP BY 1, 2
"""


def _count(first: date, last: date, time_zone: str) -> dict[date, Figures]:
    zone = ZoneInfo(time_zone)
    begin = datetime.combine(first, time(), tzinfo=zone)
    end = datetime.combine(last + timedelta(days=1), time(), tzinfo=zone)
    times: dict[date, list[int]] = {}
    for day, place, count in sql.fetch(_TIMES, [time_zone, list(map(float, EDGES)), begin, end]):
        times.setdefault(day, [0] * (len(EDGES) + 1))[min(place, len(EDGES))] += count
    return {
        day: Figures(received, answered, sent, delivered, settled, times.get(day, ()))
        for day, received, answered, sent, delivered, settled in sql.fetch(
            _COUNTS, [time_zone, begin, end]
        )
    }


def _keep(counted: Mapping[date, Figures], time_zone: str, now: datetime) -> None:
    DaySummary.objects.bulk_create(
        [
            DaySummary(
                day=day,
                received=one.received,
                answered=one.answered,
                sent=one.sent,
                delivered=one.delivered,
                settled=one.settled,
                reply_times=list(one.reply_times),
                time_zone=time_zone,
                counted_at=now,
            )
            for day, one in counted.items()
        ],
        update_conflicts=True,
        unique_fields=["day"],
        update_fields=[
            "received", "answered", "sent", "delivered", "settled", "reply_times", "time_zone",
            "counted_at",
        ],
    )  # fmt: skip
