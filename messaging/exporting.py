"""Conversations as files, made by a worker beside everything else, a piece at a time.

Each piece is stored in the transaction that moves the export's place on, so a worker that dies
in the middle leaves nothing half: an alarm (workspaces.alarms) rings until the export is done or
given up, and whoever looks next goes on behind the last piece.
"""

import json
import os
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import IO

from django.db import IntegrityError, transaction
from django.db import connection as database

from connections import naming
from lib import events, jobs, progress, tables
from lib.tables import Cell
from messaging.export_rows import Reader
from messaging.models import ConversationExport, ExportPiece
from workspaces import alarms, audit, scope
from workspaces.models import User, Workspace

ALARM, JOB = "export", "messaging.export"
KEPT, LIVES = 3, timedelta(hours=24)
_LOCK = 0x65787074  # "expt"
_MOST_ATTEMPTS = 5
_PIECE = 1024 * 1024
_GOING, _DONE = ConversationExport.State.GOING, ConversationExport.State.DONE
_XLSX, _JSON = ConversationExport.Form.XLSX, ConversationExport.Form.JSON
_GIVEN_UP = (
    "It broke off several times in a row, and was given up. Nothing is lost: start it again."
)


class UnableToExport(Exception):
    """The export cannot begin; the message says why."""


class UnableToFindExport(Exception):
    """There is no such export, or its time is over."""


def begin(
    *,
    workspace: Workspace,
    what: str,
    form: str,
    first_day: date | None,
    last_day: date | None,
    connection_id: int | None,
    user: User,
    now: datetime,
) -> ConversationExport:
    """Have a file made; the oldest of more than KEPT goes. Raises UnableToExport."""
    known = naming.names(workspace=workspace, ids=[connection_id] if connection_id else [])
    if connection_id is not None and connection_id not in known:
        raise UnableToExport("That number is not one of yours. Choose another, or all.")
    try:
        with transaction.atomic():
            export = ConversationExport.objects.create(
                what=what,
                form=form,
                first_day=first_day,
                last_day=last_day,
                connection_id=connection_id,
                by_id=user.pk,
                created_at=now,
            )
            newest = ConversationExport.objects.order_by("-pk").values_list("pk", flat=True)[:KEPT]
            ConversationExport.objects.exclude(pk__in=list(newest)).delete()
            alarms.set_at_latest(workspace_id=workspace.pk, kind=ALARM, due_at=now)
            audit.record(
                action="export.begun",
                workspace=workspace,
                actor=user,
                target=f"{what} {form}",
                now=now,
            )
            _wake(workspace.pk)
    except IntegrityError as error:  # the constraint also knows who was faster just now
        raise UnableToExport(
            "One file is being made already. Wait for it, or cancel it first."
        ) from error
    return export


def drop(*, workspace: Workspace, export_id: int, user: User, now: datetime) -> str:
    """Cancel an export, or delete its file; returns a sentence that says so."""
    with transaction.atomic():
        export = ConversationExport.objects.select_for_update().filter(pk=export_id).first()
        if export is None:
            raise UnableToFindExport
        was_going = export.state == _GOING
        export.delete()
        audit.record(
            action="export.cancelled" if was_going else "export.deleted",
            workspace=workspace,
            actor=user,
            target=f"{export.what} {export.form}",
            now=now,
        )
    return "The export is cancelled." if was_going else "The file is deleted."


def kept(*, now: datetime) -> list[ConversationExport]:
    """Return the exports of the last day, newest first."""
    found = ConversationExport.objects.exclude(ended_at__lte=now - LIVES).order_by("-pk")
    return list(found[:KEPT])


def _wake(workspace_id: int) -> None:
    jobs.enqueue(
        JOB, queue="housekeeping", once=f"export:{workspace_id}", workspace_id=workspace_id
    )


# --- In the worker -----------------------------------------------------------------------------


def advance(*, workspace: Workspace, now: datetime, seconds: float) -> None:
    """Go on with the workspace's export for about so long, and clear away what is too old.

    More to do goes to the end of the line, so that others get their turn. One at a time.
    """
    with scope.workspace(workspace), _alone(workspace.pk) as is_mine:
        if not is_mine:
            return
        ConversationExport.objects.filter(ended_at__lte=now - LIVES).delete()
        export = ConversationExport.objects.filter(state=_GOING).first()
        if export is not None:
            _go_on(workspace, export, now, seconds)
        alarms.settle(workspace_id=workspace.pk, kind=ALARM, find_next=lambda: _next_look(now))
        if ConversationExport.objects.filter(state=_GOING).exists():
            _wake(workspace.pk)


def _go_on(workspace: Workspace, export: ConversationExport, now: datetime, seconds: float) -> None:
    if export.attempts >= _MOST_ATTEMPTS:
        _end(export, now=now, error=_GIVEN_UP)
        return
    mine = ConversationExport.objects.filter(pk=export.pk, state=_GOING)
    mine.update(attempts=export.attempts + 1)
    until = time.monotonic() + seconds
    reader = Reader(workspace=workspace, export=export)
    while True:  # one piece at least, so that every turn gets on
        if export.is_gathered:
            _put_together(export, reader)
            _end(export, now=now)
            events.publish(
                "messaging.export.made", workspace=workspace.pk, meta={"rows": export.done}
            )
            return
        if not _gather(export, reader):
            return
        progress.note()
        if export.is_gathered and export.form != _XLSX:
            _end(export, now=now)
            events.publish(
                "messaging.export.made", workspace=workspace.pk, meta={"rows": export.done}
            )
            return
        if time.monotonic() >= until:
            return


def _gather(export: ConversationExport, reader: Reader) -> bool:
    """Store the next rows; False when the export was cancelled meanwhile."""
    with transaction.atomic():
        locked = ConversationExport.objects.select_for_update().filter(pk=export.pk, state=_GOING)
        if not locked.exists():
            return False
        if export.total is None:
            export.total = reader.count()
        batch = reader.read(after=export.place)
        count = ExportPiece.objects.filter(export=export).count()
        text = _written(
            export, reader, batch.rows, is_first=count == 0, is_last=batch.place is None
        )
        data = text.encode()
        ExportPiece.objects.create(
            export=export, is_file=export.form != _XLSX, position=count, data=zlib.compress(data, 6)
        )
        export.place, export.is_gathered = batch.place, batch.place is None
        export.done += len(batch.rows)
        export.size += len(data)
        export.attempts = 0
        export.save(update_fields=["total", "place", "is_gathered", "done", "size", "attempts"])
    return True


def _written(
    export: ConversationExport,
    reader: Reader,
    rows: list[list[Cell]],
    *,
    is_first: bool,
    is_last: bool,
) -> str:
    if export.form == _XLSX:
        return json.dumps(rows)
    if export.form == _JSON:
        objects = [
            json.dumps(dict(zip(reader.columns, row, strict=True)), ensure_ascii=False)
            for row in rows
        ]
        begin = "[\n" if is_first else ",\n" if objects else ""
        return begin + ",\n".join(objects) + ("\n]\n" if is_last else "")
    return (tables.to_csv_lines([reader.columns]) if is_first else "") + tables.to_csv_lines(rows)


def _put_together(export: ConversationExport, reader: Reader) -> None:
    """Make a workbook of the rows, and store it in pieces in their place."""
    ExportPiece.objects.filter(export=export, is_file=True).delete()  # of a try that broke off
    sheet = "Messages" if export.what == ConversationExport.What.MESSAGES else "Conversations"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "export.xlsx")
        tables.to_xlsx_file(path, reader.columns, _rows(export), sheet=sheet)
        export.size = os.path.getsize(path)
        with open(path, "rb") as book:
            for position, data in enumerate(iter(lambda: book.read(_PIECE), b"")):
                progress.note()
                ExportPiece.objects.create(
                    export=export, position=position, data=zlib.compress(data, 1)
                )


def _rows(export: ConversationExport) -> Iterator[list[Cell]]:
    for data in _pieces(export, is_file=False):
        progress.note()
        yield from json.loads(data)


def _pieces(export: ConversationExport, *, is_file: bool) -> Iterator[bytes]:
    """Yield the parts in order, one in memory at a time."""
    rows = ExportPiece.objects.filter(export=export, is_file=is_file)
    for pk in rows.order_by("position").values_list("pk", flat=True):
        yield zlib.decompress(bytes(ExportPiece.objects.values_list("data", flat=True).get(pk=pk)))


def _end(export: ConversationExport, *, now: datetime, error: str = "") -> None:
    with transaction.atomic():
        state = ConversationExport.State.FAILED if error else _DONE
        changed = ConversationExport.objects.filter(pk=export.pk, state=_GOING).update(
            state=state, error=error, ended_at=now, size=export.size
        )
        leftover = ExportPiece.objects.filter(export=export)
        if changed:
            (leftover if error else leftover.filter(is_file=False)).delete()


def _next_look(now: datetime) -> datetime | None:
    """Return when there is something to do: at once, when the oldest file's time is over, or never."""
    if ConversationExport.objects.filter(state=_GOING).exists():
        return now
    oldest = (
        ConversationExport.objects.order_by("ended_at").values_list("ended_at", flat=True).first()
    )
    return oldest + LIVES if oldest else None


@contextmanager
def _alone(workspace_id: int) -> Iterator[bool]:
    """Hold the workspace's exports; the lock goes with the session, whatever ends it."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, workspace_id])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, workspace_id])


# --- The file ------------------------------------------------------------------------------------


def open_file(*, export_id: int, now: datetime) -> tuple[ConversationExport, IO[bytes]]:
    """Return a finished export and its file, laid on this host's disk. Raises UnableToFindExport."""
    export = ConversationExport.objects.filter(
        pk=export_id, state=_DONE, ended_at__gt=now - LIVES
    ).first()
    if export is None:
        raise UnableToFindExport
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who answers it
    for data in _pieces(export, is_file=True):
        file.write(data)
    file.seek(0)
    return export, file
