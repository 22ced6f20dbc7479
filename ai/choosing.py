"""Choose mode: a model picks among the owner's entries or none. It never writes to a customer.

request (in the message's transaction) -> ask (in the model lane, no transaction) -> take (in
the transaction that acts on it). Each step is compare-and-set, so each may run twice.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from ai import budgets, gateway, prompts, routes
from ai.models import Call
from billing import metering, meters
from lib import clock, events, jobs
from workspaces import scope
from workspaces.models import Workspace

PURPOSE = "choose"
State = Call.State


@dataclass(frozen=True)
class Candidate:
    """An entry a model may pick."""

    entry_id: int
    question: str
    answer: str
    confidence: float


@dataclass(frozen=True)
class Choice:
    """What came of it. `verdict`: answer, unclear, none, or failed."""

    reference: int
    verdict: str
    entry_id: int | None
    candidates: list[int]
    route: str
    tokens: int
    ms: int
    failure: str


def request(
    *,
    workspace: Workspace,
    reference: int,
    question: str,
    candidates: list[Candidate],
    correlation: str,
    now: datetime,
) -> bool:
    """Ask for a choice, in the caller's transaction. False: nothing to choose from, or over budget."""
    listed = [
        {"entry_id": c.entry_id, "question": c.question, "answer": c.answer[:300]}
        for c in candidates[:8]
    ]
    if not listed:
        return False
    prompt = prompts.choose(question=question, candidates=listed)
    estimate = _estimate(prompt)
    if not budgets.reserve(workspace=workspace, nano=estimate, now=now):
        events.publish("ai.budget.reached", workspace=workspace.pk)
        return False
    try:
        with transaction.atomic():
            call = Call.objects.create(
                workspace=workspace,
                purpose=PURPOSE,
                reference=reference,
                route="fast",
                request={"prompt": prompt, "entries": [c["entry_id"] for c in listed]},
                estimated_nano=estimate,
                correlation=correlation,
                deadline_at=now + timedelta(seconds=settings.AI_DEADLINE_SECONDS),
                created_at=now,
            )
    except IntegrityError:
        budgets.settle(workspace=workspace, reserved=estimate, cost=0, at=now)
        return False
    jobs.enqueue("ai.choose", queue="ai", workspace_id=workspace.pk, call_id=call.pk)
    return True


def _estimate(prompt: str) -> int:
    """Return the most that a call can cost in nano-USD: bytes / 1.3 is above every tokenizer seen."""
    tokens_in = int(len((prompts.SYSTEM + prompt).encode()) / 1.3) + 1
    return max(
        tokens_in * routes.price_of(routes.model_of(route)).tokens_in
        + gateway.MAX_TOKENS * routes.price_of(routes.model_of(route)).tokens_out
        for route in routes.ORDER
    ) * len(routes.ORDER)


def ask(*, workspace: Workspace, call_id: int) -> None:
    """Call the model (no transaction, no lock), then record what it said and wake messaging."""
    with scope.workspace(workspace):
        now = clock.now()
        with transaction.atomic(durable=True):
            mine = Call.objects.filter(pk=call_id, workspace=workspace, state=State.WAITING).update(
                state=State.ASKED
            )
            call = Call.objects.filter(pk=call_id).first() if mine else None
        if call is None:
            return
        decision, failure, reply, cost = _consult(call, now)
        _settle(workspace, call, decision, failure, reply, cost)


def _consult(
    call: Call, now: datetime
) -> tuple[dict[str, Any] | None, str, gateway.Reply | None, int]:
    """Try fast, then backup if time is left. Returns decision, failure, reply and cost."""
    failure, cost = "late", 0
    for route in routes.ORDER:
        left = (call.deadline_at - clock.now()).total_seconds()
        if left < 0.2:
            break
        if route != "fast" and routes.model_of(route) == routes.ECHO:
            break  # no backup configured: the echo model must not overrule a real one
        share = min(left, 1.1) if route == "fast" else left
        try:
            reply = gateway.run(
                gateway.complete(
                    route=route, system=prompts.SYSTEM, prompt=call.request["prompt"], seconds=share
                ),
                seconds=share,
            )
        except gateway.UnableToComplete as error:
            failure = error.kind
            cost += call.estimated_nano // len(routes.ORDER) if error.may_have_cost else 0
            continue
        call.route = route
        price = routes.price_of(reply.model)
        cost += (
            reply.tokens_in * price.tokens_in + reply.tokens_out * price.tokens_out
            if reply.has_usage
            else call.estimated_nano // len(routes.ORDER)
        )
        decision = parse(reply.text, len(call.request["entries"]))
        return decision, "" if decision else "unparsable", reply, cost
    return None, failure, None, cost


def parse(text: str, count: int) -> dict[str, Any] | None:
    """Read a model's answer strictly: known verdict, ordinals within 1..count. None otherwise."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or set(said) - {"verdict", "entries"}:
        return None
    verdict, entries = said.get("verdict"), said.get("entries", [])
    if verdict not in ("answer", "unclear", "none") or not isinstance(entries, list):
        return None
    if not all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= count for n in entries):
        return None
    if verdict == "answer" and not entries:
        return None
    return {"verdict": verdict, "entries": entries[:3]}


def _settle(
    workspace: Workspace,
    call: Call,
    decision: dict[str, Any] | None,
    failure: str,
    reply: gateway.Reply | None,
    cost: int,
) -> None:
    now = clock.now()
    with transaction.atomic(durable=True):
        settled = Call.objects.filter(pk=call.pk, state=State.ASKED).update(
            state=State.SETTLED,
            decision=decision,
            failure=failure,
            route=call.route,
            model=reply.model if reply else "",
            tokens_in=reply.tokens_in if reply else 0,
            tokens_out=reply.tokens_out if reply else 0,
            ms=reply.ms if reply else 0,
            cost_nano=cost,
            settled_at=now,
        )
        if not settled:
            return
        budgets.settle(
            workspace=workspace, reserved=call.estimated_nano, cost=cost, at=call.created_at
        )
        if reply and reply.tokens_in + reply.tokens_out:
            metering.record(
                workspace=workspace,
                usages=[
                    metering.Usage(
                        meters.AI_TOKENS,
                        call.pk,
                        now,
                        reply.tokens_in + reply.tokens_out,
                        category=call.route,
                    )
                ],
                now=now,
            )
        jobs.enqueue("messaging.finish_choice", workspace_id=workspace.pk, call_id=call.pk)
    events.publish(
        "ai.call.settled",
        workspace=workspace.pk,
        params={"call": call.pk, "route": call.route},
        meta={"failure": failure, "ms": reply.ms if reply else 0, "cost_nano": cost},
    )


def take(*, workspace: Workspace, call_id: int, now: datetime) -> Choice | None:
    """Hand out a choice exactly once, in the caller's transaction.

    None when it was taken before, or is still being asked and not yet late. The texts that
    were shown to the model are erased.
    """
    call = (
        Call.objects.select_for_update()
        .filter(pk=call_id, workspace=workspace, used_at__isnull=True)
        .first()
    )
    if call is None:
        return None
    is_late = call.deadline_at <= now
    if call.state in (State.WAITING, State.ASKED):
        if not is_late:
            return None
        # Nobody answered in time. What was reserved may have been spent: it counts.
        cost = call.estimated_nano if call.state == State.ASKED else 0
        budgets.settle(
            workspace=workspace, reserved=call.estimated_nano, cost=cost, at=call.created_at
        )
        call.state, call.failure, call.cost_nano = State.UNKNOWN, "late", cost
    decision = call.decision or {}
    entries = [int(pk) for pk in call.request.get("entries", [])]
    ordinals = decision.get("entries") or []
    call.used_at = now
    call.request = {"entries": entries, "prompt_version": prompts.VERSION}
    call.save()
    return Choice(
        reference=call.reference,
        verdict=str(decision.get("verdict") or "failed"),
        entry_id=entries[ordinals[0] - 1] if decision.get("verdict") == "answer" else None,
        candidates=entries[:3],
        route=call.route,
        tokens=call.tokens_in + call.tokens_out,
        ms=call.ms,
        failure=call.failure,
    )


def find_late(*, now: datetime) -> list[tuple[int, int]]:
    """Return (workspace, call) of choices nobody acted on in time. Call in the system scope."""
    return list(
        Call.objects.filter(used_at__isnull=True, deadline_at__lte=now).values_list(
            "workspace_id", "pk"
        )[:500]
    )
