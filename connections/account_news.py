"""What WhatsApp, or a linked phone's engine, says of a number or its account."""

from collections.abc import Mapping
from datetime import datetime

from connections import manager
from connections.linked import limits, states
from connections.models import Connection


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
        manager.note_account_news(connection=connection, data=data, now=now)
