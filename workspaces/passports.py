"""Everything of a workspace in one file: asked for, made by a job, fetched within a day.

The job may be killed at any moment. Each try bears a number: only the newest one writes, and
`tidy` finds those that show no life, lets them be tried again, and ends in a sentence.
"""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import IO

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from lib import events, jobs, progress
from workspaces import audit, passport_contents, scope
from workspaces.models import Passport, PassportPart, User, Workspace

LASTS = timedelta(hours=24)
_SILENT_AFTER = timedelta(minutes=3)
_MOST_TRIES = 3
_MOST_A_DAY = 5
_PART = 1024 * 1024
_MOST_BYTES = 1024 * 1024 * 1024
State = Passport.State
_UNDER_WAY = (State.WAITING, State.MAKING)


class UnableToAsk(Exception):
    """No file is made; the message is a sentence for the person who asked."""


class _Overtaken(Exception):
    """Another try has begun, or the workspace is gone."""


class _TooLarge(Exception):
    """The file is larger than what is handed out by a page."""


def ask(*, workspace: Workspace, actor: User, now: datetime) -> Passport:
    """Have the file made; one that is under way is the answer, too. Raises UnableToAsk.

    Call in the workspace's scope.
    """
    mine = Passport.objects.filter(workspace=workspace)
    if mine.filter(asked_at__gt=now - timedelta(days=1)).count() >= _MOST_A_DAY:
        raise UnableToAsk(
            _("%(n)d files were made within a day. Take the newest one, or come back tomorrow.")
            % {"n": _MOST_A_DAY}
        )
    try:
        with transaction.atomic():
            passport = Passport.objects.create(
                workspace=workspace, asked_by=actor, asked_at=now, moved_at=now
            )
            audit.record(
                action="export.asked",
                workspace=workspace,
                actor=actor,
                target=f"export {passport.pk}",
                now=now,
            )
            _wake(passport)
    except IntegrityError:  # one is under way, or was a moment ago
        return mine.order_by("-pk")[0]
    return passport


def _wake(passport: Passport) -> None:
    jobs.enqueue(
        "workspaces.make_passport",
        queue="housekeeping",
        workspace_id=passport.workspace_id,
        passport_id=passport.pk,
    )


def newest(*, workspace: Workspace) -> Passport | None:
    """Return the file that was asked for last. Call in the workspace's scope."""
    return Passport.objects.filter(workspace=workspace).order_by("-pk").first()


def share_done(passport: Passport) -> int:
    """Return how far it is, in per cent."""
    return min(99, round(100 * passport.done_rows / max(1, passport.all_rows)))


def make(*, workspace: Workspace, passport_id: int, clock: Callable[[], datetime]) -> bool:
    """Make the file, if it waits. False when there was nothing to do, or it was not finished."""
    with scope.workspace(workspace):
        rows = Passport.objects.filter(pk=passport_id, state=State.WAITING)
        if not rows.update(state=State.MAKING, attempts=F("attempts") + 1, moved_at=clock()):
            return False
        attempt = Passport.objects.get(pk=passport_id).attempts
    work = _Making(workspace, passport_id, attempt, clock)
    try:
        with tempfile.TemporaryFile() as file:
            work.write(file)
            work.keep(file)
    except _Overtaken:
        return False
    except _TooLarge:
        work.fail(_("It is too large for a download. Write to support: we hand it over."))
        return False
    events.publish(
        "workspaces.export.made", workspace=workspace.pk, params={"passport": passport_id}
    )
    return True


class _Making:
    """One try."""

    def __init__(
        self, workspace: Workspace, passport_id: int, attempt: int, clock: Callable[[], datetime]
    ) -> None:
        self._workspace, self._clock = workspace, clock
        self._mine = {"pk": passport_id, "state": State.MAKING, "attempts": attempt}
        self._passport_id, self._done = passport_id, 0

    def write(self, file: IO[bytes]) -> None:
        """Write everything into `file`."""
        tables = passport_contents.tables_of(self._workspace)
        with scope.workspace(self._workspace):
            self._move(all_rows=sum(table.count() for table in tables))
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("about.json", json.dumps(self._about(), indent=2, ensure_ascii=False))
            header = [("user_id", "name", "email", "role")]
            people = passport_contents.people(self._workspace)
            archive.writestr("people.csv", passport_contents.as_csv([*header, *people]))
            for table in tables:
                self._write_table(archive, table, file)

    def _write_table(
        self, archive: zipfile.ZipFile, table: passport_contents.Table, file: IO[bytes]
    ) -> None:
        # An archive takes one file at a time: the other form of the same rows waits beside it.
        with tempfile.TemporaryFile() as beside:
            with archive.open(f"csv/{table.name}.csv", "w", force_zip64=True) as out:
                out.write(passport_contents.as_csv([table.columns]))
                for rows in passport_contents.batches(self._workspace, table):
                    out.write(passport_contents.as_csv(rows))
                    beside.write(passport_contents.as_json(table.columns, rows))
                    self._note(len(rows), file)
            beside.seek(0)
            with archive.open(f"json/{table.name}.jsonl", "w", force_zip64=True) as out:
                for piece in _pieces(beside):
                    out.write(piece)

    def _note(self, count: int, file: IO[bytes]) -> None:
        if file.tell() > _MOST_BYTES:
            raise _TooLarge
        self._done += count
        progress.note()
        with scope.workspace(self._workspace):
            self._move(done_rows=self._done)

    def _move(self, **changes: int) -> None:
        mine = Passport.objects.filter(**self._mine)
        if not mine.update(moved_at=self._clock(), **changes):
            raise _Overtaken

    def _about(self) -> dict[str, str]:
        space = self._workspace
        return {
            "business": space.name,
            "address": f"/w/{space.slug}/",
            "made_at": self._clock().isoformat(),
            "contents": "One CSV and one file of JSON lines for each table. In the CSV, text that a"
            " spreadsheet would take for a formula has a ' in front. Passwords, tokens and access"
            " codes are left out. people.csv says who the ids of users are.",
        }

    def keep(self, file: IO[bytes]) -> None:
        """Put the file where any server can hand it out, and say that it is ready."""
        file.seek(0)
        now, size = self._clock(), 0
        with scope.workspace(self._workspace), transaction.atomic():
            self._move()
            PassportPart.objects.filter(passport_id=self._passport_id).delete()
            for number, piece in enumerate(_pieces(file)):
                PassportPart.objects.create(
                    workspace=self._workspace,
                    passport_id=self._passport_id,
                    number=number,
                    content=piece,
                )
                size += len(piece)
                progress.note()
            ready = Passport.objects.filter(**self._mine).update(
                state=State.READY, size=size, ready_at=now, moved_at=now, expires_at=now + LASTS
            )
            if not ready:
                raise _Overtaken

    def fail(self, sentence: str) -> None:
        """End it with a sentence."""
        with scope.workspace(self._workspace):
            Passport.objects.filter(**self._mine).update(
                state=State.FAILED, problem=sentence, moved_at=self._clock()
            )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PART):
        yield piece


def tidy(*, now: datetime) -> None:
    """Let stopped ones be tried again, end those that will not do, forget those past their day."""
    with scope.system():
        silent = Passport.objects.filter(state__in=_UNDER_WAY, moved_at__lt=now - _SILENT_AFTER)
        for passport in silent.order_by("pk")[:100]:
            _see_to(passport, now)
        over = Passport.objects.filter(state=State.READY, expires_at__lte=now)
        for pk in list(over.values_list("pk", flat=True)[:20]):
            with transaction.atomic():
                Passport.objects.filter(pk=pk, state=State.READY).update(state=State.GONE, size=0)
                PassportPart.objects.filter(passport_id=pk).delete()


def _see_to(passport: Passport, now: datetime) -> None:
    as_seen = Passport.objects.filter(
        pk=passport.pk,
        state=passport.state,
        attempts=passport.attempts,
        moved_at=passport.moved_at,
    )
    if passport.attempts >= _MOST_TRIES:
        as_seen.update(
            state=State.FAILED,
            moved_at=now,
            problem=_(
                "It stopped three times before it was whole. Nothing is lost; ask again, and write to support if it stays so."
            ),
        )
    elif as_seen.update(state=State.WAITING, moved_at=now):
        _wake(passport)


def forget(*, workspace: Workspace, now: datetime) -> None:
    """Let go of the files that were made or are under way: what they hold shall be gone.

    Call in the workspace's scope.
    """
    there = Passport.objects.filter(workspace=workspace, state__in=[*_UNDER_WAY, State.READY])
    there.update(state=State.GONE, size=0, moved_at=now, expires_at=now)
    PassportPart.objects.filter(workspace=workspace).delete()


# --- Fetching ------------------------------------------------------------------------------


def find_ready(*, passport_id: int, now: datetime) -> Passport | None:
    """Return a file that can be fetched, of whichever workspace. Ask who fetches it first."""
    with scope.system():
        return (
            Passport.objects.filter(pk=passport_id, state=State.READY, expires_at__gt=now)
            .select_related("workspace")
            .first()
        )


def note_fetched(*, passport: Passport, actor: User, now: datetime) -> None:
    """Write down who took the file along."""
    with scope.system():
        audit.record(
            action="export.fetched",
            workspace=passport.workspace,
            actor=actor,
            target=f"export {passport.pk}",
            now=now,
        )


def pieces(*, passport: Passport) -> Iterator[bytes]:
    """Yield the file. Each piece is asked for by itself: no scope is held between them."""
    number = 0
    while True:
        with scope.system():
            rows = PassportPart.objects.filter(passport=passport, number=number)
            content = rows.values_list("content", flat=True).first()
        if content is None:
            return
        yield bytes(content)
        number += 1
