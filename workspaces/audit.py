"""Write the audit: who did what, to what, and why. Called by the function that does it."""

from datetime import datetime

from lib import events
from workspaces.models import AuditEntry, User, Workspace


def record(
    *,
    action: str,
    now: datetime,
    workspace: Workspace | None = None,
    actor: User | None = None,
    actor_kind: str = "member",
    target: str = "",
    reason: str = "",
) -> None:
    """Append one entry in the caller's transaction. No customer's content goes in."""
    AuditEntry.objects.create(
        workspace=workspace,
        actor=actor,
        actor_kind=actor_kind,
        action=action,
        target=target.replace("\x00", "")[:120],
        reason=reason.replace("\x00", "")[:300],
        correlation=events.correlation(),
        at=now,
    )
