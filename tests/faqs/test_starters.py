"""The examples for each kind of business are whole, well asked, and never sent as they are."""

import re
from datetime import datetime

import pytest

from faqs import checking, comparing, entries, starters
from faqs.models import Entry
from workspaces import scope, trades
from workspaces.models import Workspace

CODES = [code for code, _ in trades.KINDS]


def test_there_are_twelve_kinds_and_each_fits_its_column() -> None:
    assert len(CODES) == len(set(CODES)) == 12
    assert all(len(code) <= Workspace._meta.get_field("kind").max_length for code in CODES)
    assert trades.label("fashion") and trades.label("astrology") == ""


@pytest.mark.parametrize("kind", CODES)
def test_a_kind_has_about_a_dozen_questions_with_other_ways_to_ask(kind: str) -> None:
    rows = starters.entries_for(kind, business_name="Ada’s")

    assert 10 <= len(rows) <= 12
    said = [row.values["question"] for row in rows]
    for row in rows:
        ways = checking.split_phrasings(row.values["alt_questions"])
        assert 2 <= len(ways) <= 5, row
        said += ways
    assert len(said) == len(set(map(checking.key, said)))


@pytest.mark.parametrize("kind", CODES)
def test_filled_in_every_row_can_be_added_and_before_that_none_with_a_blank(kind: str) -> None:
    wanted = [
        comparing.understand(row) for row in starters.entries_for(kind, business_name="A [b]")
    ]
    before = comparing.judge(wanted, {}, refuses_blanks=True)
    for row in wanted:
        names = checking.blanks(row.values["answer"])
        row.values["answer"] = checking.fill(row.values["answer"], dict.fromkeys(names, "so"))
    after = comparing.judge(wanted, {}, refuses_blanks=True)

    for verdict in before:
        has_blank = bool(re.search(r"\[.+?\]", verdict.values["answer"]))
        assert (verdict.state == "invalid") == has_blank
    assert {verdict.state for verdict in after} == {"new"}


def test_an_unknown_kind_has_none() -> None:
    assert starters.entries_for("../models", business_name="A") == []


@pytest.mark.django_db
def test_what_is_there_already_is_left_as_it_is(acme: Workspace, now: datetime) -> None:
    with scope.workspace(acme):
        entries.create(question="How many yards do I need?", answer="Five.", now=now)

        file = starters.preview(kind="fashion", business_name="A", user_id=None, now=now)

        [row] = [r for r in file.rows if r["values"]["question"] == "How many yards do I need?"]
        assert row["state"] == "changed" and row["is_skipped"]
        assert Entry.objects.get().answer == "Five."
