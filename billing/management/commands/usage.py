"""Print a workspace's usage by day."""

from argparse import ArgumentParser
from typing import Any

from billing import meters, reports
from lib import tables
from workspaces import scope
from workspaces.operating import AskedWrongly, OperatorCommand, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = "Print what a workspace used in a month, a row per day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("--month", required=True, metavar="YYYY-MM")
        parser.add_argument("--format", choices=["csv", "json"], default="csv")
        parser.add_argument("--json", action="store_true", help="the same as --format json")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        try:
            first, last = reports.month_bounds(options["month"])
        except ValueError as error:
            raise AskedWrongly("Give the month as YYYY-MM, for example 2026-11.") from error
        with scope.workspace(space):
            rows = reports.by_day(workspace=space, first=first, last=last)
        if options["json"] or options["format"] == "json":
            self.print_json(
                {
                    "workspace": space.slug,
                    "month": options["month"],
                    "time_zone": space.time_zone,
                    "days": rows,
                    "total": reports.totals(rows),
                }
            )
        else:
            self.stdout.write(
                tables.to_csv(
                    ["day", *meters.ALL],
                    ([row["day"], *(row[m] for m in meters.ALL)] for row in rows),
                ),
                ending="",
            )
