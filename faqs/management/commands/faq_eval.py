"""Ask the answer engine questions whose answers are known, and say how good it was."""

import csv
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from faqs import evaluating, index, sample
from faqs.encoder import chosen
from faqs.engine import certainty, training
from faqs.engine.answering import Answerer
from faqs.engine.features import UnableToEncode
from faqs.evaluating import Result
from faqs.sources import sources
from workspaces import scope
from workspaces.operating import AskedWrongly, Failed, OperatorCommand, find_workspace

_HELP = """
Ask the answer engine questions whose answers are known, and say how good it was.

The questions are a CSV file with the columns query, expected_faq_id (empty: no entry answers it;
a+b: two questions in one message) and, if you like, tag. The entries are the workspace's, or
those of --faqs FILE (as faq_import reads it): a throw-away workspace, of which nothing is stored.

right     answered, and with nothing but what was asked for    wrong   answered otherwise
menu      offered up to three entries, with the right one among them, or without it
quiet     neither: a person's turn                             OOS     no entry answers it
top-1, top-3   the right entry is the nearest, or among the nearest three, whatever was done

--out FILE writes query, answered_faq_id (a+b when two are answered), suggested (the menu's ids,
joined by |; empty where none is offered) and confidence.

Exit codes: 0 done; 1 the language model is not there; 2 a file or the workspace cannot be used.
"""
_LINES = (
    ("top1", "top-1"),
    ("top3", "top-3"),
    ("right", "right"),
    ("wrong", "wrong"),
    ("menu_with", "menu with the right entry"),
    ("menu_without", "menu without it"),
    ("quiet", "quiet"),
    ("oos_answered", "OOS answered"),
    ("oos_menu", "OOS menu"),
)


class Command(OperatorCommand):
    help = _HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        parser: CommandParser = super().create_parser(prog_name, subcommand, **kwargs)
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queries", metavar="QUERIES.csv", type=Path, help="the questions")
        parser.add_argument("--workspace", metavar="SLUG", help="whose entries are asked")
        parser.add_argument("--faqs", metavar="FILE", type=Path, help="entries of a file instead")
        parser.add_argument(
            "--phrasings", metavar="K", type=_count, default=0, help="at most K to an entry"
        )
        parser.add_argument(
            "--manner", choices=("careful", "balanced", "eager"), default="balanced"
        )
        parser.add_argument("--out", metavar="FILE", type=Path, help="write each prediction there")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        entries = _entries(options)
        try:
            cases = evaluating.read_cases(
                _contents(options["queries"]), known=[entry.faq_id for entry in entries]
            )
        except evaluating.UnableToEvaluate as error:
            raise AskedWrongly(f"{options['queries']}: {error}") from error
        try:
            encoder = chosen.shared()
        except UnableToEncode as error:
            raise Failed(str(error)) from error
        model = training.train(entries, encoder, identity=chosen.identity())
        answerer, limits = Answerer.of(model, encoder), certainty.thresholds(options["manner"])
        answerer.judge("the first one is always slow", limits)
        results = evaluating.run(cases, lambda query: answerer.judge(query, limits))
        if options["out"]:
            _write(options["out"], results)
        self._report(results, as_json=options["json"])

    def _report(self, results: Sequence[Result], *, as_json: bool) -> None:
        found = evaluating.figures(results)
        if as_json:
            self.print_json(found)
            return
        covered = sum(bool(one.case.expected) for one in results)
        self.stdout.write(f"{len(results)} questions, {covered} of them covered by an entry")
        for name, title in _LINES:
            value = found[name]
            shown = "-" if value is None else f"{value:.3f}"
            self.stdout.write(f"  {title:<28}{shown:>6}")
        self.stdout.write(f"  {'ms, p50 / p95':<28}{found['p50_ms']:>6} / {found['p95_ms']}")
        self.stdout.write("  confidence     count    said   right")
        for band in evaluating.calibration(results):
            self.stdout.write(
                f"  {band['from']:.1f} - {band['to']:.1f}     {band['count']:>6}"
                f"   {band['confidence']:.3f}   {band['right']:.3f}"
            )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a whole number from 1 on is wanted")
    return int(text)


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AskedWrongly(f"{path}: {error.strerror}.") from error


def _entries(options: dict[str, Any]) -> list[index.Source]:
    """Return the entries to ask: of the file, or else of the workspace."""
    most = options["phrasings"]
    if options["faqs"]:
        try:
            return sample.sources(_contents(options["faqs"]), most)
        except sample.UnableToReadSample as error:
            raise AskedWrongly(f"{options['faqs']}: {error}") from error
    if not options["workspace"]:
        raise AskedWrongly("Whose entries? Name a workspace by --workspace, or a file by --faqs.")
    space = find_workspace(options["workspace"])
    with scope.workspace(space):
        found = sources()
    if not found:
        raise AskedWrongly(f"The workspace “{options['workspace']}” has no active entries.")
    return [replace(one, phrasings=one.phrasings[: most - 1]) if most else one for one in found]


def _write(path: Path, results: Sequence[Result]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["query", "answered_faq_id", "suggested", "confidence"])
            for one in results:
                answered, offered = "+".join(one.answered), "|".join(one.offered)
                lines.writerow([one.case.query, answered, offered, one.judgement.confidence])
    except OSError as error:
        raise AskedWrongly(f"{path}: {error.strerror}.") from error
