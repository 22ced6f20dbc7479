"""CSV as owners' programs write it, with any of three separators."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

from faqs.readers import base

_SEPARATORS = (",", ";", "\t")


def names_columns(text: str) -> bool:
    """Say whether the first row is a heading that names columns which an import knows."""
    separator, skip = _separator_of(text)
    try:
        header = next((cells for _, cells in _records(text, separator, skip) if any(cells)), [])
    except csv.Error:
        return False
    named = {base.column_of(cell) for cell in header[: base.MAX_COLUMNS]} - {""}
    return len(header) > 1 and len(named) > 1 or named.issuperset(base.REQUIRED)


def is_grid(text: str) -> bool:
    """Say whether the first rows have as many cells as each other, and more than one."""
    separator, skip = _separator_of(text)
    try:
        first = [len(cells) for _, cells in islice(_records(text, separator, skip), 3)]
    except csv.Error:
        return False
    return len(first) > 1 and first[0] > 1 and len(set(first)) == 1


def read(text: str, *, notes: list[str]) -> base.Table:
    """Return the rows of a CSV text. Raises UnableToReadFile."""
    separator, skip = _separator_of(text)
    records = _records(text, separator, skip)
    try:
        header = next((cells for _, cells in records if any(map(str.strip, cells))), [])
        return base.to_table(header, records, notes=notes, extra_cells_are_wrong=True)
    except csv.Error as error:
        raise base.UnableToReadFile(
            f"The file cannot be read as CSV: one cell has more than {csv.field_size_limit():,} "
            'characters. Most often a closing quotation mark (") is missing. Correct it, or '
            "save the sheet as .xlsx and upload that."
            if "field limit" in str(error)
            else "The file cannot be read as CSV. Save it again from your spreadsheet program, "
            "best as .xlsx, and upload that file."
        ) from error


def _separator_of(text: str) -> tuple[str, int]:
    """Return the separator, and how many rows to skip (Excel's own `sep=;` line)."""
    first = text[:16].splitlines()[:1]
    if first and first[0].lower().startswith("sep=") and len(first[0]) == 5:
        return first[0][4], 1

    def known_columns(separator: str) -> tuple[int, int]:
        try:
            header = next((row for row in _rows(text, separator) if any(map(str.strip, row))), [])
        except csv.Error:
            return (0, 0)
        named = [base.column_of(cell) for cell in header[: base.MAX_COLUMNS]]
        return (sum(map(bool, named)), len(header))

    return max(_SEPARATORS, key=known_columns), 0


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    # Old Macs end lines by a lone carriage return, which `newline=""` reads as well.
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)


def _records(text: str, separator: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(_rows(text, separator), start=1 - skip):
        if number > 0:
            yield number, cells
