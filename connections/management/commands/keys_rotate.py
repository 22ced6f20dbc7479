"""Encrypt every stored secret under the current key."""

from argparse import ArgumentParser
from typing import Any

from connections import credentials
from connections.linked import keys
from connections.models import Connection
from lib import crypto
from workspaces import scope
from workspaces.operating import Failed, OperatorCommand


class Command(OperatorCommand):
    help = (
        "Encrypt stored secrets under the first key of BACKROOM_KEYS. Put the new key first and keep"
        " the old one until this says that no row needs it. May be interrupted and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = current = 0
        lost: list[int] = []
        with scope.system():
            for connection in Connection.objects.exclude(credentials="").iterator(200):
                if crypto.is_current(connection.credentials):
                    current += 1
                    continue
                before = connection.credentials
                try:
                    credentials.seal(connection, credentials.unseal(connection))
                except crypto.UnableToDecrypt:
                    lost.append(connection.pk)
                    continue
                # Compare-and-set: an owner may have entered new credentials meanwhile.
                rotated += Connection.objects.filter(pk=connection.pk, credentials=before).update(
                    credentials=connection.credentials
                )
            linked = keys.rewrap_all()
        rotated, current = rotated + linked.rotated, current + linked.current
        if options["json"]:
            self.print_json(
                {
                    "rotated": rotated,
                    "already_current": current,
                    "cannot_be_opened": [*lost, *linked.lost],
                }
            )
        else:
            self.stdout.write(f"{rotated} rotated, {current} were current.")
        problems = []
        if lost:
            problems.append(
                f"{len(lost)} cannot be opened with the keys that are set: connections {lost}."
            )
        if linked.lost:
            problems.append(
                f"{len(linked.lost)} linked phones cannot be opened with the keys that are set; "
                f"they have to be linked again: sessions {', '.join(linked.lost)}."
            )
        if problems:
            raise Failed(" ".join(problems))
