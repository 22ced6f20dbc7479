"""How the ways to WhatsApp are over all workspaces: counts only, for the status page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database

_LOOK_BACK = timedelta(minutes=15)


@dataclass(frozen=True)
class Way:
    """What one kind of connection did lately."""

    accepted: int = 0
    lost: int = 0  # nobody answered, or nobody knows what came of it
    lines: int = 0  # linked phones that should be on
    down: int = 0  # of them, those that our side cannot bring on


# The partial index on payloads finds the last minutes; a phone that its owner logged out is no fault.
_SENDS = """
SELECT c.provider, count(*) FILTER (WHERE j.state = 'accepted'),
    count(*) FILTER (WHERE j.state <> 'accepted' AND j.error_code IN ('unreachable', 'unknown_outcome'))
FROM connections_outboundjob j JOIN connections_connection c ON c.id = j.connection_id
WHERE j.payload IS NOT NULL AND j.created_at > %(since)s GROUP BY 1
"""
_LINES = """
SELECT count(*), count(*) FILTER (WHERE c.state_code = 'no_engine')
FROM connections_linkedsession s JOIN connections_connection c ON c.id = s.connection_id
WHERE s.wanted = 'on' AND c.removed_at IS NULL AND c.state IN ('connected', 'silent', 'reconnecting')
"""


def ways(*, now: datetime) -> dict[str, Way]:
    """Return each provider's last quarter of an hour (system scope)."""
    with database.cursor() as cursor:
        cursor.execute(_SENDS, {"since": now - _LOOK_BACK})
        found = {provider: Way(accepted, lost) for provider, accepted, lost in cursor.fetchall()}
        cursor.execute(_LINES)
        lines, down = cursor.fetchone()
    linked = found.get("linked_device", Way())
    return found | {"linked_device": Way(linked.accepted, linked.lost, lines, down)}
