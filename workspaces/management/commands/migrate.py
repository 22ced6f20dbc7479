"""`migrate` for public tables and every workspace, as the owner of the tables; then the walls."""

from typing import Any

from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from workspaces import schemas, scope, walls
from workspaces.models import Workspace


class Command(MigrateSchemasCommand):
    help = (
        "Brings the public tables and every workspace's schema up to date, then raises the walls."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with scope.owner():
            super().handle(*args, **options)
        # The library's executor closes the connection in between: enter anew.
        with scope.owner():
            with_roles = walls.raise_walls()
            for space in Workspace.objects.all():
                walls.grant_schema(space.schema_name)
            Workspace.objects.exclude(schema_version=schemas.current_version()).update(
                schema_version=schemas.current_version()
            )
        if not with_roles and options["verbosity"]:
            self.stderr.write(
                "This database user may not create roles: the row wall is forced on it instead."
            )
