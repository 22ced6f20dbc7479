"""What a business is: its kind and its place, as its owner says."""

from datetime import datetime

from django.db import transaction

from workspaces import audit, scope
from workspaces.models import User, Workspace


def describe(*, workspace: Workspace, kind: str, city: str, actor: User, now: datetime) -> bool:
    """Keep the kind of business and the city. Returns False when nothing changed."""
    before = (workspace.kind, workspace.city)
    workspace.kind, workspace.city = kind, city.strip()
    if before == (workspace.kind, workspace.city):
        return False
    with scope.system(), transaction.atomic():
        workspace.save(update_fields=["kind", "city"])
        audit.record(
            action="workspace.described", workspace=workspace, actor=actor, target=kind, now=now
        )
    return True
