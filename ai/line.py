"""The line in front of the models: take calls out of it fairly, record what came of them.

For the model lane, which works for every workspace at once: both speak in the system scope,
in one statement or one transaction for all.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import transaction

from ai import asking, budgets
from ai.asking import Asked, Outcome
from ai.models import Call
from billing import metering, meters
from lib import events, jobs
from workspaces import registry, scope
from workspaces.models import Workspace

State = Call.State
# After this long the sweep acts on a settled choice that nobody has taken up.
_TAKE_UP = timedelta(seconds=1)
# No vendor's count of one short call is larger; a number out of the column's range must not
# keep the others of its batch from being settled.
_MOST_TOKENS = 10_000_000

# The line is walked by workspace, one index probe each, so that ten thousand calls of one cost
# no more than its next few. Whoever has the fewest calls in flight is next: a workspace with
# one message does not stand behind another's thousands. An update of rows that others skip:
# two lanes never ask one call twice.
_CLAIM = """
WITH RECURSIVE present AS (
    (SELECT workspace_id FROM ai_call WHERE state = 'waiting' ORDER BY workspace_id LIMIT 1)
    UNION ALL
    SELECT (SELECT c.workspace_id FROM ai_call c
            WHERE c.state = 'waiting' AND c.workspace_id > p.workspace_id
            ORDER BY c.workspace_id LIMIT 1)
    FROM present p WHERE p.workspace_id IS NOT NULL),
busy AS (SELECT * FROM unnest(%(workspaces)s::bigint[], %(counts)s::bigint[]) AS b(workspace_id, count)),
next AS (
    SELECT mine.id FROM present p
    LEFT JOIN busy b ON b.workspace_id = p.workspace_id
    CROSS JOIN LATERAL (
        SELECT f.id, row_number() OVER (ORDER BY f.id) AS place FROM (
            SELECT c.id FROM ai_call c
            WHERE c.state = 'waiting' AND c.workspace_id = p.workspace_id AND c.deadline_at > %(now)s
            ORDER BY c.id LIMIT %(limit)s) f) mine
    ORDER BY mine.place + coalesce(b.count, 0), mine.id LIMIT %(limit)s),
taken AS (
    SELECT id FROM ai_call WHERE id IN (SELECT id FROM next) AND state = 'waiting'
    FOR UPDATE SKIP LOCKED)
UPDATE ai_call c SET state = 'asked',
    deadline_at = CASE c.purpose WHEN 'choose' THEN %(deadline)s ELSE %(patient)s END
FROM taken WHERE c.id = taken.id
RETURNING c.id, c.workspace_id, c.purpose, c.request, c.estimated_nano, c.correlation, c.deadline_at
"""


def claim(*, limit: int, busy: Mapping[int, int], now: datetime) -> list[Asked]:
    """Take up to `limit` calls to be asked now; `busy` counts those in flight by workspace.

    From here on each has AI_DEADLINE_SECONDS, or what people wait for suggestions; the time in
    line does not count.
    """
    deadline = now + timedelta(seconds=settings.AI_DEADLINE_SECONDS)
    with scope.system(), database.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "limit": limit,
                "now": now,
                "deadline": deadline,
                "patient": now + timedelta(seconds=asking.SUGGEST_SECONDS),
                "workspaces": list(busy),
                "counts": list(busy.values()),
            },
        )
        rows = cursor.fetchall()
    found = []
    for call_id, workspace_id, purpose, request, estimated, correlation, deadline_at in sorted(
        rows, key=lambda row: row[0]
    ):
        said = json.loads(request) if isinstance(request, str) else request
        found.append(
            Asked(
                call_id=call_id,
                workspace_id=workspace_id,
                purpose=purpose,
                prompt=said["prompt"],
                entry_count=len(said["entries"]),
                estimated_nano=estimated,
                correlation=correlation,
                deadline_at=deadline_at,
            )
        )
    return found


# A call that was given up as late meanwhile keeps its verdict; what it did cost is known now.
# Suggestions wait for nobody to take them up: they end here, and lie there to be looked at.
_SETTLE = """
WITH said AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(decisions)s::text[], %(failures)s::text[],
        %(routes)s::text[], %(models)s::text[], %(tokens_in)s::int[], %(tokens_out)s::int[],
        %(ms)s::int[], %(costs)s::bigint[])
    AS u(id, decision, failure, route, model, tokens_in, tokens_out, ms, cost)),
old AS (
    SELECT id, state, cost_nano, state = 'asked' AND purpose <> 'choose' AS ends FROM ai_call
    WHERE id = ANY(%(ids)s) AND settled_at IS NULL AND state IN ('asked', 'unknown')
    ORDER BY id FOR UPDATE)
UPDATE ai_call c SET
    state = CASE old.state WHEN 'asked' THEN 'settled' ELSE old.state END,
    decision = CASE old.state WHEN 'asked' THEN said.decision::jsonb END,
    failure = CASE old.state WHEN 'asked' THEN said.failure ELSE c.failure END,
    deadline_at = CASE old.state WHEN 'asked' THEN %(take_up)s ELSE c.deadline_at END,
    used_at = CASE WHEN old.ends THEN %(now)s ELSE c.used_at END,
    request = CASE WHEN old.ends THEN c.request - 'prompt' ELSE c.request END,
    route = said.route, model = said.model, tokens_in = said.tokens_in,
    tokens_out = said.tokens_out, ms = said.ms, cost_nano = said.cost, settled_at = %(now)s
FROM old JOIN said ON said.id = old.id WHERE c.id = old.id
RETURNING c.id, c.workspace_id, old.state, old.cost_nano, c.created_at, old.ends
"""


def settle(*, outcomes: Sequence[Outcome], now: datetime) -> int:
    """Record what came of calls: calls, budgets and tokens in one transaction for all.

    Wakes messaging after the commit, once for each workspace. Returns how many were new.
    """
    by_id = {outcome.call.call_id: outcome for outcome in outcomes}
    with scope.system(), transaction.atomic(durable=True):
        with database.cursor() as cursor:
            cursor.execute(_SETTLE, _columns(list(by_id.values()), now))
            rows = cursor.fetchall()
        settlements: list[budgets.Settlement] = []
        usages: list[tuple[Workspace, metering.Usage]] = []
        for call_id, workspace_id, state, booked, created_at, _ in sorted(rows):
            space = registry.by_id(workspace_id)
            if space is None:
                continue  # it is being removed, and its calls with it
            outcome = by_id[call_id]
            is_late = state == State.UNKNOWN
            settlements.append(
                budgets.Settlement(
                    workspace=space,
                    cost=outcome.cost_nano - (booked if is_late else 0),
                    at=created_at,
                )
            )
            if quantity := sum(_tokens(outcome)):
                usages.append(
                    (
                        space,
                        metering.Usage(
                            meters.AI_TOKENS, call_id, now, quantity, category=outcome.route
                        ),
                    )
                )
        budgets.settle(settlements)
        metering.record_all(usages=usages, now=now)
        for workspace_id in {row[1] for row in rows if row[2] == State.ASKED and not row[5]}:
            wake_messaging(workspace_id)
    for row in rows:
        _tell(by_id[row[0]], is_late=row[2] == State.UNKNOWN)
    return len(rows)


def wake_messaging(workspace_id: int) -> None:
    """Ask for the workspace's choices to be carried out, after the commit."""
    jobs.enqueue(
        "messaging.finish_choices", once=f"choices:{workspace_id}", workspace_id=workspace_id
    )


def _columns(outcomes: list[Outcome], now: datetime) -> dict[str, Any]:
    replies = [outcome.reply for outcome in outcomes]
    tokens = [_tokens(outcome) for outcome in outcomes]
    return {
        "ids": [o.call.call_id for o in outcomes],
        "decisions": [None if o.decision is None else json.dumps(o.decision) for o in outcomes],
        "failures": [o.failure[:20] for o in outcomes],
        "routes": [o.route for o in outcomes],
        "models": [reply.model[:80] if reply else "" for reply in replies],
        "tokens_in": [tokens_in for tokens_in, _ in tokens],
        "tokens_out": [tokens_out for _, tokens_out in tokens],
        "ms": [reply.ms if reply else 0 for reply in replies],
        "costs": [min(o.cost_nano, 2**62) for o in outcomes],
        "take_up": now + _TAKE_UP,
        "now": now,
    }


def _tokens(outcome: Outcome) -> tuple[int, int]:
    reply = outcome.reply
    if reply is None:
        return 0, 0
    return (
        min(max(reply.tokens_in, 0), _MOST_TOKENS),
        min(max(reply.tokens_out, 0), _MOST_TOKENS),
    )


def _tell(outcome: Outcome, *, is_late: bool) -> None:
    with events.correlated(outcome.call.correlation):
        events.publish(
            "ai.call.settled",
            workspace=outcome.call.workspace_id,
            params={"call": outcome.call.call_id, "route": outcome.route},
            meta={
                "failure": outcome.failure,
                "ms": outcome.reply.ms if outcome.reply else 0,
                "cost_nano": outcome.cost_nano,
                "is_late": is_late,
            },
        )
