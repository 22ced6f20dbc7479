"""Looks after linked phones: who may stay connected, what nobody tells, what lasts too long.

The engine connects again by itself and tells everything through the inbox. Here is what it
cannot know (plans, people) and what it cannot tell (that it is gone itself).
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db import transaction

from connections import incidents, manager, outbox
from connections.linked import states
from connections.linked.models import LinkedSession
from connections.models import Connection, ConnectionEvent
from lib import events, jobs
from workspaces import scope

_log = logging.getLogger(__name__)
State = Connection.State
Wanted = LinkedSession.Wanted

NOT_SERVED, STOPPED, AGAIN, NO_ENGINE, QUIET = (
    "not_served", "stopped", "again", "no_engine", "quiet",
)  # fmt: skip
_NOT_SERVED = (
    "The plan of this workspace has ended, so the number is disconnected; its link is kept. "
    "Choose a plan and it connects by itself."
)
_STOPPED = (
    "The plan of this workspace has ended, so linking was stopped. Choose a plan, then link the "
    "phone again."
)
_GONE = "Our link service is being restarted; the number comes back by itself."
_ABSENT = "Our link service does not answer at the moment. Nothing to do: the code appears as soon as it is back."
_CHECKING = "Nobody has written for hours, which is unusual; the line is being checked."
# An event takes a second at most; what differs for longer was missed.
_MIRROR_AFTER = timedelta(seconds=10)
_LONGEST_REST, _SHORT_REST = timedelta(seconds=75), timedelta(seconds=5)
_GONE_AFTER = timedelta(seconds=8)
_QUIET_AFTER, _QUIET_UNTIL = timedelta(hours=6), timedelta(days=3)
_MOST = 500
# A probe of a line that is dead takes many seconds, in the queue in which this waits too.
_MOST_PROBES = 1

_UNSERVED = """
SELECT s.connection_id, s.creds IS NOT NULL FROM connections_linkedsession s
LEFT JOIN billing_subscription b ON b.workspace_id = s.workspace_id
WHERE s.wanted = 'on' AND COALESCE(b.state, 'cancelled') = 'cancelled'
  -- Not those that are logged out, or that nobody ever scanned: nothing of theirs is connected.
  AND (s.creds IS NOT NULL OR s.linked_serial < s.link_serial OR s.state IN ('connecting', 'pairing'))
LIMIT %s
"""
_SERVED_AGAIN = """
SELECT s.connection_id, c.state_code FROM connections_linkedsession s
JOIN connections_connection c ON c.id = s.connection_id AND c.removed_at IS NULL
JOIN billing_subscription b ON b.workspace_id = s.workspace_id
WHERE s.wanted = 'off' AND s.state = 'off' AND s.creds IS NOT NULL AND c.state_code = ANY(%s) AND b.state <> 'cancelled' LIMIT %s
"""
# What the number shows for each state of its session, where one word is enough.
_DIFFERS = """
SELECT c.id, s.state, s.state_code, s.state_reason, s.state_until, s.phone
FROM connections_linkedsession s
JOIN connections_connection c ON c.id = s.connection_id AND c.removed_at IS NULL
JOIN (VALUES ('open', 'connected'), ('backoff', 'reconnecting'), ('logged_out', 'logged_out'),
    ('passkey_required', 'needs_passkey'), ('banned', 'blocked'), ('outdated', 'reconnecting'),
    ('replaced', 'not_connected'), ('needs_human', 'not_connected'), ('expired', 'not_connected'),
    ('connecting', 'reconnecting'))
    AS shown(said, seen) ON shown.said = s.state
WHERE s.wanted = 'on' AND s.linked_serial = s.link_serial AND s.state_at < %(before)s
  AND c.state <> shown.seen AND c.state_changed_at < %(before)s AND c.state <> 'silent'
  AND (s.state <> 'open' OR s.lease_until > clock_timestamp())
  AND (s.state <> 'connecting' OR (s.phone IS NOT NULL AND s.state_reason IS DISTINCT FROM 'scanned'))
LIMIT %(most)s
"""
# Only of a line that opened since the longest rest began: one that is open and does not answer
# is left its rests.
_RESTING = """
UPDATE connections_connection c SET slow_until = NULL FROM connections_linkedsession s
WHERE s.connection_id = c.id AND s.state = 'open' AND s.lease_until > clock_timestamp()
  AND s.state_at BETWEEN %(since)s AND %(before)s AND c.slow_until > %(soon)s
RETURNING c.id, c.workspace_id
"""
_ORPHANED = """
SELECT c.id, c.state FROM connections_linkedsession s
JOIN connections_connection c ON c.id = s.connection_id AND c.removed_at IS NULL
WHERE s.wanted = 'on' AND COALESCE(s.lease_until, '-infinity') < %(gone)s AND (
    c.state IN ('connected', 'silent')
    OR (c.state IN ('connecting', 'waiting_for_scan') AND c.state_code <> 'no_engine'
        AND s.linked_serial < s.link_serial AND c.state_changed_at < %(gone)s)) LIMIT %(most)s
"""


def look(*, now: datetime) -> dict[str, int]:
    """Look at all linked phones once (housekeeping); what was found, by what it was."""
    found: dict[str, int] = {}
    with scope.system():
        for name, step in _STEPS.items():
            try:
                count = step(now)
            except Exception:  # the others are not to suffer; this one is done again soon
                _log.exception("connections.supervise.failed")
                continue
            if count:
                found[name] = count
    if found:
        events.publish("connections.linked.supervised", meta=dict(found))
    return found


def reconnect_all(*, now: datetime, workspace_id: int | None = None) -> int:
    """Have every linked phone that rests for a reason that may have passed tried once more.

    Those that were taken over by another program, or that nobody could open. The engine
    connects all others by itself. Returns how many.
    """
    with scope.system(), transaction.atomic():
        rows = LinkedSession.objects.select_for_update(skip_locked=True).filter(
            wanted=Wanted.ON, state__in=["replaced", "needs_human"], creds__isnull=False,
            connection__removed_at__isnull=True,
        )  # fmt: skip
        if workspace_id is not None:
            rows = rows.filter(workspace_id=workspace_id)
        resting = list(rows.values_list("pk", "connection_id"))
        LinkedSession.objects.filter(pk__in=[pk for pk, _ in resting]).update(wanted=Wanted.OFF)
        rested = Connection.objects.filter(pk__in=[pk for _, pk in resting])
        rested.update(last_disconnected_at=now)  # the patience with them begins anew
        for connection in rested:
            manager.change_state(
                connection=connection, state=State.RECONNECTING, code=AGAIN,
                reason="The line is tried once more.", now=now,
            )  # fmt: skip
    return len(resting)


def _rows(query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _rest(now: datetime) -> int:
    """Disconnect the phones of workspaces without a trial or a plan; their keys are kept."""
    rows = _rows(_UNSERVED, [_MOST])
    has_keys: dict[int, bool] = dict(rows)
    for connection in Connection.objects.filter(pk__in=list(has_keys)):
        is_kept = has_keys[connection.pk]
        with transaction.atomic():
            LinkedSession.objects.filter(connection=connection).update(
                wanted=Wanted.OFF, pairing=None
            )
            incidents.close(connection=connection, now=now)
            manager.change_state(
                connection=connection, state=State.NOT_CONNECTED,
                code=NOT_SERVED if is_kept else STOPPED,
                reason=_NOT_SERVED if is_kept else _STOPPED, now=now,
            )  # fmt: skip
    return len(rows)


def _wake(now: datetime) -> int:
    """Connect those whose workspace is served (again), or that are to be tried once more."""
    rows = _rows(_SERVED_AGAIN, [[NOT_SERVED, AGAIN], _MOST])
    for connection in Connection.objects.filter(pk__in=[pk for pk, _ in rows]):
        with transaction.atomic():
            LinkedSession.objects.filter(connection=connection).update(wanted=Wanted.ON)
            # Since when it is being connected: not since it was disconnected for want of a plan.
            Connection.objects.filter(pk=connection.pk).update(last_disconnected_at=now)
            manager.change_state(
                connection=connection, state=State.RECONNECTING, code="", reason="", now=now
            )
    return len(rows)


def _mirror(now: datetime) -> int:
    """Take over what a session's row says where its event was missed."""
    rows = _rows(_DIFFERS, {"before": now - _MIRROR_AFTER, "most": _MOST})
    for pk, state, code, reason, until, phone in rows:
        connection = Connection.objects.select_related("workspace").get(pk=pk)
        states.apply(
            connection=connection,
            state=str(state),
            code=str(code or ""),
            reason=str(reason or ""),
            until=until,
            phone=str(phone or ""),
            now=now,
        )
    return len(rows)


def _rested(now: datetime) -> int:
    """Let numbers send again that rest though their line has come back: it was not told."""
    since, before = now - _MIRROR_AFTER - _LONGEST_REST, now - _MIRROR_AFTER
    with transaction.atomic():
        rows = _rows(_RESTING, {"since": since, "before": before, "soon": now + _SHORT_REST})
        for pk, workspace_id in rows:
            outbox.wake(pk, workspace_id=workspace_id)
    return len(rows)


def _orphans(now: datetime) -> int:
    """Show that nobody holds a line that was open, or takes up a link that was asked for."""
    rows = _rows(_ORPHANED, {"gone": now - _GONE_AFTER, "most": _MOST})
    states_by_id: dict[int, str] = dict(rows)
    for connection in Connection.objects.filter(pk__in=list(states_by_id)):
        was_open = states_by_id[connection.pk] in (State.CONNECTED, State.SILENT)
        manager.change_state(
            connection=connection,
            state=State.RECONNECTING if was_open else State.CONNECTING,
            code=NO_ENGINE,
            reason=_GONE if was_open else _ABSENT,
            now=now,
        )
    if rows:
        events.publish(
            "connections.linked.no-engine", meta={"sessions": len(rows)}, level=logging.WARNING
        )
    return len(rows)


def _long_away(now: datetime) -> int:
    """Open an incident for each number that is being reconnected for two minutes."""
    rows = Connection.objects.select_related("workspace").filter(
        provider="linked_device",
        state=State.RECONNECTING,
        last_disconnected_at__lt=now - incidents.PATIENCE,
        state_changed_at__gt=now - timedelta(days=7),
    )
    away = rows.exclude(incidents__closed_at__isnull=True, incidents__isnull=False)[:_MOST]
    return sum(incidents.open_one(connection=one, detail=one.state_reason, now=now) for one in away)


def _quiet(now: datetime) -> int:
    """Have the lines checked on which nobody writes, though somebody did of late."""
    rows = Connection.objects.filter(
        provider="linked_device",
        state__in=[State.CONNECTED, State.SILENT],
        last_inbound_at__lt=now - _QUIET_AFTER,
        last_inbound_at__gt=now - _QUIET_UNTIL,
        state_changed_at__lt=now - _QUIET_AFTER,
    )[:_MOST]
    count = 0
    for connection in rows:
        was_checked = ConnectionEvent.objects.filter(
            connection=connection, kind__in=["checked", "check-failed"], at__gt=now - _QUIET_AFTER
        ).exists()
        if was_checked:
            continue
        count += 1
        manager.change_state(
            connection=connection, state=State.SILENT, code=QUIET, reason=_CHECKING, now=now
        )
        jobs.enqueue(
            "connections.probe",
            queue="housekeeping",
            workspace_id=connection.workspace_id,
            connection_id=connection.pk,
        )
        if count >= _MOST_PROBES:
            break
    return count


_STEPS = {
    "at rest": _rest,
    "woken": _wake,
    "mirrored": _mirror,
    "rested": _rested,
    "without engine": _orphans,
    "incidents": _long_away,
    "silent": _quiet,
}
