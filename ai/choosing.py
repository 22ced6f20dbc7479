"""Choose mode: a model picks among the owner's entries or none. It never writes to a customer.

request_all (in the messages' transaction) -> the model lane (no transaction while a model is
asked) -> take_settled (in the transaction that acts on it). Each step is compare-and-set, so
each may run twice.

A call's `deadline_at` is the moment by which its next step should have been made: to be asked
while it is in line, to be answered while it is asked, to be taken up once it is settled. So
one index finds whatever got stuck.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction

from ai import budgets, prompts, routes
from ai.models import Call
from lib import events, jobs
from workspaces.models import Workspace

# The name under which the lane's wake-up waits in line at most once.
WAKE = "ai"
_MOST_CANDIDATES = 8
_WANTED = prompts.OF[Call.CHOOSE]
State = Call.State


@dataclass(frozen=True)
class Candidate:
    """An entry a model may pick."""

    entry_id: int
    question: str
    answer: str
    confidence: float


@dataclass(frozen=True)
class Ask:
    """A message that a model shall help with. `reference` is the message's own row."""

    reference: int
    question: str
    candidates: Sequence[Candidate]
    correlation: str


@dataclass(frozen=True)
class Choice:
    """What came of it. `verdict`: answer, unclear, none, or failed."""

    call_id: int
    reference: int
    verdict: str
    entry_id: int | None
    candidates: list[int]
    route: str
    tokens: int
    ms: int
    failure: str


def request_all(
    *, workspace: Workspace, asks: Sequence[Ask], now: datetime, is_alone: bool = False
) -> set[int]:
    """Ask for choices, in the caller's transaction; returns the references that were accepted.

    Not accepted: nothing to choose from, over the month's budget, or asked about before. Others
    may wait for the caller's commit, so this is best done late; a transaction that does it more
    than once says `is_alone` (see budgets.reserve).
    """
    rows = [row for ask in asks if (row := _row(workspace, ask, now)) is not None]
    if not rows:
        return set()
    with transaction.atomic():
        count = budgets.reserve(
            workspace=workspace,
            nanos=[row.estimated_nano for row in rows],
            now=now,
            is_alone=is_alone,
        )
        if count < len(rows):
            events.publish(
                "ai.budget.reached",
                workspace=workspace.pk,
                meta={"refused": len(rows) - count},
            )
        accepted = _insert(rows[:count]) if count else set()
        if accepted:
            jobs.enqueue("ai.choose", queue="ai", once=WAKE)
    return accepted


def _row(workspace: Workspace, ask: Ask, now: datetime) -> Call | None:
    listed = [
        {"entry_id": c.entry_id, "question": c.question, "answer": c.answer[:300]}
        for c in ask.candidates[:_MOST_CANDIDATES]
    ]
    if not listed:
        return None
    prompt = prompts.choose(question=ask.question, candidates=listed)
    return Call(
        workspace=workspace,
        purpose=Call.CHOOSE,
        reference=ask.reference,
        route=routes.ORDER[0],
        request={"prompt": prompt, "entries": [c["entry_id"] for c in listed]},
        estimated_nano=routes.most(_WANTED.system + prompt, tokens_out=_WANTED.most_tokens),
        correlation=ask.correlation,
        deadline_at=now + timedelta(seconds=settings.AI_LINE_SECONDS),
        created_at=now,
    )


def _insert(rows: Sequence[Call]) -> set[int]:
    """Put calls into the line; return the references that were not there before."""
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ai_call (workspace_id, purpose, state, route, model, estimated_nano,"
            " cost_nano, tokens_in, tokens_out, ms, failure, deadline_at, created_at,"
            " reference, request, correlation)"
            " SELECT %s, %s, 'waiting', %s, '', e, 0, 0, 0, 0, '', %s, %s, r, q::jsonb, c"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS u(r, e, q, c)"
            " ON CONFLICT (workspace_id, purpose, reference) DO NOTHING RETURNING reference",
            [
                rows[0].workspace_id,
                Call.CHOOSE,
                rows[0].route,
                rows[0].deadline_at,
                rows[0].created_at,
                [row.reference for row in rows],
                [row.estimated_nano for row in rows],
                [json.dumps(row.request) for row in rows],
                [row.correlation for row in rows],
            ],
        )
        return {reference for (reference,) in cursor.fetchall()}


# --- Taking up what was chosen ---------------------------------------------------------------

_TAKE = """
WITH mine AS (
    SELECT c.* FROM ai_call c
    WHERE c.id = ANY(ARRAY(
            (SELECT id FROM ai_call WHERE workspace_id = %(ws)s AND state = 'settled'
                AND used_at IS NULL ORDER BY id LIMIT %(limit)s)
            UNION ALL
            (SELECT id FROM ai_call WHERE workspace_id = %(ws)s AND state IN ('waiting', 'asked')
                AND used_at IS NULL AND deadline_at <= %(now)s
                ORDER BY deadline_at LIMIT %(limit)s)))
      AND c.used_at IS NULL
      AND (c.state = 'settled' OR c.deadline_at <= %(now)s)
    ORDER BY c.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE ai_call c SET used_at = %(now)s,
    request = CASE mine.purpose WHEN 'choose' THEN jsonb_build_object(
        'entries', mine.request -> 'entries', 'prompt_version', %(version)s::text)
        ELSE mine.request - 'prompt' END,
    state = CASE mine.state WHEN 'settled' THEN 'settled' ELSE 'unknown' END,
    failure = CASE mine.state WHEN 'settled' THEN mine.failure ELSE 'late' END,
    -- Nobody answered in time. A question that was put may have cost the most it can.
    cost_nano = CASE mine.state WHEN 'settled' THEN mine.cost_nano
                WHEN 'asked' THEN mine.estimated_nano ELSE 0 END
FROM mine WHERE c.id = mine.id
RETURNING c.id, c.reference, mine.state, c.cost_nano, c.created_at,
    mine.decision::text, (c.request -> 'entries')::text, c.route, c.tokens_in + c.tokens_out, c.ms,
    c.failure, c.purpose
"""


def take_settled(*, workspace: Workspace, limit: int, now: datetime) -> list[Choice]:
    """Hand out what was chosen, failed or is late: each once ever, in the caller's transaction.

    What another transaction is handing out is left to it. The texts that were shown to the
    model are erased. What was asked for other purposes and is late ends here too, and is not
    handed out. Call in the workspace's scope.
    """
    with transaction.atomic():
        with database.cursor() as cursor:
            cursor.execute(
                _TAKE,
                {"ws": workspace.pk, "limit": limit, "now": now, "version": prompts.VERSION},
            )
            rows = sorted(cursor.fetchall())
        budgets.settle(
            [
                budgets.Settlement(workspace, cost=cost, at=created_at)
                for _, _, state, cost, created_at, *_ in rows
                if state != State.SETTLED
            ]
        )
    return [_choice(*row) for *row, purpose in rows if purpose == Call.CHOOSE]


def _choice(
    call_id: int,
    reference: int,
    state: str,
    cost: int,
    created_at: datetime,
    decision: str | None,
    entries: str | None,
    route: str,
    tokens: int,
    ms: int,
    failure: str,
) -> Choice:
    said = json.loads(decision or "null") or {}
    listed = [int(pk) for pk in json.loads(entries or "[]")]
    picked = said.get("entries") or []
    return Choice(
        call_id=call_id,
        reference=reference,
        verdict=str(said.get("verdict") or "failed"),
        entry_id=listed[picked[0] - 1] if said.get("verdict") == "answer" else None,
        candidates=listed[:3],
        route=route,
        tokens=tokens,
        ms=ms,
        failure=failure,
    )


def find_late(*, now: datetime) -> list[int]:
    """Return the workspaces with choices that nobody took up in time. Call in the system scope."""
    return list(
        Call.objects.filter(used_at__isnull=True, deadline_at__lte=now)
        .order_by()
        .values_list("workspace_id", flat=True)
        .distinct()[:500]
    )


def has_waited(*, now: datetime, older_than_seconds: float) -> bool:
    """Say whether a call has stood in line for so long, and still may be asked. In the system scope."""
    since = now - timedelta(seconds=older_than_seconds)
    return Call.objects.filter(
        state=State.WAITING, used_at__isnull=True, created_at__lte=since, deadline_at__gt=now
    ).exists()


def forget(*, workspace: Workspace, references: Sequence[int], now: datetime) -> None:
    """Remove what was asked for these messages; what it cost stays in the account."""
    rows = Call.objects.filter(
        workspace=workspace, purpose=Call.CHOOSE, reference__in=list(references)
    )
    rows.filter(state=Call.State.WAITING).delete()
    rows.filter(used_at__isnull=True).update(used_at=now)
    rows.update(request={}, decision=None)
