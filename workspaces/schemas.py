"""Make and remove workspaces: the row, its people and its schema in one transaction."""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, connection, transaction
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS

from lib import events, jobs, zones
from workspaces import audit, blueprint, scope, walls
from workspaces.models import Member, User, Workspace

# Paths that a slug would shadow or that would look official.
RESERVED_SLUGS = frozenset({"admin", "api", "new", "staff", "static", "support", "www", "backroom"})
_TIME_ZONES = {"NG": "Africa/Lagos", "GH": "Africa/Accra", "KE": "Africa/Nairobi", "ZA": "Africa/Johannesburg",
               "GB": "Europe/London", "US": "America/New_York"}  # fmt: skip


# Of a row `s` of the spare schemas: its schema is there, and nobody's. Rows and schemas may have
# been restored apart from each other.
IS_SPARE = (
    "EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = s.schema_name) AND NOT EXISTS ("
    "SELECT FROM workspaces_workspace w WHERE w.schema_name = s.schema_name)"
)


class UnableToCreateWorkspace(Exception):
    """The workspace cannot be made; the message is a sentence for the person who asked."""


def create(
    *,
    name: str,
    slug: str,
    country: str,
    owner: User,
    now: datetime,
    time_zone: str = "",
    kind: str = "",
    city: str = "",
    setup: Mapping[str, object] | None = None,
    actor_kind: str = "member",
) -> Workspace:
    """Make a workspace with its schema, its owner and what the other rooms found in it.

    `setup` is how far its beginning is (workspaces.onboarding), with the owner's first wishes.
    All in one transaction: after a crash there is a whole workspace or none. Its schema is one
    that was made ahead (workspaces.spares); where there is none its tables are made here.
    Raises UnableToCreateWorkspace with a sentence.
    """
    name, slug, country = name.strip(), slug.strip().lower(), country.strip().upper()
    zone = time_zone or _TIME_ZONES.get(country, "UTC")
    _check(name=name, slug=slug, country=country, zone=zone)
    space = Workspace(
        name=name,
        slug=slug,
        country=country,
        time_zone=zone,
        schema_version=blueprint.current_version(),
        kind=kind,
        city=city.strip(),
        setup=dict(setup or {}),
        created_at=now,
    )
    with scope.owner(), transaction.atomic():
        spare = _take_spare(space.schema_version)
        space.schema_name = spare or new_name()
        try:
            with transaction.atomic():
                space.save()
        except IntegrityError as error:  # the constraint also knows who was faster just now
            raise UnableToCreateWorkspace(
                f"The address /w/{slug}/ is taken. Choose another."
            ) from error
        if spare is None:
            make_tables(space.schema_name)
        Member.objects.create(workspace=space, user=owner, role=Member.Role.OWNER)
        audit.record(
            action="workspace.created", workspace=space, actor=owner, actor_kind=actor_kind, now=now
        )
        # Each room prepares its part (trial, settings); named in settings, as nothing here
        # may know the rooms above.
        for step in settings.WORKSPACE_FOUNDATIONS:
            with scope.owner(space.schema_name):
                import_string(step)(workspace=space, now=now)
    events.publish("workspaces.workspace.created", workspace=space.pk)
    jobs.enqueue("workspaces.keep_spares", queue="housekeeping")
    return space


def _take_spare(version: str) -> str | None:
    """Take a schema that was made ahead, for good once this transaction commits.

    Two sign-ups at a time never see the same one.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM workspaces_spareschema WHERE id = ("  # noqa: S608 - a constant
            "SELECT s.id FROM workspaces_spareschema s"
            f" WHERE s.schema_version = %s AND {IS_SPARE}"
            " ORDER BY s.id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING schema_name",
            [version],
        )
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def new_name() -> str:
    """Return a name for a schema that no other has."""
    return f"w_{secrets.token_hex(6)}"


def suggest_slug(name: str) -> str:
    """Return an address made of the name, free at the moment of asking."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "shop"
    with scope.system():
        taken = set(Workspace.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    if base not in taken and base not in RESERVED_SLUGS:
        return base
    return next(f"{base}-{n}" for n in range(2, 10_000) if f"{base}-{n}" not in taken)


def _check(*, name: str, slug: str, country: str, zone: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise UnableToCreateWorkspace(
            "The address may have letters, digits and hyphens only, for example ada-fabrics."
        ) from error
    if not name or len(name) > 120 or any(unicodedata.category(c) == "Cc" for c in name):
        raise UnableToCreateWorkspace("Give the business a name of at most 120 characters.")
    if len(slug) > 50 or slug in RESERVED_SLUGS:
        raise UnableToCreateWorkspace(f"The address {slug} cannot be used. Choose another.")
    if country not in SUPPORTED_REGIONS:
        raise UnableToCreateWorkspace("Give the country as two letters, for example NG.")
    if zone not in zones.known():
        raise UnableToCreateWorkspace("Give a time zone such as Africa/Lagos.")


def make_tables(schema: str) -> None:
    """Make a schema with a workspace's tables (within a transaction)."""
    sql, relations = blueprint.template(), blueprint.relations()
    with scope.owner(schema), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema}"')
        # The path was set before the schema was there, so PostgreSQL resolves it anew.
        cursor.execute(f'SET LOCAL search_path = "{schema}"')
        cursor.execute(sql)
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " SELECT app, name, now() FROM unnest(%s::text[], %s::text[]) AS n(app, name)",
            [list(words) for words in zip(*blueprint.nodes(), strict=True)],
        )
        walls.grant_schema(schema, relations)
        cursor.execute(f'SET LOCAL search_path = "{schema}", public')


class UnableToDeleteWorkspace(Exception):
    """The workspace cannot be removed; the message says why."""


def delete(
    *,
    workspace: Workspace,
    now: datetime,
    only_if_closed_by: datetime | None = None,
    actor_kind: str = "command",
) -> dict[str, int]:
    """Remove a workspace: its schema and every public row of it, in one transaction.

    With `only_if_closed_by` only one that is being closed, and whose grace is over by then; its
    row is held meanwhile, so that nobody keeps it half way. Raises UnableToDeleteWorkspace.

    Returns the number of rows removed per public table. Members' accounts stay: people may
    belong elsewhere. The audit keeps one entry that it happened, without content.
    """
    removed: dict[str, int] = {}
    with scope.owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('workspace-delete', %s))", [workspace.pk]
        )
        if only_if_closed_by is not None:
            held = Workspace.objects.select_for_update().filter(
                pk=workspace.pk, state=Workspace.State.CLOSING, erase_at__lte=only_if_closed_by
            )
            if held.first() is None:
                raise UnableToDeleteWorkspace(f"{workspace.slug} is not to be erased now.")
        cursor.execute("SELECT set_config('backroom.erasing', %s, true)", [str(workspace.pk)])
        for step in settings.WORKSPACE_ERASURES:
            import_string(step)(workspace=workspace)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table, column in _by_dependency(walls.guarded_tables()):
            cursor.execute(f"DELETE FROM public.{table} WHERE {column} = %s", [workspace.pk])  # noqa: S608
            removed[table] = cursor.rowcount
        cursor.execute(f'DROP SCHEMA IF EXISTS "{workspace.schema_name}" CASCADE')
        audit.record(
            action="workspace.deleted",
            actor_kind=actor_kind,
            target=workspace.slug,
            now=now,
        )
    events.publish("workspaces.workspace.deleted", workspace=workspace.pk)
    return removed


def _by_dependency(tables: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Order tables so that rows go before the rows they point at (foreign keys are deferred)."""
    return sorted(tables, key=lambda pair: pair[0] == "workspaces_workspace")
