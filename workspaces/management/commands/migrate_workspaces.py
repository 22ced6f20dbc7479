"""Bring the schemas of all workspaces up to date."""

import json
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.checks import Tags

from workspaces import blueprint, migrating
from workspaces.migrating import Outcome, Report
from workspaces.models import Workspace
from workspaces.operating import AskedWrongly, Failed, OperatorCommand, anticipates, find_workspace

AGAIN = "Run it again to go on: what is done stays done."


class Command(OperatorCommand):
    help = (
        "Bring the schemas of all workspaces up to date, each in one transaction, while messages"
        " flow. Ctrl-C ends after the schema in hand; run again, it goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--jobs", type=int, default=2, metavar="N", help="schemas at a time, default 2"
        )
        parser.add_argument("--workspace", metavar="SLUG", help="this one, whatever its row says")
        parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
        parser.add_argument(
            "--plan", "--dry-run", action="store_true", dest="plan", help="only say what would run"
        )
        parser.add_argument(
            "--verify",
            action="store_true",
            help="compare every schema with its row; change nothing",
        )
        parser.add_argument("--json", action="store_true", help="print a line of JSON per schema")  # fmt: skip

    @anticipates(blueprint.UnableToPlan)
    def handle(self, *args: Any, **options: Any) -> None:
        if options["jobs"] < 1 or (options["limit"] is not None and options["limit"] < 1):
            raise AskedWrongly("--jobs and --limit begin at 1.")
        self.check(tags=[Tags.database], databases=["default"])  # no transaction pooler
        self.is_json = options["json"]
        only = find_workspace(options["workspace"]) if options["workspace"] else None
        if options["verify"]:
            return self.verify()
        if options["plan"]:
            return self.plan(only)
        return self.migrate(only, jobs=options["jobs"], limit=options["limit"])

    def say(self, sentence: str, **facts: Any) -> None:
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if self.is_json else sentence)
        self.stdout.flush()

    def verify(self) -> None:
        differing = migrating.verify()
        for each in differing:
            self.say(
                f"{each.slug} ({each.schema}) has {each.has or 'no migrations'}, its row says {each.says or 'nothing'}.",
                **asdict(each),
            )
        if differing:
            raise Failed(
                f"{len(differing)} schemas differ from their rows."
                " `migrate_workspaces --workspace SLUG` looks at the schema itself and mends it."
            )
        self.say("Every schema is what its row says.", differing=0)

    def plan(self, only: Workspace | None) -> None:
        spaces = [only] if only else migrating.find_behind()
        versions: dict[str, int] = {}
        for space in spaces:
            versions[space.schema_version] = versions.get(space.schema_version, 0) + 1
        for version, count in sorted(versions.items()):
            steps = [] if blueprint.is_newer(version) else blueprint.names_since(version)
            what = ", ".join(steps) or "nothing: newer than this code, left alone"
            self.say(
                f"{count} schemas at {version or 'an unknown version'}: {what}",
                version=version, schemas=count, steps=steps,
            )  # fmt: skip
        if not spaces:
            self.say("Every schema is up to date.", schemas=0)

    def migrate(self, only: Workspace | None, *, jobs: int, limit: int | None) -> None:
        behind = 1 if only else len(migrating.find_behind())
        total = min(behind, limit or behind)
        count = 0

        def tell(outcome: Outcome) -> None:
            nonlocal count
            count += outcome.state != "locked"
            self.say(_line(outcome, count, total), **asdict(outcome))

        stop = threading.Event()
        with stopping(stop):
            report = migrating.run(jobs=jobs, only=only, limit=limit, tell=tell, stop=stop)
        self.say(
            _sum_up(report), **report.counts, left=report.left, seconds=round(report.seconds, 2)
        )
        if report.is_stopped and report.left:
            raise Failed(f"Stopped with {report.left} schemas to go. {AGAIN}")
        if report.counts.get("failed"):
            raise Failed(
                f"{report.counts['failed']} schemas failed; the lines above say why. {AGAIN}"
            )
        if report.left and limit is None:
            raise Failed(f"{report.left} schemas were in use all the time. {AGAIN}")


def _line(outcome: Outcome, count: int, total: int) -> str:
    said = {"locked": "in use, later", "newer": "left alone", "current": "nothing to do"}
    words = said.get(outcome.state, outcome.state)
    reason = f": {outcome.reason}" if outcome.reason else ""
    return f"[{count}/{total}] {outcome.slug} ({outcome.schema}) {words} {outcome.ms} ms{reason}"


def _sum_up(report: Report) -> str:
    parts = [f"{count} {state}" for state, count in sorted(report.counts.items())]
    return f"{', '.join(parts) or 'Nothing to do'}; {report.left} to go; {report.seconds:.1f} s."


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM ask for an end; the second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Callable[..., Any] | int | None] = {}

    def ask(number: int, frame: Any) -> None:
        stop.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
