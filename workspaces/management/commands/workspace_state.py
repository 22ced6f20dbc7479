"""Suspend or reactivate a workspace."""

from argparse import ArgumentParser
from typing import Any

from lib import clock
from workspaces import registry, states
from workspaces.operating import OperatorCommand, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = "Suspend a workspace (the bot and all sends stop; messages are kept) or make it active again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("state", choices=["suspended", "active"])
        parser.add_argument("--reason", required=True, help="kept in the audit")

    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        act = states.suspend if options["state"] == "suspended" else states.reactivate
        changed = act(
            workspace_id=space.pk,
            reason=options["reason"],
            actor=None,
            actor_kind="command",
            now=clock.now(),
        )
        registry.forget()
        state = options["state"]
        self.stdout.write(f"{space.slug} is {'now' if changed else 'already'} {state}.")
