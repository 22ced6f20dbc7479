"""What customers would read of the bot's own words: a little chat for the page of its settings."""

from dataclasses import dataclass
from datetime import datetime

from messaging import sentences
from messaging.models import BotSettings
from workspaces.models import Workspace


@dataclass(frozen=True)
class Line:
    """One bubble: what the customer writes, or what comes back."""

    text: str
    is_ours: bool


def of(how: BotSettings, *, workspace: Workspace, now: datetime) -> list[Line]:
    """Return a chat in which each of the bot's own sentences is said once."""
    zone, business = workspace.time_zone, workspace.name
    chat = [
        ("Hello", sentences.greeting(how, business=business)),
        ("Are you a bot?", sentences.honest(how, business=business)),
        ("Can I talk to a person?", sentences.handover(how, zone=zone, now=now)),
    ]
    if how.unsure == BotSettings.Unsure.MENU:
        choices = "1. Delivery fees\n2. Delivery times"
        menu = [sentences.menu_head(how), choices, "", sentences.menu_foot(how)]
        chat.insert(1, ("Delivery?", "\n".join(menu)))
    if how.outside == BotSettings.Outside.AWAY:
        chat.append(("(after closing) Hello?", sentences.away(how, zone=zone, now=now)))
    return [
        line
        for asked, said in chat
        for line in (Line(asked, is_ours=False), Line(said, is_ours=True))
    ]
