"""Tables out of the house: CSV and XLSX in which no cell can act as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

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
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    page = book.add_worksheet(sheet)
    for column, title in enumerate(header):
        page.write_string(0, column, title)
    for line, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, int):
                page.write_number(line, column, cell)
            else:
                page.write_string(line, column, str(harmless(cell or "")))
    book.close()
    return out.getvalue()
