"""Compare the tables that sign-up makes with those that migrations make."""

from typing import Any

from config import fidelity
from workspaces import blueprint
from workspaces.operating import Failed, OperatorCommand, anticipates


class Command(OperatorCommand):
    help = "Compare the dump of a schema that sign-up would make with that of a migrated one."

    @anticipates(fidelity.UnableToCompare, blueprint.UnableToPlan)
    def handle(self, *args: Any, **options: Any) -> None:
        lines = fidelity.differences()
        for line in lines:
            self.stdout.write(line)
        if lines:
            raise Failed("A new workspace's tables are not those of a migrated one.")
        self.stdout.write("A new workspace's tables are those of a migrated one.")
