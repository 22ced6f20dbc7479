"""Usage on a page and in files."""

import io

import pytest
from django.test import Client
from openpyxl import load_workbook

from billing import metering, meters
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
