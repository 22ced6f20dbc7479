"""Looks whether what WhatsApp took is delivered: a number that only seems to work is flagged."""

import logging
from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction

from connections import journal
from connections.models import Connection, ConnectionEvent
from lib import events
from workspaces import scope

SILENT, AGAIN = "accepted-never-delivered", "delivered-again"
# How many sends must have stayed undelivered, how old they are, and how often it is said.
_LEAST = 5
_YOUNGEST, _OLDEST = timedelta(minutes=2), timedelta(minutes=30)
_SAY_EVERY = timedelta(hours=1)

# Over the rows of the last half hour only (by the index of payloads' age), once a minute.
_LOOK = """
SELECT j.connection_id,
    count(*) FILTER (WHERE j.settled_at <= %(youngest)s) AS old,
    min(j.settled_at) AS since,
    COALESCE(bool_or(j.delivered_at >= c.undelivered_since), false) AS is_back
FROM connections_outboundjob j JOIN connections_connection c ON c.id = j.connection_id
WHERE j.payload IS NOT NULL AND j.created_at >= %(oldest)s AND j.state = 'accepted'
  AND j.kind NOT IN ('read', 'typing') AND c.removed_at IS NULL
GROUP BY 1
HAVING COALESCE(bool_or(j.delivered_at >= c.undelivered_since), false)
    OR (NOT bool_or(j.delivered_at IS NOT NULL)
        AND count(*) FILTER (WHERE j.settled_at <= %(youngest)s) >= %(least)s)
"""


def look(*, now: datetime) -> tuple[int, int]:
    """Flag the numbers of which nothing is delivered, clear those that are back (housekeeping).

    Returns how many are silent and how many came back. Call every minute.
    """
    with scope.system():
        with database.cursor() as cursor:
            cursor.execute(
                _LOOK, {"youngest": now - _YOUNGEST, "oldest": now - _OLDEST, "least": _LEAST}
            )
            rows = cursor.fetchall()
        silent = back = 0
        for pk, count, since, is_back in rows:
            connection = Connection.objects.get(pk=pk)
            with transaction.atomic():
                if is_back:
                    back += _clear(connection, now)
                else:
                    silent += 1
                    _flag(connection, count, since, now)
    return silent, back


def _flag(connection: Connection, count: int, since: datetime, now: datetime) -> None:
    Connection.objects.filter(pk=connection.pk, undelivered_since__isnull=True).update(
        undelivered_since=since
    )
    was_said = ConnectionEvent.objects.filter(
        connection=connection, kind=SILENT, at__gt=now - _SAY_EVERY
    ).exists()
    if was_said:
        return
    journal.note(
        connection,
        SILENT,
        detail=f"{count} messages since {since:%H:%M} UTC",
        now=now,
    )
    events.publish(
        "connections.number.silent",
        workspace=connection.workspace_id,
        params={"connection": connection.pk},
        meta={"undelivered": count},
        level=logging.WARNING,
    )


def _clear(connection: Connection, now: datetime) -> bool:
    cleared = Connection.objects.filter(
        pk=connection.pk, undelivered_since__isnull=False
    ).update(undelivered_since=None)  # fmt: skip
    if cleared:
        journal.note(connection, AGAIN, now=now)
        events.publish(
            "connections.number.delivering",
            workspace=connection.workspace_id,
            params={"connection": connection.pk},
        )
    return bool(cleared)
