"""Rehearse: what would the bot answer? Sends nothing, meters nothing, changes nothing."""

import time
from dataclasses import dataclass
from datetime import datetime

from billing import metering, meters, plans
from faqs import search
from messaging import bot, gates, sentences
from messaging.gates import Turn
from messaging.models import BotSettings
from messaging.trace import Verdict, passed, stopped
from workspaces import scope
from workspaces.models import Workspace

_DECISIONS = {
    "faq_matched": "answer",
    "faq_chosen": "answer",
    "greeting": "answer",
    "faq_unsure": "menu",
    "faq_none": "handover",
    "asked_for_person": "handover",
    "opt_out": "answer",
    "opt_in": "answer",
    "asked_if_bot": "answer",
    "off_limits": "handover",
    "outside_hours": "handover",
}


@dataclass(frozen=True)
class Rehearsal:
    """What would happen, and why."""

    decision: str  # answer, menu, handover, silent
    faq_id: str | None
    confidence: float | None
    answer: str
    answered: list[str]  # the entries that would be sent: two for two questions in one
    suggested: list[str]
    milliseconds: float
    gates: list[Verdict]


def rehearse(
    *,
    workspace: Workspace,
    text: str,
    now: datetime,
    previous: str = "",
    how: BotSettings | None = None,
) -> Rehearsal:
    """Decide about `text` as if a customer had sent it, after `previous` if that is given.

    By the settings that are published, or by those given (a draft).
    """
    with scope.workspace(workspace):
        turn = Turn(
            workspace=workspace,
            bot=how or bot.settings_of(),
            standing=plans.standing(workspace=workspace, now=now),
            now=now,
            text=text,
            previous=previous,
        )
        search.prepare(workspace)  # a worker has its index at hand; so shall the stop-watch
        started = time.perf_counter()
        verdicts = gates.walk(turn)
        last = verdicts[-1]
        decision = _DECISIONS.get(last.reason, "silent") if last.verdict == "act" else "silent"
        if decision == "menu" and turn.bot.unsure == BotSettings.Unsure.PERSON:
            decision = "handover"
        if decision in ("answer", "menu", "handover"):
            verdicts.append(_budget(turn))
            if not verdicts[-1].is_pass:
                decision = "handover"
        milliseconds = (time.perf_counter() - started) * 1000
    zone, business = workspace.time_zone, workspace.name
    handover = sentences.handover(turn.bot, zone=zone, now=now)
    found = turn.finding or search.Finding("none")
    answers, shown = found.answers, found.shown
    answer = {
        "faq_matched": "\n\n".join(match.answer for match in answers),
        "greeting": sentences.greeting(turn.bot, business=business),
        "asked_if_bot": sentences.honest(turn.bot, business=business),
        "opt_out": sentences.consent(turn.bot, is_out=True),
        "opt_in": sentences.consent(turn.bot, is_out=False),
        "outside_hours": sentences.away(turn.bot, zone=zone, now=now),
        "faq_none": handover,
        "faq_unsure": handover if decision == "handover" else "",
        "off_limits": handover,
        "asked_for_person": handover,
    }.get(last.reason, "")
    is_entry = decision == "answer" and last.reason.startswith("faq_")
    looked_up = last.step == "faq" and bool(shown)
    return Rehearsal(
        decision=decision,
        faq_id=answers[0].faq_id if is_entry else None,
        answered=[match.faq_id for match in answers] if is_entry else [],
        confidence=round(shown[0].confidence, 3) if looked_up else None,
        answer=answer if decision != "silent" else "",
        suggested=[match.faq_id for match in found.offered] if decision == "menu" else [],
        milliseconds=round(milliseconds, 2),
        gates=verdicts,
    )


def _budget(turn: Turn) -> Verdict:
    per_day = turn.standing.per_day(meters.MESSAGES_SENT)
    if per_day is None:
        return passed("budget", "The plan has no daily limit.")
    used = metering.used_today(workspace=turn.workspace, meter=meters.MESSAGES_SENT, now=turn.now)
    if used >= per_day:
        return stopped("budget", "plan_limit", f"The plan's {per_day} messages of today are used.")
    return passed("budget", f"{used} of the plan's {per_day} messages of today are used.")
