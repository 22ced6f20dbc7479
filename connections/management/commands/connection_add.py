"""Connect a number to a workspace."""

import os
from argparse import ArgumentParser
from typing import Any

from connections import manager, providers, verify_tokens
from connections.providers.base import ProviderError
from lib import clock, phones
from workspaces import scope
from workspaces.operating import OperatorCommand, anticipates, find_workspace, workspace_argument


class Command(OperatorCommand):
    help = (
        "Connect a number, or renew its credentials. Secrets may come from the environment"
        " (WHATSAPP_ACCESS_TOKEN, WHATSAPP_CONNECTION_SECRET) to keep them out of the process list."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument("--provider", default="cloud_api", choices=providers.all_names())
        parser.add_argument("--phone", required=True, help="the number, such as +2348031234567")
        parser.add_argument(
            "--phone-number-id", required=True, metavar="ID", help="Meta's id of the number"
        )
        parser.add_argument(
            "--waba-id", default="", metavar="ID", help="the WhatsApp Business account"
        )
        parser.add_argument("--access-token", default="", metavar="T")
        parser.add_argument(
            "--app-secret", default="", metavar="X", help="of the owner's own Meta app"
        )
        parser.add_argument("--check", action="store_true", help="ask Meta about the number now")
        parser.add_argument("--json", action="store_true", help="print JSON")

    @anticipates(manager.UnableToConnect)
    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        token = options["access_token"] or os.environ.get("WHATSAPP_ACCESS_TOKEN", "")
        if not token:
            raise manager.UnableToConnect(
                "The access token is missing: --access-token or WHATSAPP_ACCESS_TOKEN."
            )
        with scope.workspace(space):
            connection = manager.add(
                workspace=space,
                provider=options["provider"],
                phone=options["phone"],
                external_id=options["phone_number_id"],
                account_id=options["waba_id"],
                secrets={
                    "access_token": token,
                    "app_secret": options["app_secret"]
                    or os.environ.get("WHATSAPP_CONNECTION_SECRET", ""),
                },
                actor=None,
                is_verified=True,  # an operator knows whose number it is
                now=clock.now(),
            )
            problem = ""
            if options["check"]:
                try:
                    manager.check(connection=connection, now=clock.now())
                except ProviderError as error:
                    problem = error.sentence
            connection.refresh_from_db()
        if options["json"]:
            self.print_json(
                {
                    "id": connection.pk,
                    "workspace": space.slug,
                    "phone": connection.phone,
                    "state": connection.state,
                    "problem": problem,
                    "verify_token": verify_tokens.token_of(connection),
                }
            )
        else:
            self.stdout.write(
                f"Connected {phones.show(connection.phone)} to {space.slug} ({connection.get_state_display()})."
            )
            self.stdout.write(f"Verify token for Meta: {verify_tokens.token_of(connection)}")
            if problem:
                self.stderr.write(f"The check found: {problem}")
