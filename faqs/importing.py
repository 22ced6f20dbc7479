"""A file of entries: shown first, then added as one, and taken back as one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction

from faqs import checking, comparing, entries, golden, history, readers, room, versions
from faqs.models import Entry, Import
from lib import events
from workspaces import scope

UNDO_DAYS = 30
_TEMPLATES = Path(__file__).resolve().parent / "templates_data"


class UnableToImport(Exception):
    """The import cannot be added; the message says why, to the owner."""


class UnableToUndo(Exception):
    """The import cannot be taken back; the message says why, to the owner."""


@dataclass(frozen=True)
class Kept:
    """An entry that undo left as it is, and why."""

    faq_id: str
    question: str
    reason: str


@dataclass(frozen=True)
class Undone:
    """What undo did: how many entries it removed and restored, and which it kept."""

    removed: int
    restored: int
    kept: list[Kept]


def preview(
    *,
    rows: Sequence[readers.Row],
    file_name: str,
    user_id: int | None,
    now: datetime,
    notes: Iterable[str] = (),
    is_starter: bool = False,
) -> Import:
    """Keep what the rows of a file would do, for a person to look at; changes no entry.

    `notes` are the reader's sentences about the file as a whole. Examples (`is_starter`) have
    blanks to fill in first, and leave what is there already as it is. Raises UnableToImport when
    the plan has no room for what the file would add.
    """
    wanted = [comparing.understand(row) for row in rows]
    verdicts = comparing.judge(wanted, entries.contents(), refuses_blanks=is_starter)
    _require_room(sum(verdict.state == "new" for verdict in verdicts), now)
    kept = [verdict.as_json() for verdict in verdicts]
    for row in kept:
        row["is_skipped"] = is_starter and row["state"] == "changed"
    return Import.objects.create(
        file_name=checking.one_line(file_name)[:200],
        is_starter=is_starter,
        rows=kept,
        notes=list(notes),
        created_by_id=user_id,
        created_at=now,
    )


def counts(file: Import) -> dict[str, int]:
    """Return how many rows are new, changed, same and invalid."""
    found = Counter(row["state"] for row in file.rows if not row.get("is_skipped"))
    return {state: found[state] for state in ("new", "changed", "same", "invalid")}


def confirm(
    *, import_id: int, now: datetime, skip: Iterable[int] = (), user_id: int | None = None
) -> Import:
    """Add the new and changed rows of a preview, but for those left out and the numbers in `skip`.

    All or nothing, and once: a second click raises UnableToImport. Rows are compared again
    with the entries as they are now.
    """
    with transaction.atomic():
        versions.bump()
        claimed = Import.objects.filter(pk=import_id, state=Import.State.PREVIEW).update(
            state=Import.State.APPLIED, applied_at=now
        )
        if not claimed:
            raise UnableToImport(why_not(import_id))
        file = Import.objects.get(pk=import_id)
        left_out = frozenset((*skip, *skipped(file.rows)))
        existing = entries.contents()
        wanted = {row.number: row for row in comparing.again(file.rows, skip=left_out)}
        verdicts = comparing.judge(list(wanted.values()), existing, refuses_blanks=file.is_starter)
        if not any(verdict.state in ("new", "changed", "same") for verdict in verdicts):
            raise UnableToImport("There is no row in this file that can be added.")
        added, changed = _split(verdicts, wanted, existing)
        _require_room(len(added), now)
        touched = Entry.objects.filter(faq_id__in=changed).values_list("faq_id", "updated_at")
        file.before = {
            "added": {name: asdict(after) for name, after in added.items()},
            "changed": {
                name: {
                    "before": asdict(existing[name]),
                    "after": asdict(changed[name]),
                    "updated_at": updated_at.isoformat(),
                }
                for name, updated_at in touched
            },
        }
        hand = history.Hand(history.Door.IMPORT, user_id)
        golden.add_all(entries.insert(added, hand=hand, now=now), now=now)
        entries.replace(
            changed,
            before=existing,
            updated_at=dict.fromkeys(changed, now),
            hand=hand,
            now=now,
        )
        file.rows = _final_rows(file.rows, verdicts, left_out)
        file.save(update_fields=["rows", "before"])
    _tell("faqs.import.applied", file.pk, added=len(added), changed=len(changed))
    return file


def undo(*, import_id: int, now: datetime, user_id: int | None = None) -> Undone:
    """Restore the entries to what they were before an import, within 30 days.

    Entries that a person or a later import has changed since are kept and named.
    Raises UnableToUndo.
    """
    with transaction.atomic():
        versions.bump()
        claimed = Import.objects.filter(
            pk=import_id,
            state=Import.State.APPLIED,
            applied_at__gte=now - timedelta(days=UNDO_DAYS),
        ).update(state=Import.State.UNDONE, undone_at=now)
        if not claimed:
            raise UnableToUndo(_why_not_undo(import_id))
        before: dict[str, Any] = Import.objects.get(pk=import_id).before or {}
        present = entries.contents()
        removed = [
            name for name, after in before["added"].items() if present.get(name) == _draft(after)
        ]
        restored = {
            name: _draft(change["before"])
            for name, change in before["changed"].items()
            if present.get(name) == _draft(change["after"])
        }
        hand = history.Hand(history.Door.UNDONE, user_id)
        made = Entry.objects.filter(faq_id__in=removed).values_list("pk", flat=True)
        entries.remove(list(made), hand=hand, now=now)
        entries.replace(
            restored,
            before=present,
            updated_at={
                name: datetime.fromisoformat(before["changed"][name]["updated_at"])
                for name in restored
            },
            hand=hand,
            now=now,
        )
        kept = _kept(before, present, {*removed, *restored})
    _tell("faqs.import.undone", import_id, removed=len(removed), restored=len(restored))
    return Undone(removed=len(removed), restored=len(restored), kept=kept)


def skipped(rows: Iterable[dict[str, Any]]) -> list[int]:
    """Return the numbers of the rows that a person left out."""
    return [row["number"] for row in rows if row.get("is_skipped")]


def discard(*, import_id: int) -> bool:
    """Put a preview aside without adding anything. Say whether it was still one."""
    waiting = Import.objects.filter(pk=import_id, state=Import.State.PREVIEW)
    return bool(waiting.update(state=Import.State.DISCARDED))


@lru_cache(maxsize=1)
def templates() -> list[tuple[str, str, int]]:
    """Return the ready-made lists of entries by trade: code, label, number of entries."""
    return [
        (path.stem, path.stem.replace("_", " ").capitalize(), len(_template_rows(path.stem)))
        for path in sorted(_TEMPLATES.glob("*.csv"))
    ]


def add_template(*, trade: str, user_id: int | None, now: datetime) -> Import:
    """Add a trade's ready-made entries; an entry that is there already is never changed.

    Raises UnableToImport for an unknown trade, or when every entry is there already.
    """
    known = {code: label for code, label, _ in templates()}
    if trade not in known:
        raise UnableToImport(f"There is no ready-made list for “{trade[:40]}”.")
    with transaction.atomic():
        versions.bump()
        file = preview(
            rows=_template_rows(trade),
            file_name=f"{known[trade]} (ready-made)",
            user_id=user_id,
            now=now,
        )
        if not any(row["state"] == "new" for row in file.rows):
            raise UnableToImport("All questions of this list are there already.")
        others = [row["number"] for row in file.rows if row["state"] != "new"]
        return confirm(import_id=file.pk, now=now, skip=others, user_id=user_id)


def _require_room(adding: int, now: datetime) -> None:
    if refusal := room.room(now=now).refusal(adding):
        raise UnableToImport(refusal)


def _template_rows(trade: str) -> list[readers.Row]:
    return readers.read((_TEMPLATES / f"{trade}.csv").read_bytes()).rows


def _split(
    verdicts: Iterable[comparing.Verdict],
    wanted: dict[int, comparing.Wanted],
    existing: dict[str, checking.Draft],
) -> tuple[dict[str, checking.Draft], dict[str, checking.Draft]]:
    added: dict[str, checking.Draft] = {}
    changed: dict[str, checking.Draft] = {}
    for verdict in verdicts:
        before = existing.get(verdict.faq_id)
        if verdict.state == "new":
            added[verdict.faq_id] = comparing.content_of(wanted[verdict.number], before)
        elif verdict.state == "changed":
            changed[verdict.faq_id] = comparing.content_of(wanted[verdict.number], before)
    return added, changed


def _final_rows(
    rows: Iterable[dict[str, Any]], verdicts: Iterable[comparing.Verdict], left_out: frozenset[int]
) -> list[dict[str, Any]]:
    done = {verdict.number: verdict.as_json() for verdict in verdicts}
    return [
        {**row, "is_skipped": True} if row["number"] in left_out else done[row["number"]]
        for row in rows
    ]


def _draft(stored: dict[str, Any]) -> checking.Draft:
    return checking.Draft(**{**stored, "phrasings": tuple(stored["phrasings"])})


def _kept(before: dict[str, Any], present: dict[str, checking.Draft], done: set[str]) -> list[Kept]:
    kept = []
    after = {
        **before["added"],
        **{name: change["after"] for name, change in before["changed"].items()},
    }
    for name, content in after.items():
        if name in done or (name in before["added"] and name not in present):
            continue
        if name in present:
            reason = "It was edited after the import, so it stays as it is now."
            kept.append(Kept(name, present[name].question, reason))
        else:
            reason = "It was deleted after the import, and stays deleted."
            kept.append(Kept(name, content["question"], reason))
    return kept


def why_not(import_id: int) -> str:
    """Return why a preview cannot be changed or added any more."""
    state = Import.objects.filter(pk=import_id).values_list("state", flat=True).first()
    return {
        Import.State.APPLIED: "This file was added already.",
        Import.State.UNDONE: "This file was added and taken back. Upload it again to add it.",
        Import.State.DISCARDED: "This file was put aside. Upload it again to add it.",
    }.get(
        Import.State(state) if state else Import.State.PREVIEW, "This file is not there any more."
    )


def _why_not_undo(import_id: int) -> str:
    state = Import.objects.filter(pk=import_id).values_list("state", flat=True).first()
    if state == Import.State.APPLIED:
        return f"An import can be taken back for {UNDO_DAYS} days; this one is older."
    if state == Import.State.UNDONE:
        return "This import was taken back already."
    return "This file was never added, so there is nothing to take back."


def _tell(name: str, import_id: int, **meta: int) -> None:
    workspace = scope.current_workspace_id()
    transaction.on_commit(
        lambda: events.publish(
            name, workspace=workspace, params={"import_id": import_id}, meta=meta
        )
    )
