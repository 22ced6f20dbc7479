"""List what was given up, or put it back in line."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from connections import dead_letters
from lib import clock
from workspaces import scope
from workspaces.operating import AskedWrongly, OperatorCommand, find_workspace

_MOST = 10_000


class Command(OperatorCommand):
    help = (
        "List dead letters: updates that could not be handled (in) and messages that were given up"
        " after their last try (out). Ids and codes only, never what was said."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", default="", metavar="SLUG", help="of one workspace only")
        parser.add_argument("--kind", choices=dead_letters.BOXES, help="of one mailbox only")
        parser.add_argument("--replay", action="store_true", help="put them back in line")
        parser.add_argument(
            "--limit",
            type=int,
            default=50,
            metavar="N",
            help=f"at most so many rows a mailbox (50, at most {_MOST:,})",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= _MOST:
            raise AskedWrongly(f"--limit is a number from 1 to {_MOST:,}.")
        space = find_workspace(options["workspace"]) if options["workspace"] else None
        boxes = [options["kind"]] if options["kind"] else list(dead_letters.BOXES)
        report: dict[str, Any] = {"counts": {}, "rows": [], "replayed": 0}
        with scope.system():
            for box in boxes:
                report["counts"][box] = dead_letters.counts(box=box, workspace=space)
                letters = dead_letters.find(box=box, workspace=space, limit=options["limit"])
                report["rows"] += [asdict(letter) for letter in letters]
                if options["replay"] and letters:
                    report["replayed"] += dead_letters.replay(
                        box=box,
                        ids=[letter.id for letter in letters],
                        actor_kind="command",
                        now=clock.now(),
                    )
        if options["json"]:
            self.print_json(report)
            return
        for box, counts in report["counts"].items():
            self.stdout.write(f"{box}: {sum(counts.values())} dead letters")
            for slug, count in counts.items():
                self.stdout.write(f"  {slug or '(no workspace)'}: {count}")
        for row in report["rows"]:
            self.stdout.write(
                f"{row['box']:<3} {row['id']:>8} {row['at']:%Y-%m-%d %H:%M} {row['workspace']:<20}"
                f" {row['kind']:<8} tries {row['attempts']} {row['code']}"
            )
        if options["replay"]:
            self.stdout.write(f"{report['replayed']} put back in line.")
