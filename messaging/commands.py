"""Owner commands by WhatsApp: only from a number that was confirmed in the dashboard."""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F

from billing import meters, reports
from connections.models import Connection
from lib import clock, crypto, events, phones
from messaging import bot, words
from messaging.models import ContactIdentity, Conversation, OwnerNumber
from workspaces import audit, members
from workspaces.models import Member, User, Workspace

if TYPE_CHECKING:
    from messaging.gates import Turn

COMMANDS = ("status", "pause", "resume", "usage", "help")
_CODE_MINUTES = 15
_CODE_ATTEMPTS = 5
HELP = (
    "You can send:\n*status* - how the bot and your numbers are\n*pause* - stop the bot\n"
    "*resume* - start it again\n*usage* - messages today and this month\n*help* - this list"
)


_STATES = {
    "on": "on",
    "test": "on, for your test phones only",
    "off": "off. Customers' messages wait for you in the inbox",
}


def recognise(text: str) -> str:
    """Return the command that the whole message is, or an empty string."""
    said = words.bare(text)
    return said if said in COMMANDS else ""


def is_commander(*, workspace: Workspace, contact_id: int, identity_values: list[str]) -> bool:
    """Say whether the sender's identity was confirmed by somebody who still may command."""
    number = (
        OwnerNumber.objects.filter(
            confirmed_at__isnull=False,
            identity__contact_id=contact_id,
            identity__value__in=identity_values,
            identity__superseded_by__isnull=True,
        )
        .only("user_id")
        .first()
    )
    if number is None:
        return False
    user = User.objects.filter(pk=number.user_id, is_active=True).first()
    member = members.find(workspace=workspace, user=user) if user else None
    return member is not None and members.may(member, Member.Role.MANAGER)


def carry_out(*, turn: "Turn", command: str) -> str:
    """Do `command` and return what to answer. Runs in the message's transaction."""
    workspace, now = turn.workspace, turn.now
    if command in ("pause", "resume"):
        if command == "resume":
            changed = bot.resume(workspace=workspace, actor_kind="whatsapp", now=now)
        else:
            changed = bot.switch(
                workspace=workspace,
                mode=bot.Mode.OFF,
                actor=None,
                actor_kind="whatsapp",
                now=now,
            )
        return f"The bot is {'now' if changed else 'already'} {_STATES[bot.settings_of().mode]}."
    if command == "status":
        return _status(turn)
    if command == "usage":
        return _usage(workspace, now)
    return HELP


def _status(turn: "Turn") -> str:
    numbers = [
        f"{phones.show(c.phone)}: {c.get_state_display()}{'' if c.is_sending else ' (sending stopped)'}"
        for c in Connection.objects.filter(workspace=turn.workspace).order_by("pk")
    ]
    waiting = Conversation.objects.filter(needs_person=True, state=Conversation.State.OPEN).count()
    mode = bot.settings_of().mode
    state = "on for test phones only" if mode == bot.Mode.TEST else mode
    return "\n".join([f"Bot: {state}", *numbers, f"Conversations that need you: {waiting}"])


def _usage(workspace: Workspace, now: datetime) -> str:
    today = clock.local_day(now, workspace.time_zone)
    rows = reports.by_day(workspace=workspace, first=today.replace(day=1), last=today)
    month = reports.totals(rows)
    day = reports.totals([row for row in rows if row["day"] == today.isoformat()])
    sent, received = meters.MESSAGES_SENT, meters.MESSAGES_RECEIVED
    return (
        f"Today: {day[received]} received, {day[sent]} sent.\n"
        f"This month: {month[received]} received, {month[sent]} sent."
    )


# --- Confirming a number --------------------------------------------------------------------


def begin_confirmation(*, workspace: Workspace, user: User, phone: str, now: datetime) -> str:
    """Note that `user` wants to command from `phone`; return the code to send from it.

    Raises lib.phones.UnableToParsePhone.
    """
    number = phones.parse(phone, country=workspace.country)
    code = f"{secrets.randbelow(1_000_000):06d}"
    OwnerNumber.objects.update_or_create(
        user_id=user.pk,
        defaults={
            "phone": number,
            "code_digest": crypto.digest(code, purpose=f"owner-number|{workspace.pk}|{user.pk}"),
            "code_expires_at": now + timedelta(minutes=_CODE_MINUTES),
            "code_attempts": 0,
            "identity": None,
            "confirmed_at": None,
            "created_at": now,
        },
    )
    return code


def code_in(text: str) -> str:
    """Return the code of a message that says `confirm 123456` and nothing else."""
    match words.bare(text).split():
        case ["confirm", code] if code.isdigit() and len(code) == 6:
            return code
    return ""


def confirm(
    *, workspace: Workspace, text: str, contact_id: int, phone: str | None, now: datetime
) -> bool:
    """Take `confirm 123456` from the phone that was named in the dashboard.

    The identity that sent the code is trusted from then on. False for anything else: it is
    then an ordinary message.
    """
    code = code_in(text)
    if not code:
        return False
    waiting = OwnerNumber.objects.filter(
        confirmed_at__isnull=True,
        code_expires_at__gt=now,
        code_attempts__lt=_CODE_ATTEMPTS,
        phone=phone or "",
    )
    for number in waiting:
        OwnerNumber.objects.filter(pk=number.pk).update(code_attempts=F("code_attempts") + 1)
        expected = crypto.digest(code, purpose=f"owner-number|{workspace.pk}|{number.user_id}")
        if not secrets.compare_digest(expected, number.code_digest):
            continue
        identity = ContactIdentity.objects.filter(
            contact_id=contact_id, kind=ContactIdentity.Kind.PHONE, value=phone
        ).first()
        if identity is None:
            continue
        OwnerNumber.objects.filter(identity=identity).update(identity=None, confirmed_at=None)
        OwnerNumber.objects.filter(pk=number.pk).update(
            identity=identity, confirmed_at=now, code_digest="", code_expires_at=None
        )
        audit.record(
            action="owner-number.confirmed",
            workspace=workspace,
            actor=User.objects.filter(pk=number.user_id).first(),
            target=f"identity {identity.pk}",
            now=now,
        )
        events.publish("messaging.owner-number.confirmed", workspace=workspace.pk)
        return True
    return False


def forget(*, workspace: Workspace, user: User, now: datetime) -> None:
    """Take the right to command away from the user's number."""
    deleted, _ = OwnerNumber.objects.filter(user_id=user.pk).delete()
    if deleted:
        audit.record(action="owner-number.removed", workspace=workspace, actor=user, now=now)
