"""Write the ledger. Called in the transaction of what is counted, so both stand or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database

from billing import meters
from billing.models import DailyCounter, UsageEvent
from lib import clock, records, sql
from workspaces.models import Workspace


@dataclass(frozen=True)
class Usage:
    """One countable thing. `subject` is the counted row's own id: it makes the key."""

    meter: str
    subject: int
    occurred_at: datetime
    quantity: int = 1
    connection_id: int | None = None
    category: str = ""


_COLUMNS = {
    "workspace_id": "bigint", "meter_id": "text", "quantity": "bigint", "subject": "bigint",
    "occurred_at": "timestamptz", "day": "date", "connection_id": "bigint", "category": "text",
}  # fmt: skip
# ON CONFLICT DO NOTHING is what lets every job run twice.
_RECORD = (
    f"INSERT INTO billing_usageevent ({', '.join(_COLUMNS)}, kind, cost_currency, recorded_at)"  # noqa: S608
    f" SELECT {', '.join(_COLUMNS)}, 0, '', %s FROM {records.source(_COLUMNS)}"
    " ON CONFLICT (workspace_id, meter_id, subject, kind) DO NOTHING"
)


def record(*, workspace: Workspace, usages: Sequence[Usage], now: datetime) -> int:
    """Append `usages`; what is in the ledger already is not counted again.

    Returns how many were new. The day is fixed here, in the workspace's time zone.
    """
    return record_all(usages=[(workspace, usage) for usage in usages], now=now)


def record_all(*, usages: Sequence[tuple[Workspace, Usage]], now: datetime) -> int:
    """Do as `record` for several workspaces in one statement; call in the system scope then."""
    if not usages:
        return 0
    return sql.run(_RECORD, _values(usages, now))


def write(
    *, sheet: sql.Sheet, workspace: Workspace, usages: Sequence[Usage], now: datetime
) -> None:
    """Do as `record` on a sheet, for a caller who need not know how many were new."""
    if usages:
        sheet.add(_RECORD, _values([(workspace, usage) for usage in usages], now))


def _values(usages: Sequence[tuple[Workspace, Usage]], now: datetime) -> list[Any]:
    rows = [
        (
            space.pk,
            usage.meter,
            usage.quantity,
            usage.subject,
            usage.occurred_at,
            clock.local_day(usage.occurred_at, space.time_zone),
            usage.connection_id,
            usage.category,
        )
        for space, usage in usages
    ]
    return [now, records.written(_COLUMNS, rows)]


def active_number(*, workspace: Workspace, connection_id: int, now: datetime) -> Usage:
    """Return what counts a number once for the calendar month of `now` in its workspace's zone."""
    day = clock.local_day(now, workspace.time_zone)
    subject = connection_id * 1_000_000 + day.year * 100 + day.month
    return Usage(meters.ACTIVE_NUMBERS, subject, now, connection_id=connection_id)


def take_back(*, workspace: Workspace, meter: str, subject: int, now: datetime) -> bool:
    """Correct a counted thing that failed after all: an entry of the opposite quantity.

    Returns False when there is nothing to take back or it was taken back before. The day's
    counter gives the place back when the day is still the same.
    """
    original = UsageEvent.objects.filter(
        workspace=workspace, meter_id=meter, subject=subject, kind=UsageEvent.Kind.USAGE
    ).first()
    if original is None:
        return False
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_usageevent (workspace_id, meter_id, quantity, subject, kind,"
            " reverses_id, occurred_at, day, connection_id, category, cost_currency, recorded_at)"
            " VALUES (%s, %s, %s, %s, 1, %s, %s, %s, %s, %s, '', %s)"
            " ON CONFLICT (workspace_id, meter_id, subject, kind) DO NOTHING",
            [
                workspace.pk,
                meter,
                -original.quantity,
                subject,
                original.pk,
                now,
                clock.local_day(now, workspace.time_zone),
                original.connection_id,
                original.category,
                now,
            ],
        )
        is_new = bool(cursor.rowcount)
    if is_new:
        release(workspace=workspace, meter=meter, day_of=original.occurred_at)
    return is_new


def reserve(*, workspace: Workspace, meter: str, per_day: int | None, now: datetime) -> bool:
    """Take one place of the day's allowance; False when none is left.

    A conditional update, so that racing workers cannot go over. `per_day` None is no limit.
    """
    day = clock.local_day(now, workspace.time_zone)
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_dailycounter AS c (workspace_id, meter_id, day, used)"
            " SELECT %(ws)s, %(meter)s, %(day)s, 1 WHERE %(cap)s::bigint IS NULL OR %(cap)s > 0"
            " ON CONFLICT (workspace_id, meter_id, day) DO UPDATE SET used = c.used + 1"
            " WHERE %(cap)s::bigint IS NULL OR c.used < %(cap)s",
            {"ws": workspace.pk, "meter": meter, "day": day, "cap": per_day},
        )
        return bool(cursor.rowcount)


def reserve_many(
    *, workspace: Workspace, meter: str, per_day: int, quantity: int, now: datetime
) -> int:
    """Take up to `quantity` places of the day's allowance; return how many were left to take.

    The counter's row stays locked until the commit, so that racing workers cannot go over.
    """
    if quantity == 1:
        return int(reserve(workspace=workspace, meter=meter, per_day=per_day, now=now))
    day = clock.local_day(now, workspace.time_zone)
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_dailycounter (workspace_id, meter_id, day, used)"
            " VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING",
            [workspace.pk, meter, day],
        )
        cursor.execute(
            "SELECT used FROM billing_dailycounter"
            " WHERE workspace_id = %s AND meter_id = %s AND day = %s FOR UPDATE",
            [workspace.pk, meter, day],
        )
        granted = max(0, min(quantity, per_day - int(cursor.fetchone()[0])))
        if granted:
            cursor.execute(
                "UPDATE billing_dailycounter SET used = used + %s"
                " WHERE workspace_id = %s AND meter_id = %s AND day = %s",
                [granted, workspace.pk, meter, day],
            )
    return granted


def release(*, workspace: Workspace, meter: str, day_of: datetime, quantity: int = 1) -> None:
    """Give reserved places back: what they were taken for did not happen."""
    day = clock.local_day(day_of, workspace.time_zone)
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_dailycounter SET used = GREATEST(used - %s, 0)"
            " WHERE workspace_id = %s AND meter_id = %s AND day = %s",
            [quantity, workspace.pk, meter, day],
        )


def used_today(*, workspace: Workspace, meter: str, now: datetime) -> int:
    """Return how much of `meter` is used or reserved today."""
    counter = DailyCounter.objects.filter(
        workspace=workspace, meter_id=meter, day=clock.local_day(now, workspace.time_zone)
    ).first()
    return counter.used if counter else 0
