"""Where a phone number is known, for support: by keyed digest, without a list of customers."""

from datetime import datetime

from django.db import connection as database

from connections.models import DirectoryEntry
from lib import crypto
from workspaces import scope
from workspaces.models import Workspace


def remember(*, workspace: Workspace, phone: str, contact_id: int, now: datetime) -> None:
    """Note that `phone` (E.164) is a contact of this workspace."""
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_directoryentry (workspace_id, digest, contact_id, last_at)"
            " VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (digest, workspace_id, contact_id) DO UPDATE SET last_at = EXCLUDED.last_at",
            [workspace.pk, crypto.digest(phone, purpose="directory"), contact_id, now],
        )


def find(*, phone: str) -> list[DirectoryEntry]:
    """Return where `phone` (E.164) is known, newest first, over all workspaces (support)."""
    with scope.system():
        return list(
            DirectoryEntry.objects.filter(digest=crypto.digest(phone, purpose="directory"))
            .select_related("workspace")
            .order_by("-last_at")[:50]
        )
