"""Suspend and reactivate: the bot stops at once, customers' messages are still kept."""

from datetime import datetime

from django.db import transaction

from lib import events
from workspaces import audit, scope
from workspaces.models import User, Workspace


def suspend(
    *, workspace_id: int, reason: str, actor: User | None, actor_kind: str, now: datetime
) -> bool:
    """Stop the workspace's bot and sends. Returns False when it was suspended already."""
    return _change(workspace_id, "active", "suspended", reason, actor, actor_kind, now)


def reactivate(
    *, workspace_id: int, reason: str, actor: User | None, actor_kind: str, now: datetime
) -> bool:
    """Let the workspace work again. Returns False when it was active already."""
    return _change(workspace_id, "suspended", "active", reason, actor, actor_kind, now)


def _change(
    workspace_id: int,
    old: str,
    new: str,
    reason: str,
    actor: User | None,
    actor_kind: str,
    now: datetime,
) -> bool:
    with scope.system(), transaction.atomic():
        changed = Workspace.objects.filter(pk=workspace_id, state=old).update(
            state=new, state_reason=reason[:200] if new == "suspended" else ""
        )
        if changed:
            audit.record(
                action=f"workspace.{new}",
                workspace=Workspace.objects.get(pk=workspace_id),
                actor=actor,
                actor_kind=actor_kind,
                reason=reason,
                now=now,
            )
    if changed:
        events.publish(f"workspaces.workspace.{new}", workspace=workspace_id)
    return bool(changed)
