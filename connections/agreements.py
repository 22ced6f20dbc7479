"""That somebody has read what linking a phone may lead to: a line of the audit, per number."""

from datetime import datetime

from connections.models import Connection
from workspaces import audit
from workspaces.models import AuditEntry, User

_ACTION = "connection.linking-agreed"


def remember(*, connection: Connection, actor: User, now: datetime) -> None:
    """Note that `actor` ticked the box. Call in the workspace's scope."""
    audit.record(
        action=_ACTION,
        workspace=connection.workspace,
        actor=actor,
        target=_target(connection),
        now=now,
    )


def is_agreed(*, connection: Connection) -> bool:
    """Say whether somebody of the workspace ticked the box for this number."""
    return AuditEntry.objects.filter(
        workspace_id=connection.workspace_id, action=_ACTION, target=_target(connection)
    ).exists()


def _target(connection: Connection) -> str:
    return f"connection {connection.pk}"
