"""The account of a message: one author, plain sentences. "Why did (or didn't) it reply?" """

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection as database

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


def write(
    *,
    message: Message,
    verdicts: list[Verdict],
    received_at: datetime,
    now: datetime,
    later: bool = False,
) -> None:
    """Append steps to the account of `message`, in order, in one statement.

    A message has a dozen steps: arrays cost a fifth of the ORM's own insert of many rows.
    """
    since = max(0, round((now - received_at).total_seconds() * 1000))
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_tracestep"
            " (message_id, position, step, verdict, reason, sentence, detail, ms, at)"
            " SELECT %s, p, s, v, r, t, d::jsonb, m, %s FROM unnest(%s::smallint[], %s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::text[], %s::int[]) AS u(p, s, v, r, t, d, m)",
            [
                message.pk,
                now,
                [LATER if later else index for index in range(len(verdicts))],
                [verdict.step[:30] for verdict in verdicts],
                [verdict.verdict for verdict in verdicts],
                [verdict.reason[:40] for verdict in verdicts],
                [verdict.sentence[:300] for verdict in verdicts],
                [json.dumps(dict(verdict.detail)) for verdict in verdicts],
                [
                    min(since + round((v.reached - verdicts[0].reached) * 1000), _MOST_MS)
                    for v in verdicts
                ],
            ],
        )


@dataclass(frozen=True)
class Story:
    """A message with everything that came of it: the customer's message, the replies, the steps."""

    message: Message
    replies: list[Message]
    steps: list[TraceStep]

    @property
    def verdict(self) -> str:
        """The matter in one sentence: the last step that decided or stopped."""
        for step in self.steps:
            if step.verdict in ("stop", "act"):
                return step.sentence
        return (
            self.steps[-1].sentence
            if self.steps
            else "Nothing has been decided about this message yet."
        )


def story(*, provider_message_id: str = "", message_id: int | None = None) -> Story | None:
    """Return the account around a message of the workspace in scope, or None.

    Asked with a reply's id it gives the account of the message that was replied to.
    """
    rows = Message.objects.select_related("conversation__contact", "answers__conversation__contact")
    found: Message | None = None
    if message_id is not None:
        found = rows.filter(pk=message_id).first()
    elif provider_message_id:
        found = rows.filter(provider_message_id=provider_message_id).first()
    if found is None:
        return None
    asked = found.answers or found
    replies = list(Message.objects.filter(answers=asked).order_by("id"))
    steps = list(
        TraceStep.objects.filter(message__in=[asked, *replies]).order_by("position", "at", "id")
    )
    return Story(asked, replies, steps)
