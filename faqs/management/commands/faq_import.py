"""Add the questions and answers of a file or a link to a workspace."""

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from faqs import importing, intake, readers
from faqs.models import Import
from lib import clock
from workspaces import scope
from workspaces.operating import AskedWrongly, Failed, OperatorCommand, find_workspace

_HELP = """
Add the questions and answers of a file or a link to a workspace.

FILE is a .csv, .xlsx, .docx, .pdf, .txt or .html file, or an address: a website's page, a file,
or a Google Sheet that is open to everybody. At most 5 MB and 5,000 questions, and as many as the
workspace's plan has room for.

Tables have the columns question, answer (both needed); category, keywords, active (true or
false), alt_questions or extra_phrasings (other ways to ask, separated by |), faq_id (a stable
name). Other columns are ignored and named. In documents a question is a line that ends in "?",
stands behind "Q:", or is a heading. An entry is recognised by its faq_id, or else by its
question; rows that are the same already change nothing. The import can be taken back for 30 days
on the workspace's FAQ page.

Exit codes: 0 every row was added or was there already; 1 some rows were invalid (the others
were added) or none could be added; 2 the file or the workspace cannot be used.
"""


class Command(OperatorCommand):
    help = _HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        parser: CommandParser = super().create_parser(prog_name, subcommand, **kwargs)
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file, or an address (https://...)")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="its short name")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        with scope.workspace(space):
            source = _source(str(options["file"]))
            file, refusal = _import(source, dry_run=options["dry_run"])
        self._report(file, refusal, options)

    def _report(self, file: Import, refusal: str, options: dict[str, Any]) -> None:
        counts = importing.counts(file)
        is_applied = file.state == Import.State.APPLIED
        wrong = [row for row in file.rows if row["state"] == "invalid"]
        if options["json"]:
            shown = {
                "workspace": options["workspace"],
                "file": file.file_name,
                "import_id": file.pk if is_applied else None,
                "applied": is_applied,
                **counts,
                "notes": file.notes,
                "rows": [
                    {name: row[name] for name in ("number", "state", "reason", "faq_id", "notes")}
                    for row in file.rows
                ],
            }
            self.print_json(shown)
        else:
            for note in file.notes:
                self.stdout.write(note)
            for row in wrong:
                self.stdout.write(f"Row {row['number']}: {row['reason']}")
            done = "Would add" if options["dry_run"] else "Added"
            self.stdout.write(
                f"{done if is_applied or options['dry_run'] else 'Not added:'} "
                f"{counts['new']} new and {counts['changed']} changed; {counts['same']} were there "
                f"already, {counts['invalid']} invalid."
            )
        if refusal or wrong:
            rest = "the other rows were added" if is_applied else "nothing was changed"
            are = "row is" if len(wrong) == 1 else "rows are"
            raise Failed(refusal or f"{len(wrong)} {are} invalid; {rest}.")


def _source(where: str) -> intake.Intake:
    now = clock.now()
    try:
        if where.lower().startswith(("https://", "http://")):
            return intake.of_link(address=where, now=now)
        path = Path(where)
        with path.open("rb") as stream:
            data = stream.read(readers.MAX_BYTES + 1)
        return intake.of_file(data=data, name=path.name, now=now)
    except OSError as error:
        raise AskedWrongly(f"{where}: {error.strerror}.") from error
    except intake.UnableToRead as error:
        raise AskedWrongly(str(error)) from error


def _import(source: intake.Intake, *, dry_run: bool) -> tuple[Import, str]:
    now = clock.now()
    try:
        with transaction.atomic():
            file = importing.preview(
                rows=source.table.rows,
                file_name=source.name,
                user_id=None,
                now=now,
                notes=source.table.notes,
            )
            transaction.set_rollback(dry_run)
    except importing.UnableToImport as error:
        raise Failed(str(error)) from error
    if dry_run:
        return file, ""
    try:
        return importing.confirm(import_id=file.pk, now=now), ""
    except importing.UnableToImport as error:
        importing.discard(import_id=file.pk)
        return file, str(error)
