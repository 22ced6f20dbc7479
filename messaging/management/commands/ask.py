"""Ask what the bot would answer."""

from argparse import ArgumentParser
from typing import Any

from lib import clock
from messaging import asking
from workspaces.operating import OperatorCommand, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = (
        "Show what the bot would answer to a new customer, and why. Sends nothing, meters nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("text", help="what the customer writes")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        found = asking.rehearse(workspace=space, text=options["text"], now=clock.now())
        if options["json"]:
            self.print_json(
                {
                    "decision": found.decision,
                    "faq_id": found.faq_id,
                    "answered": found.answered,
                    "confidence": found.confidence,
                    "suggested": found.suggested,
                    "answer": found.answer,
                    "milliseconds": found.milliseconds,
                    "gates": [
                        {
                            "step": g.step,
                            "verdict": g.verdict,
                            "reason": g.reason,
                            "sentence": g.sentence,
                        }
                        for g in found.gates
                    ],
                }
            )
            return
        self.stdout.write(f"decision      {found.decision}")
        self.stdout.write(f"faq_id        {', '.join(found.answered) or '-'}")
        self.stdout.write(f"confidence    {'-' if found.confidence is None else found.confidence}")
        if found.suggested:
            self.stdout.write(f"suggested     {', '.join(found.suggested)}")
        self.stdout.write(f"milliseconds  {found.milliseconds}")
        for gate in found.gates:
            self.stdout.write(
                f"  {gate.verdict:<5} {gate.step:<13} {gate.reason:<22} {gate.sentence}"
            )
        if found.answer:
            self.stdout.write(f"\n{found.answer}")
