"""The account of a message: one author, plain sentences. "Why did (or didn't) it reply?" """

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib import sql
from messaging import rows
from messaging.models import Message, TraceStep

_MOST_MS = 2**31 - 1  # 24 days; a status may come later than that
LATER = 100  # position of what happens after the decision: sends and statuses


@dataclass(frozen=True)
class Verdict:
    """What a gate said. `pass` goes on, `stop` ends in silence, `act` decides, `note` informs."""

    step: str
    verdict: str
    reason: str
    sentence: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    needs_person: bool = False  # a stop that a person should look at
    reached: float = field(
        default_factory=time.perf_counter, compare=False
    )  # seconds, this process

    @property
    def is_pass(self) -> bool:
        return self.verdict in ("pass", "note")


def passed(step: str, sentence: str, **detail: Any) -> Verdict:
    """A gate that let the message go on."""
    return Verdict(step, "pass", "ok", sentence, detail)


def stopped(
    step: str, reason: str, sentence: str, *, needs_person: bool = False, **detail: Any
) -> Verdict:
    """A gate that ended the matter without an answer."""
    return Verdict(step, "stop", reason, sentence, detail, needs_person)


def acted(step: str, reason: str, sentence: str, **detail: Any) -> Verdict:
    """A gate that decided what to do."""
    return Verdict(step, "act", reason, sentence, detail)


@dataclass(frozen=True)
class Account:
    """Steps to append to the account of a message; `later` for what happens after the decision."""

    message_id: int
    verdicts: Sequence[Verdict]
    received_at: datetime
    later: bool = False


_COLUMNS = {
    "message_id": "bigint", "position": "smallint", "step": "text", "verdict": "text",
    "reason": "text", "sentence": "text", "detail": "jsonb", "ms": "int", "at": "timestamptz",
}  # fmt: skip


def write_all(accounts: Sequence[Account], *, now: datetime, sheet: sql.Sheet) -> None:
    """Append steps to the accounts of many messages, in order, by one statement on the sheet."""
    steps: list[tuple[Any, ...]] = []
    at = now.isoformat()
    for account in accounts:
        since = max(0, round((now - account.received_at).total_seconds() * 1000))
        for index, verdict in enumerate(account.verdicts):
            took = round((verdict.reached - account.verdicts[0].reached) * 1000)
            steps.append(
                (
                    account.message_id,
                    LATER if account.later else index,
                    verdict.step[:30],
                    verdict.verdict,
                    verdict.reason[:40],
                    verdict.sentence[:300],
                    dict(verdict.detail),
                    min(since + took, _MOST_MS),
                    at,
                )
            )
    rows.insert(sheet, "messaging_tracestep", _COLUMNS, steps)


def write(
    *,
    message: Message,
    verdicts: list[Verdict],
    received_at: datetime,
    now: datetime,
    later: bool = False,
) -> None:
    """Append steps to the account of one message."""
    sheet = sql.Sheet()
    write_all([Account(message.pk, verdicts, received_at, later)], now=now, sheet=sheet)
    sheet.run()


@dataclass(frozen=True)
class Story:
    """A message with everything that came of it: the customer's message, the replies, the steps."""

    message: Message
    replies: list[Message]
    steps: list[TraceStep]

    @property
    def deciding(self) -> TraceStep | None:
        """The step that says how the matter ended.

        What stopped it last outweighs what was decided before (a second delivery stopped nothing);
        a model's choice outweighs the doubt that it was asked for.
        """
        ends = [step for step in self.steps if step.reason != "duplicate"]
        stops = [step for step in ends if step.verdict == "stop"]
        chosen = [step for step in ends if step.reason in ("model_chose", "model_none")]
        acts = [step for step in ends if step.verdict == "act"]
        return next(iter(stops[-1:] or chosen[-1:] or acts[:1]), None)

    @property
    def failed(self) -> Message | None:
        """The latest of our messages in it that was not delivered, unless a later one was."""
        ours = [one for one in (self.message, *self.replies) if one.direction == "out"]
        return ours[-1] if ours and ours[-1].status == Message.Status.FAILED else None

    @property
    def verdict(self) -> str:
        """The matter in one sentence."""
        if self.deciding is not None:
            return self.deciding.sentence
        return (
            self.steps[-1].sentence
            if self.steps
            else "Nothing has been decided about this message yet."
        )


def story(*, provider_message_id: str = "", message_id: int | None = None) -> Story | None:
    """Return the account around a message of the workspace in scope, or None.

    Asked with a reply's id it gives the account of the message that was replied to.
    """
    known = Message.objects.select_related(
        "conversation__contact", "answers__conversation__contact"
    )
    found: Message | None = None
    if message_id is not None:
        found = known.filter(pk=message_id).first()
    elif provider_message_id:
        found = known.filter(provider_message_id=provider_message_id).first()
    if found is None:
        return None
    asked = found.answers or found
    replies = list(Message.objects.filter(answers=asked).order_by("id"))
    steps = list(
        TraceStep.objects.filter(message__in=[asked, *replies]).order_by("position", "at", "id")
    )
    return Story(asked, replies, steps)
