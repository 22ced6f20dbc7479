"""List linked phones and who holds their lines, link one, or have all tried once more."""

import time
from argparse import ArgumentParser
from typing import Any

from connections import lifecycle
from connections.linked import supervising
from connections.linked.models import LinkedSession
from connections.models import Connection
from lib import clock, phones
from workspaces import scope
from workspaces.models import Workspace
from workspaces.operating import AskedWrongly, Failed, OperatorCommand, anticipates, find_workspace


class Command(OperatorCommand):
    help = (
        "List the linked phones of a workspace, or of all: state, since when, and the process that"
        " holds the line. With --link, begin to link a phone and print what is to be scanned."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", default="", metavar="SLUG", help="of one workspace only")
        parser.add_argument("--link", action="store_true", help="begin to link a phone")
        parser.add_argument("--code-for", default="", metavar="PHONE", help="by code, not by QR")
        parser.add_argument(
            "--disconnect", type=int, default=0, metavar="ID", help="unlink this connection"
        )
        parser.add_argument(
            "--reconnect-all", action="store_true", help="try those once more that rest"
        )
        parser.add_argument(
            "--wait", type=float, default=10.0, metavar="S", help="for the code, at most (10 s)"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    @anticipates(lifecycle.UnableToConnect)
    def handle(self, *args: Any, **options: Any) -> None:
        space = find_workspace(options["workspace"]) if options["workspace"] else None
        if (options["link"] or options["disconnect"] or options["code_for"]) and space is None:
            raise AskedWrongly("Say whose phone it is: --workspace SLUG.")
        if options["link"] or options["code_for"]:
            assert space is not None
            self._link(space, options)
        elif options["disconnect"]:
            assert space is not None
            self._disconnect(space, options["disconnect"])
        elif options["reconnect_all"]:
            count = supervising.reconnect_all(
                now=clock.now(), workspace_id=space.pk if space else None
            )
            self.stdout.write(f"{count} are tried once more.")
        else:
            self._list(space, is_json=options["json"])

    def _link(self, space: Workspace, options: dict[str, Any]) -> None:
        method = "code" if options["code_for"] else "qr"
        with scope.workspace(space):
            connection = lifecycle.create_connection(
                workspace=space,
                actor=None,
                now=clock.now(),
                method=method,
                phone=options["code_for"],
            )
            deadline = time.monotonic() + options["wait"]
            shown = None
            while shown is None and time.monotonic() < deadline:
                time.sleep(0.2)
                shown = lifecycle.get_qr(connection=connection, now=clock.now())
        if shown is None:
            raise Failed(
                f"Connection {connection.pk} waits, but no code came within {options['wait']:g} s: "
                "is the bridge running?"
            )
        if options["json"]:
            expires = shown.expires_at.isoformat() if shown.expires_at else None
            self.print_json(
                {"connection": connection.pk, shown.kind: shown.value, "expires_at": expires}
            )
        else:
            self.stdout.write(shown.value)

    def _disconnect(self, space: Workspace, pk: int) -> None:
        with scope.workspace(space):
            connection = Connection.objects.filter(workspace=space, pk=pk).first()
            if connection is None:
                raise Failed(f"This workspace has no connection {pk}.")
            lifecycle.disconnect(connection=connection, actor=None, now=clock.now())
        self.stdout.write(f"Connection {pk} is being unlinked.")

    def _list(self, space: Workspace | None, *, is_json: bool) -> None:
        now = clock.now()
        with scope.system():
            rows = LinkedSession.objects.select_related("connection", "workspace").order_by(
                "connection_id"
            )
            if space is not None:
                rows = rows.filter(workspace=space)
            found = [_row(session, now) for session in rows if not session.connection.removed_at]
        if is_json:
            self.print_json(found)
            return
        for row in found:
            self.stdout.write(
                f"{row['connection']:>6}  {row['workspace']:<20}  {row['phone']:<18}"
                f"  {row['state']:<16}  {row['session_state']:<16}  {row['owner'] or '-'}"
            )
        self.stdout.write(f"{len(found)} linked phones.")


def _row(session: LinkedSession, now: Any) -> dict[str, Any]:
    is_held = session.lease_until is not None and session.lease_until > now
    connection = session.connection
    return {
        "connection": connection.pk,
        "workspace": session.workspace.slug,
        # Support tells numbers apart by their ends; the whole one is the owner's to see.
        "phone": f"...{connection.phone[-4:]}" if connection.phone else phones.show(""),
        "state": connection.state,
        "code": connection.state_code,
        "session_state": session.state,
        "wanted": session.wanted,
        "owner": session.owner if is_held else None,
        "epoch": session.epoch,
        "since": connection.state_changed_at.isoformat(),
    }
