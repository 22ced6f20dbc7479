"""Make, list and take back the tokens of a workspace's programs."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from lib import clock
from workspaces import scope, tokens
from workspaces.models import ApiToken, Workspace
from workspaces.operating import (
    AskedWrongly,
    OperatorCommand,
    anticipates,
    find_workspace,
    workspace_argument,
)


class Command(OperatorCommand):
    help = (
        "Print a new token for the API (/api/docs/), alone on standard output. It cannot be shown"
        " again. --list shows a workspace's tokens, --revoke takes one back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        workspace_argument(parser)
        parser.add_argument(
            "--user", default="", metavar="EMAIL",
            help="the member whose role it has; default: nobody's, may do what a manager may",
        )  # fmt: skip
        parser.add_argument(
            "--days", type=int, metavar="N", help=f"until it expires, default {tokens.DAYS}"
        )
        parser.add_argument("--name", default="", metavar="TEXT", help="what it is for")
        parser.add_argument("--read-only", action="store_true", help="it may change nothing")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--list", action="store_true", help="show the tokens there are")
        instead.add_argument("--revoke", type=int, metavar="ID", help="take this one back")
        parser.add_argument("--json", action="store_true", help="print JSON")

    @anticipates(tokens.UnableToMakeToken, tokens.UnableToFindToken)
    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"])
        is_making = not options["list"] and options["revoke"] is None
        if not is_making and (options["user"] or options["days"] or options["name"]):
            raise AskedWrongly("--user, --days and --name are for a new token.")
        with scope.workspace(space):
            if options["list"]:
                self.show_all(space, is_json=options["json"], now=clock.now())
            elif options["revoke"] is not None:
                self.revoke(space, options["revoke"], is_json=options["json"])
            else:
                self.make(space, options)

    def make(self, space: Workspace, options: dict[str, Any]) -> None:
        made = tokens.make(
            workspace=space,
            email=options["user"],
            name=options["name"],
            days=tokens.DAYS if options["days"] is None else options["days"],
            scopes=[tokens.READ] if options["read_only"] else tokens.SCOPES,
            actor=None,
            now=clock.now(),
        )
        if options["json"]:
            self.print_json(
                {"token": made.text, "id": made.row.pk, "expires_at": _iso(made.row.expires_at)}
            )
        else:
            self.stdout.write(made.text)

    def show_all(self, space: Workspace, *, is_json: bool, now: datetime) -> None:
        rows = tokens.of_workspace(workspace=space)
        if is_json:
            self.print_json([_facts(row, now) for row in rows])
            return
        for row in rows:
            used = f"used {row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never used"
            self.stdout.write(
                f"{row.pk:>6}  {tokens.state(row, now=now):<8} until {row.expires_at:%Y-%m-%d}  {used:<22}"
                f"  {row.scopes:<11} {row.user.email if row.user else 'the workspace'}  {row.name}".rstrip()
            )
        if not rows:
            self.stdout.write(f"{space.slug} has no tokens.")

    def revoke(self, space: Workspace, token_id: int, *, is_json: bool) -> None:
        has_changed = tokens.revoke(workspace=space, token_id=token_id, actor=None, now=clock.now())
        if is_json:
            self.print_json({"id": token_id, "revoked": True, "changed": has_changed})
        else:
            word = "now" if has_changed else "already"
            self.stdout.write(f"Token {token_id} of {space.slug} is {word} revoked.")


def _facts(row: ApiToken, now: datetime) -> dict[str, object]:
    return {
        "id": row.pk,
        "name": row.name,
        "user": row.user.email if row.user else None,
        "scopes": row.scopes.split(),
        "state": tokens.state(row, now=now),
        "created_at": _iso(row.created_at),
        "expires_at": _iso(row.expires_at),
        "last_used_at": _iso(row.last_used_at),
        "revoked_at": _iso(row.revoked_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
