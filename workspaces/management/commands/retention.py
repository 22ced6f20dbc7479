"""Delete what is past its retention now, or say what would go."""

from argparse import ArgumentParser
from typing import Any

from lib import clock
from workspaces import retention, scope
from workspaces.models import Workspace
from workspaces.operating import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Delete the rows that are past their retention, as the housekeeping does every hour."
        " The ledger and the audit are kept for ever."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        work = retention.count if options["dry_run"] else retention.apply
        with scope.system():
            found = [work(rule, now=now) for rule in retention.public_rules()]
            spaces = list(Workspace.objects.order_by("pk"))
        for rule in retention.workspace_rules():
            total = 0
            for space in spaces:
                with scope.workspace(space):
                    total += work(rule, now=now).count
            found.append(retention.Gone(rule, total))
        if options["json"]:
            self.print_json(
                [
                    {
                        "table": g.rule.table,
                        "what": g.rule.what,
                        "days": g.rule.days,
                        "rows": g.count,
                    }
                    for g in found
                ]
            )
            return
        word = "would go" if options["dry_run"] else "gone"
        for each in found:
            self.stdout.write(
                f"{each.count:>9} {word}: {each.rule.what}, older than {each.rule.days} days ({each.rule.table})"
            )
