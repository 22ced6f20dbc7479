"""`migrate` for public tables and every workspace, as the owner of the tables; then the walls.

Public tables go Django's way, workspaces the way of `migrate_workspaces`. What that cannot do
(back to an earlier migration, --fake) is left to the library, schema by schema.
"""

import threading
from typing import Any

from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from workspaces import migrating, scope, spares, walls
from workspaces.database.base import SYSTEM_ROLE
from workspaces.management.commands.migrate_workspaces import stopping
from workspaces.migrating import Outcome
from workspaces.models import Workspace
from workspaces.operating import Failed

_LIBRARY_OPTIONS = ("app_label", "migration_name", "fake", "fake_initial", "prune")


class Command(MigrateSchemasCommand):
    help = (
        "Brings the public tables and every workspace's schema up to date, then raises the walls."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if any(options.get(name) for name in _LIBRARY_OPTIONS):
            self._public_and_library(*args, **options)
            self._note_versions()
            self._finish(options)
            return
        is_public = not options["tenant"] and options.get("schema_name") in (None, "public")
        is_tenants = not options["shared"] and options.get("schema_name") != "public"
        if is_public:
            self._public_and_library(*args, **{**options, "shared": True, "schema_name": None})
        if options.get("plan") or options.get("check_unapplied"):
            if is_tenants and options.get("check_unapplied") and migrating.find_behind():
                raise SystemExit(1)
            return
        if is_tenants:
            try:
                self._migrate_workspaces(options)
            finally:
                self._finish(options)
        else:
            self._finish(options)

    def _public_and_library(self, *args: Any, **options: Any) -> None:
        with scope.owner():
            super().handle(*args, **options)

    def _migrate_workspaces(self, options: dict[str, Any]) -> None:
        only = None
        if options.get("schema_name"):
            with scope.owner():
                only = Workspace.objects.filter(schema_name=options["schema_name"]).first()
            if only is None:
                raise Failed(f"There is no workspace with the schema {options['schema_name']}.")

        def tell(outcome: Outcome) -> None:
            if options["verbosity"] and outcome.state != "current":
                reason = f": {outcome.reason}" if outcome.reason else ""
                self.stdout.write(
                    f"  {outcome.slug} ({outcome.schema}) {outcome.state} {outcome.ms} ms{reason}"
                )

        stop = threading.Event()
        with stopping(stop):
            report = migrating.run(only=only, tell=tell, stop=stop)
        if not report.is_done:
            raise Failed(
                f"{report.left} workspaces are still behind. `manage.py migrate_workspaces` goes on."
            )

    def _note_versions(self) -> None:
        """Write on the rows what the library made of the schemas."""
        with scope.owner():
            for each in migrating.verify():
                Workspace.objects.filter(schema_name=each.schema).update(schema_version=each.has)

    def _finish(self, options: dict[str, Any]) -> None:
        spares.forsake()
        # The library's executor closes the connection in between: enter anew.
        with scope.owner():
            with_roles = walls.raise_walls()
            for schema in walls.closed_schemas():
                walls.grant_schema(schema)
        if not with_roles and options["verbosity"]:
            self.stderr.write(
                "This database user may not create roles: the row wall is forced on it instead."
            )
        elif options["verbosity"]:
            with scope.owner():
                for role in walls.missing_roles():
                    self.stderr.write(
                        f"This database user may not create the role {role}; what should work in it"
                        f" works in {SYSTEM_ROLE}. Have an administrator run CREATE ROLE {role}"
                        f" NOLOGIN; GRANT {role} TO this user; then migrate again."
                    )
