"""Usage on a page and in files."""

import csv
import io
import re
from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client
from openpyxl import load_workbook

from billing import metering, meters
from billing.models import PlanAllowance, UsageEvent
from lib import clock
from tests.pages.conftest import Shop
from workspaces import scope

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/usage/"


@pytest.fixture
def used(shop: Shop) -> Shop:
    now = clock.now()
    with scope.workspace(shop.space):
        metering.record(
            workspace=shop.space,
            usages=[
                metering.Usage(meters.MESSAGES_SENT, 1, now, quantity=1_234),
                metering.Usage(meters.MESSAGES_RECEIVED, 2, now, quantity=55),
            ],
            now=now,
        )
    return shop


def test_a_month_is_shown_by_day_with_its_sums(
    used: Shop, viewer: Client, stranger: Client
) -> None:
    page = viewer.get(PAGE).text

    assert (
        "<b>1,234</b>" in page
        and "<b>55</b>" in page
        and "chart" in page
        and "Africa/Lagos" in page
    )
    assert stranger.get(PAGE).status_code == 404


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Sixteen days of two numbers, one of them removed, with a message taken back."""
    now = clock.now()
    with scope.workspace(shop.space):
        for ago in range(16):
            at = now - timedelta(days=ago)
            usages = [
                metering.Usage(meters.MESSAGES_SENT, 100 + ago, at, 3 + ago, shop.number.pk),
                metering.Usage(meters.MESSAGES_RECEIVED, 100 + ago, at, 7, shop.number.pk),
                metering.Usage(meters.MESSAGES_SENT, 500 + ago, at, 2, shop.number.pk + 999),
                metering.Usage(meters.AI_TOKENS, 100 + ago, at, 40),
            ]
            metering.record(workspace=shop.space, usages=usages, now=now)
        metering.take_back(workspace=shop.space, meter=meters.MESSAGES_SENT, subject=100, now=now)
    return shop


def test_page_and_files_hold_what_the_ledger_holds(busy: Shop, viewer: Client) -> None:
    month = f"{clock.local_day(clock.now(), 'Africa/Lagos'):%Y-%m}"
    with scope.workspace(busy.space):
        counted = list(
            UsageEvent.objects.filter(day__startswith=month).values_list("meter_id", "quantity")
        )
    ledger: Counter[str] = Counter()
    for meter, quantity in counted:
        ledger[meter] += quantity
    expected = [ledger[meter] for meter in meters.ALL]

    page = viewer.get(PAGE).text
    book = load_workbook(io.BytesIO(viewer.get(PAGE + "export.xlsx").content))
    files = [
        list(csv.DictReader(io.StringIO(viewer.get(f"{PAGE}export.csv?by={by}").text)))
        for by in ("", "number", "detail")
    ]

    shown = [int(n.replace(",", "")) for n in re.findall(r"<b>([\d,]+)</b><span>", page)[:5]]
    assert shown == expected
    for rows in files:
        assert [sum(int(row[meter]) for row in rows) for meter in meters.ALL] == expected
    assert [sheet.title for sheet in book.worksheets] == ["Usage", "By number", "By day and number"]
    for sheet in book.worksheets:
        lines = list(sheet.iter_rows(values_only=True, min_row=2))
        assert [sum(int(str(line[-5 + n])) for line in lines) for n in range(5)] == expected


def test_each_number_has_its_line_and_a_foreign_one_no_name(busy: Shop, viewer: Client) -> None:
    page = viewer.get(PAGE).text

    assert "By number" in page and "803 123 4567" in page
    assert f"Number {busy.number.pk + 999}" in page and "No number of its own" in page


def test_a_forecast_is_a_range_with_how_it_was_made(busy: Shop, viewer: Client) -> None:
    page = viewer.get(PAGE).text

    assert "By the end of" in page and "weekday by weekday" in page
    assert "By the end of" not in viewer.get(PAGE + "?month=2026-01").text


def test_there_is_no_forecast_before_a_week(used: Shop, viewer: Client) -> None:
    assert "By the end of" not in viewer.get(PAGE).text


def test_what_is_left_of_the_days_limit_is_said(used: Shop, viewer: Client) -> None:
    unlimited = viewer.get(PAGE).text
    with scope.system():
        PlanAllowance.objects.create(plan_id="pro", meter_id="messages_sent", per_day=3)
    with scope.workspace(used.space):
        for _ in range(2):
            metering.reserve(
                workspace=used.space, meter=meters.MESSAGES_SENT, per_day=3, now=clock.now()
            )

    assert "no daily limit" in unlimited
    assert "<b>1</b> of 3 messages left" in viewer.get(PAGE).text


def test_a_business_without_messages_sees_how_it_will_look(shop: Shop, viewer: Client) -> None:
    page = viewer.get(PAGE).text

    assert "This is how it will look" in page and 'class="faint"' in page
    assert "The chart is made up" in page


def test_the_page_costs_few_queries(
    busy: Shop, viewer: Client, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(24):  # type: ignore[operator]
        viewer.get(PAGE)


def test_months_before_are_one_click_away(used: Shop, viewer: Client) -> None:
    page = viewer.get(PAGE + "?month=2026-01").text

    assert "January 2026" in page and "?month=2025-12" in page and "?month=2026-02" in page
    assert "Nothing was counted in this month" in page


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "0000-01", "26-1", "x", "2026-1<b>", "9999-12"]
)
def test_a_month_that_is_none_is_explained(used: Shop, viewer: Client, month: str) -> None:
    for path in (PAGE, PAGE + "export.csv", PAGE + "export.xlsx"):
        answer = viewer.get(path, {"month": month})
        assert answer.status_code == 400, path
        assert "is no month" in answer.text and "<b>”" not in answer.text


def test_files_hold_the_same_figures(used: Shop, viewer: Client) -> None:
    lines = viewer.get(PAGE + "export.csv").text.splitlines()
    book = load_workbook(io.BytesIO(viewer.get(PAGE + "export.xlsx").content))

    assert lines[0].startswith('"day","messages_sent"') and ",1234,55," in lines[1]
    assert [cell.value for cell in book.worksheets[0][2]][1:3] == [1234, 55]
