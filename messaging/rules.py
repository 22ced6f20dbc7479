"""Gates of the owner's own making: honesty, what is off limits, the opening hours.

They come into the account of a message only where there is something to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from messaging import hours, words
from messaging.models import BotSettings
from messaging.trace import Verdict, acted, passed, stopped

if TYPE_CHECKING:
    from messaging.gates import Turn


def honesty(turn: Turn) -> Verdict | None:
    """Who asks whether this is a machine is told the truth, whatever else is set."""
    if words.asks_whether_bot(turn.text):
        return acted(
            "honesty", "asked_if_bot", "The customer asked whether this is a bot; it says so."
        )
    return None


def off_limits(turn: Turn) -> Verdict | None:
    """What the bot is never to talk about goes to the team."""
    if not turn.bot.off_limits:
        return None
    if phrase := words.held_by(turn.text, turn.bot.off_limits):
        return acted(
            "topic",
            "off_limits",
            f"The message holds “{phrase}”, which the bot is never to talk about.",
        )
    return passed("topic", "Nothing in it that the bot is not to talk about.")


def opening(turn: Turn) -> Verdict | None:
    """Outside the opening hours only the away text is sent, where the owner wants that."""
    how = turn.bot
    if how.outside != BotSettings.Outside.AWAY:
        return None
    zone = turn.workspace.time_zone
    if hours.is_open(how.hours, zone=zone, now=turn.now):
        return passed("hours", f"Within the opening hours ({hours.describe(how.hours)}).")
    since = hours.closed_at(how.hours, zone=zone, now=turn.now)
    told = turn.conversation.away_told_at if turn.conversation is not None else None
    if told is not None and (since is None or told >= since):
        return stopped(
            "hours",
            "outside_hours",
            "Outside the opening hours; the customer has the away text already.",
            needs_person=True,
        )
    return acted("hours", "outside_hours", "Outside the opening hours, so the away text is sent.")
