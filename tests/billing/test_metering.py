"""The ledger: each thing once, days fixed in the workspace's zone, corrections beside it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from billing import metering, meters, reports
from billing.metering import Usage
from billing.models import DailyCounter, Meter, UsageEvent
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def record(space: Workspace, *usages: Usage, now: datetime = NOON) -> int:
    with scope.workspace(space):
        return metering.record(workspace=space, usages=usages, now=now)


def sent(subject: int, at: datetime = NOON, **more: Any) -> Usage:
    return Usage(meters.MESSAGES_SENT, subject, at, **more)


def take_back(space: Workspace, subject: int, now: datetime = NOON) -> bool:
    with scope.workspace(space):
        return metering.take_back(
            workspace=space, meter=meters.MESSAGES_SENT, subject=subject, now=now
        )


def by_day(space: Workspace) -> dict[str, int]:
    with scope.workspace(space):
        rows = reports.by_day(workspace=space, first=date(2026, 1, 1), last=date(2027, 12, 31))
    return {str(row["day"]): int(row[meters.MESSAGES_SENT]) for row in rows}


def used(space: Workspace, now: datetime = NOON) -> int:
    with scope.workspace(space):
        return metering.used_today(workspace=space, meter=meters.MESSAGES_SENT, now=now)


def test_the_meters_of_the_ledger_are_rows() -> None:
    assert set(Meter.objects.values_list("code", flat=True)) >= set(meters.ALL)


def test_a_thing_is_counted_once_however_often_it_is_told(acme: Workspace) -> None:
    counts = [record(acme, sent(1), sent(2)), record(acme, sent(2), sent(3)), record(acme, sent(1))]

    assert counts == [2, 1, 0]
    assert by_day(acme) == {"2026-11-20": 3}


def test_a_year_later_it_is_still_the_same_thing(acme: Workspace) -> None:
    record(acme, sent(1))

    assert record(acme, sent(1), now=NOON + timedelta(days=365)) == 0


def test_the_same_subject_counts_on_each_meter_and_in_each_workspace(
    acme: Workspace, rival: Workspace
) -> None:
    assert record(acme, sent(1), Usage(meters.AUTOMATION_RUNS, 1, NOON)) == 2
    assert record(rival, sent(1)) == 1


def test_nothing_is_nothing(acme: Workspace) -> None:
    assert record(acme) == 0


def test_a_batch_that_names_a_thing_twice_counts_it_once(acme: Workspace) -> None:
    assert record(acme, sent(1), sent(1)) == 1


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Africa/Lagos", datetime(2026, 11, 19, 22, 59, 59, tzinfo=UTC), "2026-11-19"),
        ("Africa/Lagos", datetime(2026, 11, 19, 23, 0, tzinfo=UTC), "2026-11-20"),
        ("America/New_York", datetime(2026, 11, 20, 4, 59, tzinfo=UTC), "2026-11-19"),
        ("America/New_York", datetime(2026, 11, 20, 5, 0, tzinfo=UTC), "2026-11-20"),
        ("Europe/London", datetime(2026, 7, 19, 23, 0, tzinfo=UTC), "2026-07-20"),  # summer time
        ("Europe/London", datetime(2026, 11, 19, 23, 0, tzinfo=UTC), "2026-11-19"),
        ("Pacific/Kiritimati", datetime(2026, 12, 31, 10, 0, tzinfo=UTC), "2027-01-01"),
        ("Asia/Kathmandu", datetime(2026, 11, 19, 18, 15, tzinfo=UTC), "2026-11-20"),
    ],
)
def test_the_day_is_the_workspaces_own(
    acme: Workspace, zone: str, moment: datetime, day: str
) -> None:
    acme.time_zone = zone

    record(acme, sent(1, moment))

    assert by_day(acme) == {day: 1}


def test_the_day_stays_when_the_workspace_moves(acme: Workspace) -> None:
    record(acme, sent(1, datetime(2026, 11, 19, 23, 30, tzinfo=UTC)))
    acme.time_zone = "America/New_York"
    record(acme, sent(1, datetime(2026, 11, 19, 23, 30, tzinfo=UTC)))

    assert by_day(acme) == {"2026-11-20": 1}


def test_what_failed_after_all_is_taken_back_once_with_a_row_of_its_own(acme: Workspace) -> None:
    record(acme, sent(1, quantity=3, connection_id=7, category="service"))

    taken = [take_back(acme, 1), take_back(acme, 1)]

    assert taken == [True, False]
    with scope.workspace(acme):
        original, correction = UsageEvent.objects.order_by("id")
    assert (correction.quantity, correction.reverses_id) == (-3, original.pk)
    assert (correction.connection_id, correction.category) == (7, "service")
    assert by_day(acme) == {"2026-11-20": 0}


def test_what_was_never_counted_cannot_be_taken_back(acme: Workspace) -> None:
    assert take_back(acme, 99) is False


def test_a_correction_of_another_day_is_booked_on_its_own_day(acme: Workspace) -> None:
    record(acme, sent(1))

    take_back(acme, 1, now=NOON + timedelta(days=2))

    assert by_day(acme) == {"2026-11-20": 1, "2026-11-22": -1}


def test_what_is_taken_back_gives_the_place_of_its_own_day_back(acme: Workspace) -> None:
    with scope.workspace(acme):
        for moment in (NOON, NOON + timedelta(days=1)):
            metering.reserve(workspace=acme, meter=meters.MESSAGES_SENT, per_day=5, now=moment)
    record(acme, sent(1))

    take_back(acme, 1, now=NOON + timedelta(days=1))
    take_back(acme, 1, now=NOON + timedelta(days=1))

    assert (used(acme), used(acme, NOON + timedelta(days=1))) == (0, 1)


def test_a_failed_transaction_counts_nothing(acme: Workspace) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        record(acme, sent(1))
        raise RuntimeError

    assert by_day(acme) == {}


# --- Places of the day -------------------------------------------------------------------------


@pytest.mark.parametrize(("per_day", "granted"), [(0, 0), (1, 1), (50, 50), (None, 60)])
def test_exactly_the_days_places_are_given(
    acme: Workspace, per_day: int | None, granted: int
) -> None:
    with scope.workspace(acme):
        taken = sum(
            metering.reserve(workspace=acme, meter=meters.MESSAGES_SENT, per_day=per_day, now=NOON)
            for _ in range(60)
        )

    assert (taken, used(acme)) == (granted, granted)


def test_a_place_that_is_given_back_can_be_taken_again_and_never_more(acme: Workspace) -> None:
    with scope.workspace(acme):
        metering.reserve(workspace=acme, meter=meters.MESSAGES_SENT, per_day=1, now=NOON)
        for _ in range(3):
            metering.release(workspace=acme, meter=meters.MESSAGES_SENT, day_of=NOON)
        taken = [
            metering.reserve(workspace=acme, meter=meters.MESSAGES_SENT, per_day=1, now=NOON)
            for _ in range(2)
        ]

    assert taken == [True, False]


def test_places_are_the_workspaces_own(acme: Workspace, rival: Workspace) -> None:
    for space in (acme, rival):
        with scope.workspace(space):
            assert metering.reserve(
                workspace=space, meter=meters.MESSAGES_SENT, per_day=1, now=NOON
            )
    with scope.workspace(acme):
        assert DailyCounter.objects.count() == 1


# --- Numbers in use ----------------------------------------------------------------------------


def use(space: Workspace, number: int, moment: datetime) -> None:
    usage = metering.active_number(workspace=space, connection_id=number, now=moment)
    metering.record(workspace=space, usages=[usage], now=moment)


def test_a_number_is_in_use_once_a_month_in_the_workspaces_zone(acme: Workspace) -> None:
    with scope.workspace(acme):
        for moment in (
            datetime(2026, 10, 31, 22, 0, tzinfo=UTC),  # October in Lagos
            datetime(2026, 10, 31, 23, 0, tzinfo=UTC),  # November in Lagos
            NOON,
            datetime(2026, 11, 30, 23, 0, tzinfo=UTC),  # December in Lagos
        ):
            use(acme, 7, moment)
        use(acme, 8, NOON)
        events = UsageEvent.objects.filter(meter=meters.ACTIVE_NUMBERS).order_by("id")
        days = [event.day.isoformat() for event in events]

    assert days == ["2026-10-31", "2026-11-01", "2026-12-01", "2026-11-20"]


# --- Reading -----------------------------------------------------------------------------------


def test_a_report_has_a_row_per_day_and_sums_that_agree(acme: Workspace) -> None:
    record(acme, sent(1), sent(2, NOON + timedelta(days=1)), sent(3, NOON + timedelta(days=1)))
    record(acme, Usage(meters.AI_TOKENS, 1, NOON, 1020))

    with scope.workspace(acme):
        rows = reports.by_day(workspace=acme, first=date(2026, 11, 20), last=date(2026, 11, 21))

    assert [(r["day"], r[meters.MESSAGES_SENT], r[meters.AI_TOKENS]) for r in rows] == [
        ("2026-11-20", 1, 1020), ("2026-11-21", 2, 0),
    ]  # fmt: skip
    assert reports.totals(rows)[meters.MESSAGES_SENT] == 3
    assert reports.totals([]) == dict.fromkeys(meters.ALL, 0)


@pytest.mark.parametrize(
    ("month", "first", "last"),
    [
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2028-02", "2028-02-01", "2028-02-29"),
    ],
)
def test_a_month_has_its_first_and_last_day(month: str, first: str, last: str) -> None:
    bounds = reports.month_bounds(month)

    assert [day.isoformat() for day in bounds] == [first, last]


@pytest.mark.parametrize(
    "month",
    ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "0000-01", "9999-12",
     "abcd-ef", "-026-11", "2026–11", "2026-11\n", "2026 11", "²026-11"],
)  # fmt: skip
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any words
        reports.month_bounds(month)
