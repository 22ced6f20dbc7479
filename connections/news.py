"""News about our own messages, handed out of the inbox: receipts and statuses, many at a time."""

import json
from collections.abc import Sequence
from datetime import datetime

from connections.models import InboundEvent
from lib import sql
from workspaces.models import Workspace

# What is read of a piece of news, in the model's order.
_FIELDS = (
    "id", "connection_id", "kind", "subject", "lane", "payload", "attempts", "correlation",
    "received_at",
)  # fmt: skip

# A lane at a time and by id: the index gives the oldest, however many wait behind them. The
# provider's own object in the payload is left where it is.
_TAKE = """
WITH line AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true),
        set_config('enable_seqscan', 'off', true), lane,
        pg_try_advisory_xact_lock(hashtextextended('drain ' || lane, %s::bigint)) AS is_ours
    FROM unnest(%b::int[]) AS lane)
SELECT w.state, w.state_reason, due.* FROM line JOIN workspaces_workspace w ON w.id = %s
CROSS JOIN LATERAL (
    SELECT e.id, e.connection_id, e.kind, e.subject, e.lane,
        jsonb_build_object('at', e.payload -> 'at', 'data', e.payload -> 'data'),
        e.attempts, e.correlation, e.received_at FROM connections_inboundevent e
    WHERE line.is_ours AND e.workspace_id = w.id AND e.lane = line.lane AND e.state = 'pending'
        AND e.due_at <= %s ORDER BY e.id LIMIT %s FOR NO KEY UPDATE) due
"""


def take(
    *, workspace: Workspace, lanes: Sequence[int], limit: int, now: datetime
) -> list[InboundEvent]:
    """Take those of `lanes` that are free, until the commit, and the next `limit` updates of each.

    The promises are those of inbox.take, in one statement: there is nothing to look up before.
    A lane that somebody holds is left to them; whoever looks for news looks again soon.
    """
    rows = sql.fetch(_TAKE, (workspace.pk, list(lanes), workspace.pk, now, limit))
    if rows:
        workspace.state, workspace.state_reason = rows[0][:2]
    # The fields that were not read are deferred: a tenth of what the ORM's own question costs.
    return [
        InboundEvent.from_db("default", _FIELDS, (*head, json.loads(payload), *tail))
        for (_, _, *head), payload, tail in ((row[:7], row[7], row[8:]) for row in rows)
    ]
