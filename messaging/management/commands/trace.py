"""Print the account of a message."""

from argparse import ArgumentParser
from typing import Any

from messaging import trace
from workspaces import scope
from workspaces.operating import Failed, OperatorCommand, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = "Print why a message was (not) answered, step by step."

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument(
            "--message",
            required=True,
            metavar="WAMID",
            help="WhatsApp's id of the message or reply",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        with scope.workspace(space):
            story = trace.story(provider_message_id=options["message"])
        if story is None:
            raise Failed("This workspace has no message with that id.")
        if options["json"]:
            self.print_json(
                {
                    "message": story.message.provider_message_id,
                    "correlation": story.message.correlation,
                    "verdict": story.verdict,
                    "replies": [
                        {"id": r.pk, "message": r.provider_message_id, "author": r.author, "status": r.status}
                        for r in story.replies
                    ],
                    "steps": [
                        {
                            "step": s.step, "verdict": s.verdict, "reason": s.reason,
                            "sentence": s.sentence, "detail": s.detail, "ms": s.ms, "at": s.at.isoformat(),
                        }
                        for s in story.steps
                    ],
                }
            )  # fmt: skip
            return
        self.stdout.write(story.verdict)
        for s in story.steps:
            self.stdout.write(
                f"{s.ms:>7} ms  {s.verdict:<5} {s.step:<13} {s.reason:<22} {s.sentence}"
            )
        for r in story.replies:
            self.stdout.write(f"reply {r.provider_message_id or r.pk}: {r.get_status_display()}")
