"""The one clock. Only views, tasks and commands read it; the domain is handed `now`."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def local_day(moment: datetime, time_zone: str) -> date:
    """Return the calendar day of `moment` in `time_zone` (an IANA name)."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
