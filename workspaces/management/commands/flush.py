"""`flush` as the owner of the tables (tests with real transactions use it)."""

from typing import Any

from django.core.management.commands.flush import Command as FlushCommand

from workspaces import scope


class Command(FlushCommand):
    def handle(self, **options: Any) -> None:
        with scope.owner():
            super().handle(**options)
