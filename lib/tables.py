"""Tables out of the house: CSV and XLSX in which no cell can act as a formula."""

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter

Cell = str | int | None
# What spreadsheet programs read as the beginning of a formula, full-width forms included.
_RISKY = tuple("=+-@\t\r\n|%＝＋－＠")


def harmless(value: Cell) -> Cell:
    """Return text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str):
        cleaned = value.replace("\x00", "")
        return "'" + cleaned if cleaned.startswith(_RISKY) else cleaned
    return value


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return the table as CSV (UTF-8, LF, text quoted, numbers bare)."""
    return to_csv_lines([header]) + to_csv_lines(rows)


def to_csv_lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Return lines of such a table, for who writes a long one piece by piece."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for row in rows:
        writer.writerow([harmless("" if cell is None else cell) for cell in row])
    return out.getvalue()


def to_xlsx(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], *, sheet: str = "Sheet1"
) -> bytes:
    """Return the table as an XLSX file; text cells are typed as strings, never as formulas."""
    return to_book([(sheet, header, rows)])


def to_book(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]) -> bytes:
    """Return several tables (sheet, header, rows) as one XLSX file, as `to_xlsx` does."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **_NO_FORMULAS})
    for sheet, header, rows in sheets:
        page = book.add_worksheet(sheet)
        for column, title in enumerate(header):
            page.write_string(0, column, title)
        for line, row in enumerate(rows, start=1):
            _write(page, line, row)
    book.close()
    return out.getvalue()


def to_xlsx_file(
    path: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, sheet: str
) -> None:
    """Write a table of any length to `path`, a row in memory at a time; further sheets when full."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True, **_NO_FORMULAS})
    page, line, count = None, 0, 0
    for row in itertools.chain([header], rows):
        if page is None or line >= SHEET_ROWS:
            count += 1
            page, line = book.add_worksheet(sheet if count == 1 else f"{sheet} {count}"), 0
            if count > 1:
                _write(page, 0, header)
                line = 1
        _write(page, line, row)
        line += 1
    book.close()


_NO_FORMULAS = {"strings_to_formulas": False, "strings_to_urls": False}
SHEET_ROWS, _CELL = 1_048_576, 32_767  # what a sheet and a cell of a workbook hold


def _write(page: Any, line: int, row: Sequence[Cell]) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, int):
            page.write_number(line, column, cell)
        else:
            page.write_string(line, column, str(harmless(cell or ""))[:_CELL])
