"""Tables out of the house: no cell acts as a formula, numbers stay numbers."""

import csv
import io
from typing import Any

import openpyxl
import pytest

from lib import tables

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "|x",
    "%x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "\x00=1",
    '=HYPERLINK("http://x.example","y")',
]


def sheet(raw: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(raw)).active


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_text_in_both_files(cell: str) -> None:
    from_csv = next(iter(csv.reader(io.StringIO(tables.to_csv(["a"], [[cell]])).readlines()[1:])))[
        0
    ]
    in_xlsx = sheet(tables.to_xlsx(["a"], [[cell]]))["A2"]

    assert from_csv.startswith("'")
    assert in_xlsx.data_type == "s"
    assert str(in_xlsx.value).startswith("'")


def test_numbers_stay_numbers() -> None:
    rows: list[list[tables.Cell]] = [["2026-11-01", 0, -5, 12_000_000_000]]

    lines = tables.to_csv(["day", "a", "b", "c"], rows).splitlines()
    page = sheet(tables.to_xlsx(["day", "a", "b", "c"], rows))

    assert lines[1] == '"2026-11-01",0,-5,12000000000'
    assert [cell.value for cell in page[2]] == ["2026-11-01", 0, -5, 12_000_000_000]


def test_ordinary_texts_pass_unchanged_and_nothing_is_an_empty_cell() -> None:
    rows: list[list[tables.Cell]] = [
        ["Delivery - how much?", 'He said "no", twice', "line\nbreak", "😀 שלום", None]
    ]

    read = list(csv.reader(io.StringIO(tables.to_csv(list("abcde"), rows))))
    page = sheet(tables.to_xlsx(list("abcde"), rows))

    assert read[1] == [*rows[0][:4], ""]
    assert [cell.value or "" for cell in page[2]] == [*rows[0][:4], ""]
