"""When a workspace wants to be looked at: asked in one query, so that a thousand idle ones cost nothing.

An alarm may ring early or once too often, never too late: it is set in the transaction that
makes it necessary, and taken off only while no such transaction is under way.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection as database
from django.db import transaction

from workspaces.models import Alarm, Workspace


def set_at_latest(*, workspace_id: int, kind: str, due_at: datetime) -> None:
    """Let the workspace be looked at by `due_at`; an earlier alarm stays.

    One statement. Who finds an earlier alarm shares a lock on it until the commit: others do
    the same at the same time, but `settle` cannot take it off meanwhile.
    """
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workspaces_alarm AS a (workspace_id, kind, due_at)"
            " SELECT %(workspace)s, %(kind)s, %(due)s WHERE NOT EXISTS ("
            "  SELECT 1 FROM workspaces_alarm WHERE workspace_id = %(workspace)s AND kind = %(kind)s"
            "  AND due_at <= %(due)s FOR KEY SHARE)"
            " ON CONFLICT (workspace_id, kind) DO UPDATE SET due_at = EXCLUDED.due_at"
            " WHERE a.due_at > EXCLUDED.due_at",
            {"workspace": workspace_id, "kind": kind, "due": due_at},
        )


def due(*, kind: str, now: datetime, limit: int = 500) -> list[int]:
    """Return the active workspaces whose alarm rings, longest first (system scope)."""
    rows = Alarm.objects.filter(
        kind=kind, due_at__lte=now, workspace__state=Workspace.State.ACTIVE
    ).order_by("due_at")
    return list(rows.values_list("workspace_id", flat=True)[:limit])


def is_set(*, workspace_id: int, kind: str) -> bool:
    """Say whether there is an alarm, due or not. Call in the workspace's scope, or the system's."""
    return Alarm.objects.filter(workspace_id=workspace_id, kind=kind).exists()


def settle(*, workspace_id: int, kind: str, find_next: Callable[[], datetime | None]) -> bool:
    """Set the alarm to what `find_next` says, or take it off when that is None.

    False when somebody is setting it right now: then it stays as it is and rings again.
    `find_next` only reads: whoever waits for our lock may hold the rows that it asks for.
    """
    with transaction.atomic():
        alarm = (
            Alarm.objects.select_for_update(skip_locked=True)
            .filter(workspace_id=workspace_id, kind=kind)
            .first()
        )
        if alarm is None:
            return False
        moment = find_next()
        if moment is None:
            alarm.delete()
        else:
            Alarm.objects.filter(pk=alarm.pk).update(due_at=moment)
    return True


def put_off(*, workspace_id: int, kind: str, until: datetime) -> None:
    """Let a workspace in trouble wait, so that it does not stand before the others."""
    Alarm.objects.filter(workspace_id=workspace_id, kind=kind).update(due_at=until)
