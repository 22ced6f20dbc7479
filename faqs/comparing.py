"""A file's rows beside the entries that are there: new, same, changed or invalid. No database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from faqs import checking
from faqs.readers import Row
from lib import tables

State = Literal["new", "same", "changed", "invalid"]
_TEXTS = ("question", "answer", "category", "keywords")
# A value that is never applied is kept for the page only.
_MAX_SHOWN = 6_000


@dataclass(frozen=True)
class Wanted:
    """What one row asks for: only the columns that the file has are in `values`."""

    number: int
    values: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class Verdict:
    """One row of a preview: what would happen to it, and why."""

    number: int
    state: State
    reason: str
    faq_id: str  # of the entry that the row makes or changes; empty when invalid
    values: dict[str, Any]
    notes: list[str]
    is_skipped: bool = False
    problem: str = ""  # what the reader could not read; the rest of the reasons is judged anew

    def as_json(self) -> dict[str, Any]:
        """Return the row as Import.rows keeps it."""
        return dict(vars(self))


def understand(row: Row) -> Wanted:
    """Return what a row of a file asks for, cleaned, with `problem` set when it cannot be read."""
    values: dict[str, Any] = {}
    notes = list(row.notes)
    problem = row.problem
    raw = {name: _as_typed(text) for name, text in row.values.items()}
    for name in _TEXTS:
        if name in raw:
            values[name] = (
                checking.clean(raw[name]) if name == "answer" else checking.one_line(raw[name])
            )
    if "faq_id" in raw:
        values["faq_id"] = raw["faq_id"].strip()
        if values["faq_id"] and not checking.is_faq_id(values["faq_id"]):
            problem = problem or (
                f"“{values['faq_id'][:70]}” cannot be a faq_id: at most {checking.MAX_FAQ_ID} "
                "letters a-z, digits, - and _."
            )
    if "active" in raw:
        truth = checking.truth(raw["active"])
        values["active"] = truth is not False
        if truth is None:
            problem = problem or f"Active says “{raw['active'][:20]}”: write true or false."
    if "alt_questions" in raw:
        values["alt_questions"] = checking.split_phrasings(raw["alt_questions"])
    if any(checking.has_invisible(text) for text in raw.values()):
        notes.append("Characters that nobody can see were taken out.")
    return Wanted(row.number, values, notes, problem)


def again(rows: Iterable[Mapping[str, Any]], *, skip: Iterable[int] = ()) -> list[Wanted]:
    """Return the rows of a stored preview as they were asked for, without those in `skip`."""
    left_out = frozenset(skip)
    return [
        Wanted(
            row["number"],
            row["values"],
            row["notes"],
            row.get("problem", row["reason"] if row["state"] == "invalid" else ""),
        )
        for row in rows
        if row["number"] not in left_out
    ]


def judge(
    wanted: Sequence[Wanted],
    existing: Mapping[str, checking.Draft],
    *,
    refuses_blanks: bool = False,
) -> list[Verdict]:
    """Say of each row what it would do to the `existing` entries (by faq_id).

    With `refuses_blanks` an answer with a [blank] left in it cannot be added.
    """
    judge_of = _Judge(wanted, existing, refuses_blanks=refuses_blanks)
    return [judge_of.verdict(row) for row in wanted]


def content_of(row: Wanted, before: checking.Draft | None) -> checking.Draft:
    """Return the entry as the row wants it; columns that the file lacks stay as they were."""
    start = before or checking.Draft(question="", answer="")
    return checking.draft(
        question=row.values.get("question", start.question),
        answer=row.values.get("answer", start.answer),
        category=row.values.get("category", start.category),
        keywords=row.values.get("keywords", start.keywords),
        is_active=row.values.get("active", start.is_active),
        phrasings=row.values.get("alt_questions", start.phrasings),
    )


class _Judge:
    """Remembers the rows before, because a later row may not repeat an earlier one."""

    def __init__(
        self,
        wanted: Sequence[Wanted],
        existing: Mapping[str, checking.Draft],
        *,
        refuses_blanks: bool,
    ) -> None:
        self.existing = existing
        self.refuses_blanks = refuses_blanks
        self.named = {checking.key(draft.question): name for name, draft in existing.items()}
        given = {row.values.get("faq_id", "") for row in wanted}
        self.taken = {*existing, *given}
        self.rows_by_question: dict[str, int] = {}
        self.rows_by_name: dict[str, int] = {}

    def verdict(self, row: Wanted) -> Verdict:
        given = row.values.get("faq_id", "")
        question = checking.key(row.values.get("question", ""))
        name = given if given in self.existing else self.named.get(question, "")
        before = self.existing.get(name)
        content = content_of(row, before)
        reason = row.problem or self._reason_against(question, given, name, content)
        if reason:
            return Verdict(
                row.number, "invalid", reason, "", _cut(row.values), row.notes, problem=row.problem
            )
        notes = [*row.notes, *checking.warnings(content)]
        if given and name not in ("", given):
            notes.append(f"The question is there already as {name}; that entry is used.")
        notes = list(dict.fromkeys(notes))
        self.rows_by_question[question] = row.number
        if before is None:
            name = given or checking.name_for(content.question, taken=self.taken)
            self.taken.add(name)
        self.rows_by_name[name] = row.number
        values = {**row.values, "question": content.question, "answer": content.answer}
        if before is None:
            return Verdict(row.number, "new", "", name, values, notes)
        changes = _changes(before, content)
        reason = f"Changes: {', '.join(changes)}." if changes else ""
        return Verdict(row.number, "changed" if changes else "same", reason, name, values, notes)

    def _reason_against(self, question: str, given: str, name: str, content: checking.Draft) -> str:
        if found := checking.problems(content):
            return found[0].sentence
        if self.refuses_blanks and (left := checking.blanks(content.answer)):
            return f"Fill in {', '.join(f'[{name}]' for name in left[:5])}, or leave it out."
        if question in self.rows_by_question:
            return f"Same question as row {self.rows_by_question[question]}."
        if (name or given) in self.rows_by_name:
            return f"Same entry as row {self.rows_by_name[name or given]} ({name or given})."
        if self.named.get(question, name) != name:
            return f"The same question is already there, as {self.named[question]}."
        return ""


def _changes(before: checking.Draft, after: checking.Draft) -> list[str]:
    changes = [name for name in _TEXTS if getattr(before, name) != getattr(after, name)]
    if before.is_active != after.is_active:
        changes.append("active")
    if set(before.phrasings) != set(after.phrasings):
        changes.append("alt_questions")
    return changes


def _as_typed(text: str) -> str:
    """Take off the ' that our own exports put before text that looks like a formula."""
    return text[1:] if text.startswith("'") and tables.harmless(text[1:]) == text else text


def _cut(values: Mapping[str, Any]) -> dict[str, Any]:
    cut = {name: v[:_MAX_SHOWN] if isinstance(v, str) else v for name, v in values.items()}
    if "alt_questions" in cut:
        # One more than there may be: too many stay too many when they are judged again.
        most = checking.MAX_PHRASINGS + 1
        cut["alt_questions"] = [text[:_MAX_SHOWN] for text in cut["alt_questions"][:most]]
    return cut
