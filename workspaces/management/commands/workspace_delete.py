"""Remove a workspace: its schema and every public row of it."""

from argparse import ArgumentParser
from typing import Any

from lib import clock
from workspaces import registry, schemas
from workspaces.operating import AskedWrongly, OperatorCommand, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = "Remove a workspace for good: conversations, answers, numbers, usage. Accounts of people stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("--yes", action="store_true", help="really do it; there is no way back")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        if not options["yes"]:
            raise AskedWrongly(f"This removes {space.slug} for good. Say it again with --yes.")
        removed = schemas.delete(workspace=space, now=clock.now())
        registry.forget()
        if options["json"]:
            self.print_json(
                {"slug": space.slug, "schema": space.schema_name, "rows_removed": removed}
            )
        else:
            rows = sum(removed.values())
            self.stdout.write(
                f"Removed {space.slug}: its schema and {rows} rows of the public tables."
            )
