"""Where a phone number is known, for support: by keyed digest, without a list of customers."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection as database

from connections.models import DirectoryEntry
from lib import crypto
from workspaces import scope
from workspaces.models import Workspace


def remember(*, workspace: Workspace, contacts: Sequence[tuple[str, int]], now: datetime) -> None:
    """Note that these (phone in E.164, contact id) are customers of this workspace; one statement."""
    digests = sorted({(crypto.digest(phone, purpose="directory"), pk) for phone, pk in contacts})
    if not digests:
        return
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_directoryentry (workspace_id, digest, contact_id, last_at)"
            " SELECT %s, d, c, %s FROM unnest(%s::text[], %s::bigint[]) AS u(d, c)"
            " ON CONFLICT (digest, workspace_id, contact_id) DO UPDATE SET last_at = EXCLUDED.last_at",
            [workspace.pk, now, [d for d, _ in digests], [pk for _, pk in digests]],
        )


def find(*, phone: str) -> list[DirectoryEntry]:
    """Return where `phone` (E.164) is known, newest first, over all workspaces (support)."""
    with scope.system():
        return list(
            DirectoryEntry.objects.filter(digest=crypto.digest(phone, purpose="directory"))
            .select_related("workspace")
            .order_by("-last_at")[:50]
        )
