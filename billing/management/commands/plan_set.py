"""Put a workspace on a plan."""

from argparse import ArgumentParser
from typing import Any

from billing import plans
from billing.models import Subscription
from lib import clock
from workspaces import scope
from workspaces.operating import OperatorCommand, anticipates, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = "Put a workspace on a plan (free, starter, pro) in a state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("--plan", required=True, help="a plan's code, such as free")
        parser.add_argument("--state", default="active", choices=Subscription.State.values)

    @anticipates(plans.UnableToChangePlan)
    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        with scope.workspace(space):
            plans.change(
                workspace=space,
                plan=options["plan"],
                state=options["state"],
                actor=None,
                actor_kind="command",
                now=clock.now(),
            )
        self.stdout.write(f"{space.slug} is on {options['plan']}, {options['state']}.")
