"""Say how good a workspace's answers are, and what would make them better."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import CommandParser

from lib import clock
from messaging import quality
from workspaces import scope
from workspaces.operating import OperatorCommand, find_workspace, workspace_argument

_HELP = """
Say how good a workspace's answers are, and what would make them better. Changes nothing.

--json prints one object:
  accuracy    of 30 days: answered (by the bot), corrected (of them, by the team), offered (a
              menu), tapped (of them), handed_over, share (answered and not corrected / answered;
              null below 20 answers)
  model       state (current, behind, first, missing, empty), trained_at, entries, labels
  self_test   count and found (ways to ask; found without themselves), share, and entries: a list of
              entry_id, question, count, found; null until the entries are learnt as they are
  pairs       entries that are mixed up: first and second (faq_id), count, people (of the count,
              said by people), texts
  phrasings   entries with fewer than 3 phrasings: faq_id, count, suggested (text, origin: team, tap,
              model or asked)
  questions   what was asked and not answered: title, count, texts, latest_at, message_id

Exit codes: 0 done; 2 there is no such workspace.
"""
_SHOWN = 10


class Command(OperatorCommand):
    help = _HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        parser: CommandParser = super().create_parser(prog_name, subcommand, **kwargs)
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        now = clock.now()
        with scope.workspace(space):
            overview = quality.overview(now=now)
            answers = quality.answers(workspace=space, now=now)
            topics = quality.topics(workspace=space, now=now)
        if options["json"]:
            self.print_json(_as_json(overview, answers, topics))
        else:
            self._print(overview, answers, topics)

    def _print(
        self, overview: quality.Overview, answers: quality.Answers, topics: list[quality.Topic]
    ) -> None:
        found = overview.accuracy
        share = "not enough yet" if found.share is None else f"{found.share:.3f}"
        self._line("accuracy", share)
        self._line("answered", f"{found.answered}, corrected {found.corrected}")
        self._line("menus", f"{found.offered}, tapped {found.tapped}")
        self._line("handed over", str(found.handed_over))
        learnt = overview.learnt
        self._line("model", f"{learnt.state}, {learnt.entry_count} entries")
        test = answers.test
        self._line("self-test", f"{test.found} of {test.count}" if test else "not yet")
        for pair in answers.pairs[:_SHOWN]:
            names = f"{pair.first.faq_id} and {pair.second.faq_id}"
            self._line("mixed up", f"{len(pair.mixed)} x {names}")
        for one in answers.wanting[:_SHOWN]:
            said = f"{len(one.entry.phrasings)} phrasings, {len(one.suggestions)} suggested"
            self._line("more ways", f"{one.entry.faq_id}: {said}")
        for topic in topics[:_SHOWN]:
            self._line("unanswered", f"{topic.count} x {topic.title}")

    def _line(self, title: str, text: str) -> None:
        self.stdout.write(f"{title:<14}{text}")


def _as_json(
    overview: quality.Overview, answers: quality.Answers, topics: list[quality.Topic]
) -> dict[str, object]:
    found, learnt, test = overview.accuracy, overview.learnt, answers.test
    return {
        "accuracy": {
            "answered": found.answered,
            "corrected": found.corrected,
            "offered": found.offered,
            "tapped": found.tapped,
            "handed_over": found.handed_over,
            "share": found.share,
        },
        "model": {
            "state": learnt.state,
            "trained_at": learnt.trained_at,
            "entries": learnt.entry_count,
            "labels": learnt.label_count,
        },
        "self_test": test
        and {
            "count": test.count,
            "found": test.found,
            "share": test.share,
            "entries": [
                {
                    "entry_id": one.entry_id,
                    "question": one.question,
                    "count": one.count,
                    "found": one.found,
                }
                for one in test.entries
            ],
        },
        "pairs": [
            {
                "first": pair.first.faq_id,
                "second": pair.second.faq_id,
                "count": len(pair.mixed),
                "people": sum(one.is_from_person for one in pair.mixed),
                "texts": [one.text for one in pair.mixed],
            }
            for pair in answers.pairs
        ],
        "phrasings": [
            {
                "faq_id": one.entry.faq_id,
                "count": len(one.entry.phrasings),
                "suggested": [{"text": s.text, "origin": s.origin} for s in one.suggestions],
            }
            for one in answers.wanting
        ],
        "questions": [
            {
                "title": topic.title,
                "count": topic.count,
                "texts": list(topic.others),
                "latest_at": topic.latest_at,
                "message_id": topic.message_id,
            }
            for topic in topics
        ],
    }
