"""Schemas made ahead: a sign-up takes one, whose tables were made while nobody waited for them.

There are SPARE_WORKSPACES of this program's version. Where none is left a sign-up makes its own
(workspaces.schemas), so they may all be away at any time.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from lib import events
from workspaces import blueprint, schemas, scope, walls
from workspaces.models import SpareSchema, Workspace

_log = logging.getLogger(__name__)
# Hosts that were told different numbers shall not make and drop against each other.
_SURPLUS_STAYS = timedelta(hours=1)
# Nobody waits for a dump that reads one; and a host that is cut off meanwhile holds nothing up.
_PATIENCE = (
    "SET LOCAL lock_timeout = '300ms'; SET LOCAL idle_in_transaction_session_timeout = '30s'"
)


@dataclass(frozen=True)
class _Spare:
    pk: int
    version: str
    made_at: datetime
    is_good: bool  # its schema is there, and nobody's


def keep(*, now: datetime) -> tuple[int, int]:
    """Make what is missing, drop what is too many or no good any more; return both counts.

    Each in its own transaction, by one process at a time. Those of a newer version belong to
    processes that are newer than this one, and are left alone.
    """
    made = dropped = 0
    while len(_mine(_all())) < settings.SPARE_WORKSPACES and _make(now):
        made += 1
    for pk in _left_over(_all(), now):
        dropped += _drop(pk)
    if made or dropped:
        events.publish("workspaces.spares.kept", params={"made": made, "dropped": dropped})
    return made, dropped


def forsake() -> None:
    """Let no sign-up take those that are there; `keep` makes others, and drops these.

    After a migration their tables may differ from what their version promises: one that was
    taken back and another in its place have the same number.
    """
    with scope.owner():
        if walls.has_table(SpareSchema._meta.db_table):  # its migration may have been taken back
            SpareSchema.objects.update(schema_version="")


def _all() -> list[_Spare]:
    with scope.owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, s.schema_version, s.made_at, "  # noqa: S608 - a constant
            f"{schemas.IS_SPARE} FROM workspaces_spareschema s ORDER BY s.id"
        )
        return [_Spare(*row) for row in cursor.fetchall()]


def _mine(there: list[_Spare]) -> list[_Spare]:
    version = blueprint.current_version()
    return [spare for spare in there if spare.version == version and spare.is_good]


def _left_over(there: list[_Spare], now: datetime) -> list[int]:
    mine = _mine(there)
    surplus = mine[settings.SPARE_WORKSPACES :]
    useless = [
        spare for spare in there if spare not in mine and not blueprint.is_newer(spare.version)
    ]
    return [
        *(spare.pk for spare in useless),
        *(spare.pk for spare in surplus if spare.made_at < now - _SURPLUS_STAYS),
    ]


def _make(now: datetime) -> bool:
    """Make one; False when another process is at it, or has been."""
    with scope.owner(), transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('spare-schemas', 0))")
        if not cursor.fetchone()[0] or len(_mine(_all())) >= settings.SPARE_WORKSPACES:
            return False
        name = schemas.new_name()
        schemas.make_tables(name)
        SpareSchema.objects.create(
            schema_name=name, schema_version=blueprint.current_version(), made_at=now
        )
    return True


def _drop(pk: int) -> bool:
    """Drop one; False when a sign-up has its hand on it, or it cannot be dropped now.

    A workspace's schema is never dropped, whatever a table says that somebody restored in part.
    """
    try:
        with scope.owner(), transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(_PATIENCE)
            row = SpareSchema.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is None:
                return False
            if not Workspace.objects.filter(schema_name=row.schema_name).exists():
                cursor.execute(f'DROP SCHEMA IF EXISTS "{row.schema_name}" CASCADE')
            row.delete()
    except DatabaseError:
        _log.warning("workspaces.spares.not-dropped", exc_info=True)
        return False  # the next time, then
    return True
