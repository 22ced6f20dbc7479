"""The log of a number that its owner and support read."""

from datetime import datetime

from connections.models import Connection, ConnectionEvent


def note(
    connection: Connection, kind: str, *, now: datetime, code: str = "", detail: str = ""
) -> None:
    """Write a line: what happened (`kind`), the provider's code, and details in words."""
    ConnectionEvent.objects.create(
        workspace_id=connection.workspace_id,
        connection=connection,
        kind=kind[:40],
        code=str(code)[:40],
        detail=detail[:300],
        at=now,
    )
