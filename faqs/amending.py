"""A preview put right before it is added: rows fixed, left out, blanks filled in."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from faqs import checking, comparing, entries, importing
from faqs.models import Import
from lib import tables

_HEADER = ("row", "reason", "question", "answer", "category", "keywords", "alt_questions")


class UnableToAmend(Exception):
    """There is no such row, or the file is added already; the message says which."""


def amend(*, import_id: int, number: int, question: str, answer: str) -> Import:
    """Give a row of a preview another question and answer; all rows are judged anew.

    Raises UnableToAmend.
    """

    def change(row: dict[str, Any]) -> None:
        row["values"]["question"] = checking.one_line(question)
        row["values"]["answer"] = checking.clean(answer)
        if not checking.is_faq_id(row["values"].get("faq_id", "")):
            row["values"].pop("faq_id", None)
        # What the reader and the rules said was about the text before.
        row.update(problem="", notes=[], is_skipped=False)

    return _with_row(import_id, number, change)


def choose(*, import_id: int, number: int, is_left_out: bool) -> Import:
    """Leave a row out, or take it in after all. Raises UnableToAmend."""
    return _with_row(import_id, number, lambda row: row.update(is_skipped=is_left_out))


def fill(*, import_id: int, values: Mapping[str, str]) -> tuple[Import, int]:
    """Fill in the blanks of all rows; returns the preview and how many rows that changed.

    Raises UnableToAmend.
    """
    given = {
        name: checking.one_line(value)[:300] for name, value in values.items() if value.strip()
    }
    with transaction.atomic():
        file = _preview(import_id)
        changed = 0
        for row in file.rows:
            before = row["values"].get("answer", "")
            row["values"]["answer"] = checking.fill(before, given)
            changed += row["values"]["answer"] != before
        _judge_anew(file)
    return file, changed


def blanks(file: Import) -> list[tuple[str, int]]:
    """Return what is to be filled in, and in how many answers; what is left out does not count."""
    found: dict[str, int] = {}
    for row in file.rows:
        if not row.get("is_skipped"):
            for name in checking.blanks(row["values"].get("answer", "")):
                found[name] = found.get(name, 0) + 1
    return sorted(found.items(), key=lambda one: -one[1])


def problems_csv(file: Import) -> str:
    """Return the rows that cannot be added, or are to be looked at, as a file to put right."""
    rows = [
        [
            str(row["number"]),
            " ".join(filter(None, [row["reason"] if row["state"] == "invalid" else "", *row["notes"]])),
            *(str(row["values"].get(name, "")) for name in _HEADER[2:6]),
            " | ".join(row["values"].get("alt_questions", [])),
        ]
        for row in file.rows
        if row["state"] == "invalid" or row["notes"]
    ]  # fmt: skip
    return tables.to_csv(list(_HEADER), rows)


def _with_row(import_id: int, number: int, change: Callable[[dict[str, Any]], None]) -> Import:
    with transaction.atomic():
        file = _preview(import_id)
        row = next((one for one in file.rows if one["number"] == number), None)
        if row is None:
            raise UnableToAmend("This file has no such row.")
        change(row)
        _judge_anew(file)
    return file


def _preview(import_id: int) -> Import:
    found = Import.objects.select_for_update().filter(pk=import_id)
    file = found.filter(state=Import.State.PREVIEW).first()
    if file is None:
        raise UnableToAmend(importing.why_not(import_id))
    return file


def _judge_anew(file: Import) -> None:
    """Judge all rows but those left out: one that is fixed may free, or stand against, another."""
    left_out = frozenset(importing.skipped(file.rows))
    verdicts = {
        verdict.number: verdict.as_json()
        for verdict in comparing.judge(
            comparing.again(file.rows, skip=left_out),
            entries.contents(),
            refuses_blanks=file.is_starter,
        )
    }
    file.rows = [row if row["number"] in left_out else verdicts[row["number"]] for row in file.rows]
    file.save(update_fields=["rows"])
