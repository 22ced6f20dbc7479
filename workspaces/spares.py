"""Schemas made ahead: a sign-up takes one, whose tables were made while nobody waited for them.

There are SPARE_WORKSPACES of this program's version. Where none is left a sign-up makes its own
(workspaces.schemas), so they may all be away at any time.
"""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from lib import events
from workspaces import blueprint, schemas, scope
from workspaces.models import SpareSchema


def keep(*, now: datetime) -> tuple[int, int]:
    """Make what is missing, drop what is too many or of an older version; return both counts.

    Each in its own transaction, by one process at a time. Those of a newer version belong to
    processes that are newer than this one, and are left alone.
    """
    made = dropped = 0
    with scope.owner():
        there = set(SpareSchema.objects.values_list("pk", "schema_version"))
    for pk in _left_over(there):
        dropped += _drop(pk)
    while _count() < settings.SPARE_WORKSPACES and _make(now):
        made += 1
    if made or dropped:
        events.publish("workspaces.spares.kept", params={"made": made, "dropped": dropped})
    return made, dropped


def _left_over(there: set[tuple[int, str]]) -> list[int]:
    mine = blueprint.current_version()
    current = sorted(pk for pk, version in there if version == mine)
    older = [pk for pk, version in there if version != mine and not blueprint.is_newer(version)]
    return [*older, *current[settings.SPARE_WORKSPACES :]]


def _count() -> int:
    with scope.owner():
        return SpareSchema.objects.filter(schema_version=blueprint.current_version()).count()


def _make(now: datetime) -> bool:
    """Make one; False when another process is at it, or has been."""
    with scope.owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('spare-schemas', 0))")
        if not cursor.fetchone()[0] or _count() >= settings.SPARE_WORKSPACES:
            return False
        name = schemas.new_name()
        schemas.make_tables(name)
        SpareSchema.objects.create(
            schema_name=name, schema_version=blueprint.current_version(), made_at=now
        )
    return True


def _drop(pk: int) -> bool:
    """Drop one; False when a sign-up has taken it, or has its hand on it."""
    with scope.owner(), transaction.atomic(), connection.cursor() as cursor:
        row = SpareSchema.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if row is None:
            return False
        cursor.execute(f'DROP SCHEMA IF EXISTS "{row.schema_name}" CASCADE')
        row.delete()
    return True
