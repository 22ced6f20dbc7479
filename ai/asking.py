"""Ask a model about one call, with no transaction open; read strictly what it says."""

import asyncio
import json
import logging
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ai import breaker, gateway, prompts, routes
from ai.models import Call
from lib import clock

_log = logging.getLogger(__name__)
# Of the deadline, what recording the answer takes; less than `_LEAST` is not worth a question.
_MARGIN_SECONDS = 0.1
_LEAST_SECONDS = 0.2
# What the first model may take of the time when a second stands behind it.
_FIRST_SECONDS = 1.1
# Who waits for suggestions looks at a page, and has more patience than a customer.
SUGGEST_SECONDS = 15.0
_FIRST_SUGGEST_SECONDS = 9.0
_GRACE_SECONDS = 0.05  # for a gateway that does not keep its own deadline
_NO_ANSWER = ("timeout", "broken")


@dataclass(frozen=True)
class Asked:
    """A call that was taken out of the line."""

    call_id: int
    workspace_id: int
    purpose: str
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
        is_choice = call.purpose == Call.CHOOSE
        # The echo model can pick, and has nothing to suggest.
        known = routes.configured() if is_choice else routes.real()
        failure = "late" if known else "not_configured"
        first = _FIRST_SECONDS if is_choice else _FIRST_SUGGEST_SECONDS
        for place, route in enumerate(known):
            left = (call.deadline_at - clock.now()).total_seconds() - _MARGIN_SECONDS
            if left < _LEAST_SECONDS:
                break
            has_next = place + 1 < len(known)
            seconds = min(left, first) if has_next else left
            reply, failure, spent = await _ask(call, route, seconds)
            cost += spent
            if reply is not None:
                decision = _read(call, reply.text)
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
    wanted = prompts.OF[call.purpose]
    # What suggestions fail by (a long answer, say) must not cost customers the model.
    guard = breaker.of(model if call.purpose == Call.CHOOSE else f"{model} {call.purpose}")
    if not guard.allows():
        return None, "resting", 0
    share = call.estimated_nano // len(routes.ORDER)
    try:
        async with asyncio.timeout(seconds + _GRACE_SECONDS):
            reply = await gateway.complete(
                route=route,
                system=wanted.system,
                prompt=call.prompt,
                seconds=seconds,
                most_tokens=wanted.most_tokens,
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


def _read(call: Asked, text: str) -> dict[str, Any] | None:
    if call.purpose == Call.CHOOSE:
        return parse(text, call.entry_count)
    found = parse_phrasings(text)
    return {"phrasings": found} if found else None


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


_MOST_PHRASINGS = 8
_MOST_CHARACTERS = 300
_LINK = re.compile(r"://|@\w|\w\.[^\W\d_]{2,}")


def parse_phrasings(text: str) -> list[str]:
    """Read a model's list of phrasings strictly: short lines without links; nothing else is kept."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: dict[str, str] = {}
    for one in said if isinstance(said, list) else []:
        # Neither line ends nor anything that cannot be seen is printable.
        if not isinstance(one, str) or len(one) > _MOST_CHARACTERS or not one.isprintable():
            continue
        line = " ".join(one.split())
        if line and "|" not in line and not _LINK.search(line):
            found.setdefault(line.casefold(), line)
    return list(found.values())[:_MOST_PHRASINGS]
