"""An XLSX file's cells, as they were saved: nothing is ever calculated. Runs in the child."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import openpyxl

from faqs.readers import base

_MAX_COUNTED = 100_000
# A spreadsheet cell holds 32,767 characters; a longer one was not made by a spreadsheet.
_MAX_CELL = 32_767


def shown(value: object) -> str:
    """Return a cell's value as its owner would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return value.date().isoformat() if whole_day else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, date | timedelta):
        return str(value)
    return str(getattr(value, "text", None) or value)[: _MAX_CELL + 1]


def extract(data: bytes, option: str) -> dict[str, Any]:
    """Return heading and rows of the sheet that holds the questions, or of the first one."""
    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not sheets:
        return {"error": "damaged"}
    chosen = next((sheet for sheet in sheets if _has_questions(sheet)), sheets[0])
    notes = []
    if len(sheets) > 1:
        notes.append(f"Only the sheet “{chosen.title}” was read; a file gives one sheet.")
    twin = None
    if option == "formulas":
        texts = openpyxl.load_workbook(BytesIO(data), read_only=True, keep_links=False)
        twin = texts[chosen.title]
    result = _collect(chosen, twin)
    return {**result, "notes": [*notes, *result["notes"]]}


def _cells(sheet: Any) -> Iterator[Sequence[object]]:
    sheet.reset_dimensions()  # the file's own word on its size may be a lie
    rows: Iterator[Sequence[object]] = sheet.iter_rows(max_col=base.MAX_COLUMNS, values_only=True)
    return rows


def _has_questions(sheet: Any) -> bool:
    first = next((row for row in _cells(sheet) if any(cell is not None for cell in row)), ())
    named = {base.column_of(shown(cell)) for cell in first}
    return named.issuperset(base.REQUIRED)


def _collect(sheet: Any, twin: Any) -> dict[str, Any]:
    header: list[str] | None = None
    rows: list[tuple[int, list[str]]] = []
    count = characters = formula_count = 0
    texts = _cells(twin) if twin is not None else None
    for number, values in enumerate(_cells(sheet), start=1):
        written = next(texts, ()) if texts is not None else ()
        cells = [shown(value) for value in values]
        for place, text in enumerate(written):
            # A formula that was never calculated has no value: its text is shown instead.
            if isinstance(shown_text := _formula(text), str) and place < len(cells):
                formula_count += 1
                cells[place] = cells[place] or shown_text
        while cells and not cells[-1]:
            cells.pop()
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = cells
            continue
        count += 1
        characters += sum(map(len, cells))
        if characters > base.MAX_CHARACTERS:
            return {"error": "too much"}
        if count <= base.MAX_ROWS:
            rows.append((number, cells))
        elif count > _MAX_COUNTED:
            break
    notes = []
    if formula_count:
        notes.append(
            f"Cells that hold formulas: {formula_count:,}. The value saved with the file was "
            "taken, or the formula's text where there was none."
        )
    return {
        "header": header or [],
        "rows": rows,
        "count": min(count, _MAX_COUNTED),
        "cut": count > _MAX_COUNTED,
        "notes": notes,
    }


def _formula(value: object) -> str | None:
    text = value if isinstance(value, str) else getattr(value, "text", None)
    return text if isinstance(text, str) and text.startswith("=") else None
