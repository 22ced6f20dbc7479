"""How the bot behaves in a workspace: its switch, its fixed texts."""

from datetime import datetime

from django.db import transaction

from lib import sql
from messaging.models import BotSettings
from workspaces import audit
from workspaces.models import User, Workspace

GREETING = "Hello, welcome to {name}! Ask me anything about our products, prices and delivery."
HANDOVER = "Thank you. I am passing this to a colleague, who will answer you here."
MENU_HEAD = "Did you mean one of these?"
MENU_FOOT = "Tap one, or send its number. If none fits, just write it another way."
OPTED_OUT = "You will get no more automatic replies from us. Send START to have them again."
OPTED_IN = "Automatic replies are on again. How can we help?"
# What each manner of answering does. The figures: workspaces that nothing was fitted on, five ways
# to ask for each answer (docs/answers.md).
MANNERS = {
    BotSettings.Manner.CAREFUL: "Speaks only when it is quite sure, and calls you more often. In tests:"
    " 55 of 100 questions right at once, 2 wrong; of 100 that no answer covers, 5 got one.",
    BotSettings.Manner.BALANCED: "Speaks when it is fairly sure. In tests: 61 of 100 questions right at"
    " once, 3 wrong; of 100 that no answer covers, 7 got one.",
    BotSettings.Manner.EAGER: "Speaks more by itself, and errs more. In tests: 70 of 100 questions right"
    " at once, 6 wrong; of 100 that no answer covers, 13 got one.",
}


def prepare(*, workspace: Workspace, now: datetime) -> None:
    """Lay the settings of a new workspace (called in its schema)."""
    BotSettings.objects.create(
        pk=1, greeting=GREETING.format(name=workspace.name), handover_text=HANDOVER
    )


_COLUMNS = [field.attname for field in BotSettings._meta.concrete_fields]
_SETTINGS = f"SELECT {', '.join(_COLUMNS)} FROM messaging_botsettings WHERE id = 1"  # noqa: S608


def settings_of() -> BotSettings:
    """Return the settings of the workspace in scope."""
    for row in sql.fetch(_SETTINGS):
        return BotSettings.from_db("default", _COLUMNS, row)
    return BotSettings.objects.get_or_create(pk=1, defaults={"handover_text": HANDOVER})[0]


def switch(
    *,
    workspace: Workspace,
    is_on: bool,
    actor: User | None,
    actor_kind: str = "member",
    now: datetime,
) -> bool:
    """Turn the bot on or off. Returns False when it was so already."""
    with transaction.atomic():
        settings_of()
        changed = BotSettings.objects.filter(pk=1).exclude(is_on=is_on).update(is_on=is_on)
        if changed:
            audit.record(
                action="bot.on" if is_on else "bot.off",
                workspace=workspace,
                actor=actor,
                actor_kind=actor_kind,
                now=now,
            )
    return bool(changed)


def set_manner(*, workspace: Workspace, manner: str, actor: User, now: datetime) -> bool:
    """Say how sure the bot must be to answer by itself. Returns False when it was so already."""
    with transaction.atomic():
        settings_of()
        changed = BotSettings.objects.filter(pk=1).exclude(manner=manner).update(manner=manner)
        if changed:
            audit.record(
                action="bot.manner",
                workspace=workspace,
                actor=actor,
                target=manner,
                now=now,
            )
    return bool(changed)
