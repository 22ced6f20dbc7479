"""A number that does not come back by itself: one incident at a time, of which people are told."""

import logging
from datetime import datetime, timedelta

from django.db.models import F

from connections.models import Connection, Incident
from lib import events, phones
from workspaces import notices
from workspaces.models import Workspace

MOST_FAILURES = 10
PATIENCE = timedelta(minutes=2)


def count_failure(*, connection: Connection, reason: str, now: datetime) -> None:
    """Count a try that failed; after MOST_FAILURES in a row it is an incident."""
    Connection.objects.filter(pk=connection.pk).update(failures=F("failures") + 1)
    connection.refresh_from_db(fields=["failures"])
    if connection.failures >= MOST_FAILURES:
        open_one(connection=connection, detail=reason, now=now)


def open_one(*, connection: Connection, detail: str, now: datetime) -> bool:
    """Open an incident, unless the number has one; tell owners and staff. Returns whether it is new."""
    incident, is_new = Incident.objects.get_or_create(
        connection=connection,
        closed_at=None,
        defaults={
            "workspace_id": connection.workspace_id,
            "code": connection.state_code[:40],
            "detail": detail[:300],
            "opened_at": now,
        },
    )
    if is_new:
        name = phones.show(connection.phone) if connection.phone else "Your linked phone"
        notices.tell_owners(
            workspace=Workspace.objects.get(pk=connection.workspace_id),
            key=f"incident:{incident.pk}",
            text=f"{name} is not connected. {detail} Messages that came in are kept; "
            "answers wait until it is back.",
            now=now,
        )
        events.publish(
            "connections.incident.opened",
            workspace=connection.workspace_id,
            params={"connection": connection.pk, "incident": incident.pk},
            meta={"code": connection.state_code},
            level=logging.WARNING,
        )
    return is_new


def close(*, connection: Connection, now: datetime) -> bool:
    """Close the number's incident, if it has one."""
    closed = Incident.objects.filter(connection=connection, closed_at__isnull=True).update(
        closed_at=now
    )
    if closed:
        events.publish(
            "connections.incident.closed",
            workspace=connection.workspace_id,
            params={"connection": connection.pk},
        )
    return bool(closed)
