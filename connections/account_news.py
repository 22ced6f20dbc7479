"""What WhatsApp, or a linked phone's engine, says of a number or its account."""

from collections.abc import Mapping
from datetime import datetime

from connections import journal, manager
from connections.linked import limits, states
from connections.models import Connection
from lib import phones
from workspaces import notices

State = Connection.State
_EFFECTS = {
    "blocked": "WhatsApp has blocked this account, so nothing can be sent",
    "limited": "WhatsApp has limited what this account may do",
    "warned": "WhatsApp has warned this account",
}


def take(*, connection: Connection, data: Mapping[str, object], now: datetime) -> None:
    """Take in one piece of news. Call in the workspace's scope."""
    field = data.get("field")
    if field == "linked_state":
        states.take(connection=connection, data=data, now=now)
    elif field == "linked_limit":
        limits.take(connection=connection, data=data, now=now)
    elif field == "linked_unreadable":
        limits.note_unreadable(connection=connection, now=now)
    else:
        _note_account(connection=connection, data=data, now=now)


def _note_account(*, connection: Connection, data: Mapping[str, object], now: datetime) -> None:
    """Log what WhatsApp says about the number or its account; a ban or restriction shows at once."""
    field = str(data.get("field") or "update")
    event = str(data.get("event") or "")
    journal.note(
        connection,
        f"whatsapp-{field}"[:40],
        code=event[:40],
        detail=str(data.get("text") or "")[:300],
        now=now,
    )
    effect = str(data.get("effect") or "")
    if effect == "blocked":
        manager.change_state(
            connection=connection,
            state=State.BLOCKED,
            code=event,
            reason="WhatsApp has restricted or closed this account. See Meta's Business Support Home.",
            now=now,
        )
    elif effect == "restored":
        manager.restore(connection=connection, now=now)
    if effect in ("blocked", "limited", "warned"):
        notices.tell_owners(
            workspace=connection.workspace,
            key=f"account:{connection.pk}:{event}:{now.date()}",
            text=f"{phones.show(connection.phone)}: {_EFFECTS[effect]} ({event or field}).",
            now=now,
        )
