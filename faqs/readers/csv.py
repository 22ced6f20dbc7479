"""CSV as owners' programs write it: any of three separators, any of the usual encodings."""

import codecs
import csv
import io
from collections.abc import Iterator

from faqs.readers import base

_SEPARATORS = (",", ";", "\t")
_CONTROLS = frozenset(map(chr, [*range(1, 9), *range(14, 32), 127]))


def read(data: bytes) -> base.Table:
    """Return the rows of CSV bytes. Raises UnableToReadFile."""
    text, notes = _decoded(data)
    if "\x00" in text:
        text = text.replace("\x00", "")
        notes.append("The file held NUL characters; they were taken out.")
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


def _decoded(data: bytes) -> tuple[str, list[str]]:
    wide = _wide_encoding(data)
    if wide:
        try:
            return _plausible(data.decode(wide)), []
        except UnicodeDecodeError as error:
            raise base.not_a_table() from error
    try:
        return _plausible(data.decode("utf-8-sig")), []
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise base.not_a_table() from error
    return _plausible(text), [
        "The file is not saved as UTF-8, so it was read as Windows text: check letters with "
        "accents, the ₦ sign and emoji. To be safe, save it as “CSV UTF-8” or .xlsx."
    ]


def _wide_encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = data[: min(len(data), 4096) // 2 * 2]
    even, odd, half = sample[::2].count(0), sample[1::2].count(0), len(sample) / 2
    if half and odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if half and even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return ""


def _plausible(text: str) -> str:
    sample = text[:65_536]
    odd = sum(sample.count(control) for control in _CONTROLS)
    if odd > max(2, len(sample) // 100) or sample.count("\x00") > max(20, len(sample) // 20):
        raise base.not_a_table()
    return text.removeprefix("\ufeff")


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
