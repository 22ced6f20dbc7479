"""What every reader returns, and the columns that an owner's file may have."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MAX_COLUMNS = 50
MAX_CHARACTERS = 10_000_000
MAX_LINES = 200_000

REQUIRED = ("question", "answer")
COLUMNS = ("faq_id", "question", "answer", "category", "keywords", "active", "alt_questions")
_OTHER_NAMES = {"extra_phrasings": "alt_questions"}
_SPACES = re.compile(r"[\s_\-\u200b\ufeff]+")


class UnableToReadFile(Exception):
    """The file cannot be read; the message says what happened and what to do, to its owner."""


class TooManyRows(UnableToReadFile):
    """The file has more rows than one import takes."""

    def __init__(self, count: int, *, or_more: bool = False) -> None:
        self.count, self.or_more = count, or_more
        super().__init__(
            f"The file has {self.shown} rows; {MAX_ROWS:,} is the most for one import. Split it "
            "into smaller files and upload them one after the other."
        )

    @property
    def shown(self) -> str:
        """Return how many rows there are, in words."""
        return f"more than {self.count:,}" if self.or_more else f"{self.count:,}"


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file; only columns that the file has are in `values`."""

    number: int  # as a spreadsheet shows it: the heading is row 1
    values: dict[str, str]
    notes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """The rows of a file, the known columns it has, and what its owner should know."""

    rows: list[Row]
    columns: list[str]
    notes: list[str] = field(default_factory=list)


def not_readable(detail: str = "") -> UnableToReadFile:
    """Return the error for bytes that are no list of questions at all."""
    middle = f" {detail}" if detail else ""
    return UnableToReadFile(
        f"This file cannot be read.{middle} Save your questions as .xlsx, .csv, .docx, .pdf or "
        ".txt and upload that file."
    )


def too_long() -> UnableToReadFile:
    """Return the error for more text than a list of questions can need."""
    return UnableToReadFile(
        f"The text has more than {MAX_LINES:,} lines, or {MAX_CHARACTERS:,} characters. Copy only the questions and answers "
        "into a new file, and upload that."
    )


def of_pairs(found: Mapping[str, Any], *, notes: Iterable[str] = ()) -> Table:
    """Return what was found in a document (pairs.Found.as_json) as rows, numbered in its order.

    Raises UnableToReadFile when that is nothing, or too much.
    """
    if found["count"] > MAX_ROWS:
        raise TooManyRows(found["count"])
    if not found["count"]:
        raise UnableToReadFile(
            "No question with an answer was found. Write each question on a line of its own that "
            "ends in “?” (or begins with “Q:”), and its answer below it (or behind “A:”)."
        )
    rows = []
    for number, (question, answer, category) in enumerate(found["pairs"], start=1):
        values = {"question": question, "answer": answer}
        # An entry keeps its category where the document says nothing of one.
        rows.append(Row(number, values | ({"category": category} if category else {})))
    has_categories = any("category" in row.values for row in rows)
    columns = [*REQUIRED, *(["category"] if has_categories else [])]
    return Table(rows=rows, columns=columns, notes=[*notes, *found["notes"]])


def column_of(heading: str) -> str:
    """Return the column that `heading` names, whatever its case and spaces, or an empty string."""
    name = _SPACES.sub("_", heading.strip().casefold()).strip("_")
    name = _OTHER_NAMES.get(name, name)
    return name if name in COLUMNS else ""


def to_table(
    header: Sequence[str],
    records: Iterable[tuple[int, Sequence[str]]],
    *,
    notes: Iterable[str] = (),
    extra_cells_are_wrong: bool = False,
) -> Table:
    """Give the cells of `records` their columns' names; blank rows are left out.

    Raises UnableToReadFile when question or answer is missing, or there are too many rows.
    """
    strict = extra_cells_are_wrong and len(header) <= MAX_COLUMNS
    header = header[:MAX_COLUMNS]
    columns = [column_of(heading) for heading in header]
    _require(header, columns)
    rows: list[Row] = []
    count = 0
    for number, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count <= MAX_ROWS:
            rows.append(_row(number, cells, columns, strict))
    if count > MAX_ROWS:
        raise TooManyRows(count)
    if not rows:
        raise UnableToReadFile(
            "The file has a heading but no rows. Write one question and its answer in each row."
        )
    known = [name for name in COLUMNS if name in columns]
    return Table(rows=rows, columns=known, notes=[*notes, *_heading_notes(header, columns)])


def _require(header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise UnableToReadFile(
            f"The file has no column named {' and none named '.join(missing)}. "
            f"Its first row says: {_shown(header) or 'nothing'}. It needs the columns question "
            "and answer; category, keywords, active and alt_questions may be there too."
        )


def _row(number: int, cells: Sequence[str], columns: Sequence[str], strict: bool) -> Row:
    values = dict.fromkeys((name for name in columns if name), "")
    for name, cell in zip(columns, cells, strict=False):
        if not name or not cell:
            continue
        if name == "alt_questions" and values[name]:
            values[name] = f"{values[name]} | {cell}"
        elif not values[name]:
            values[name] = cell
    problem = ""
    if strict and any(cell.strip() for cell in cells[len(columns) :]):
        problem = (
            f"This row has {len(cells)} cells but the heading has {len(columns)}: text with a "
            "comma, semicolon or tab in it needs quotation marks around it."
        )
    return Row(number=number, values=values, problem=problem)


def _heading_notes(header: Sequence[str], columns: Sequence[str]) -> list[str]:
    notes = []
    unknown = [
        heading
        for heading, name in zip(header, columns, strict=True)
        if not name and heading.strip()
    ]
    if unknown:
        notes.append(f"Not used, because they are not known: {_shown(unknown)}.")
    for name in COLUMNS:
        if columns.count(name) > 1 and name != "alt_questions":
            notes.append(f"The column {name} is there more than once: the first one counts.")
    return notes


def _shown(headings: Sequence[str]) -> str:
    named = [" ".join(heading.split())[:40] for heading in headings if heading.strip()]
    more = f" and {len(named) - 10} more" if len(named) > 10 else ""
    return ", ".join(named[:10]) + more
