"""Give a person a role in a workspace."""

from argparse import ArgumentParser
from typing import Any

from lib import clock
from workspaces import members, scope
from workspaces.models import Member
from workspaces.operating import OperatorCommand, anticipates, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = "Give a person a role in a workspace; the account is made when there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", required=True, choices=Member.Role.values)

    @anticipates(members.UnableToAddMember)
    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        with scope.workspace(space):
            members.add(
                workspace=space,
                email=options["email"],
                role=options["role"],
                actor=None,
                now=clock.now(),
            )
        self.stdout.write(
            f"{options['email'].strip().lower()} is {options['role']} of {space.slug}."
        )
