"""Ask a model about one call, with no transaction open; read strictly what it says."""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ai import breaker, gateway, prompts, routes
from lib import clock

_log = logging.getLogger(__name__)
# Of the deadline, what recording the answer takes; less than `_LEAST` is not worth a question.
_MARGIN_SECONDS = 0.1
_LEAST_SECONDS = 0.2
# What the first model may take of the time when a second stands behind it.
_FIRST_SECONDS = 1.1
_GRACE_SECONDS = 0.05  # for a gateway that does not keep its own deadline
_NO_ANSWER = ("timeout", "broken")


@dataclass(frozen=True)
class Asked:
    """A call that was taken out of the line."""

    call_id: int
    workspace_id: int
    prompt: str
    entry_count: int
    estimated_nano: int
    correlation: str
    deadline_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What came of a call. Without `decision` it failed, and `failure` is the word for it."""

    call: Asked
    decision: dict[str, Any] | None
    failure: str
    route: str
    cost_nano: int
    reply: gateway.Reply | None


async def consult(call: Asked) -> Outcome:
    """Ask the fast model, then the backup if time is left. Never raises, keeps the deadline."""
    route, cost = routes.ORDER[0], 0
    try:
        known = routes.configured()
        failure = "late"
        for place, route in enumerate(known):
            left = (call.deadline_at - clock.now()).total_seconds() - _MARGIN_SECONDS
            if left < _LEAST_SECONDS:
                break
            has_next = place + 1 < len(known)
            reply, failure, spent = await _ask(
                call, route, min(left, _FIRST_SECONDS) if has_next else left
            )
            cost += spent
            if reply is not None:
                decision = parse(reply.text, call.entry_count)
                failure = "" if decision else "unparsable"
                return Outcome(call, decision, failure, route, cost, reply)
    except Exception:
        # A fault of ours costs this call its answer, and nobody else's.
        _log.exception("ai.call.broken")
        return Outcome(call, None, "broken", route, max(cost, call.estimated_nano), None)
    return Outcome(call, None, failure, route, cost, None)


async def _ask(call: Asked, route: str, seconds: float) -> tuple[gateway.Reply | None, str, int]:
    """Return reply, failure and cost of asking one route."""
    model = routes.model_of(route)
    guard = breaker.of(model)
    if not guard.allows():
        return None, "resting", 0
    share = call.estimated_nano // len(routes.ORDER)
    try:
        async with asyncio.timeout(seconds + _GRACE_SECONDS):
            reply = await gateway.complete(
                route=route, system=prompts.SYSTEM, prompt=call.prompt, seconds=seconds
            )
    except TimeoutError:
        guard.note(is_failure=True)
        return None, "timeout", share
    except gateway.UnableToComplete as error:
        guard.note(is_failure=error.kind in _NO_ANSWER)
        return None, error.kind, share if error.may_have_cost else 0
    guard.note(is_failure=False)
    if not reply.has_usage:
        return reply, "", share
    price = routes.price_of(reply.model)
    return reply, "", reply.tokens_in * price.tokens_in + reply.tokens_out * price.tokens_out


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
