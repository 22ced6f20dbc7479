"""Where a phone number is known, for support: by keyed digest, without a list of customers."""

from collections.abc import Sequence
from datetime import datetime

from connections.models import DirectoryEntry
from lib import crypto, records, sql
from workspaces import scope
from workspaces.models import Workspace

_NOTED = {"digest": "text", "contact_id": "bigint"}
_REMEMBER = (
    "INSERT INTO connections_directoryentry (workspace_id, digest, contact_id, last_at)"  # noqa: S608
    f" SELECT %s, digest, contact_id, %s FROM {records.source(_NOTED)}"
    " ON CONFLICT (digest, workspace_id, contact_id) DO UPDATE SET last_at = EXCLUDED.last_at"
)


def remember(
    *,
    workspace: Workspace,
    contacts: Sequence[tuple[str, int]],
    now: datetime,
    sheet: sql.Sheet | None = None,
) -> None:
    """Note that these (phone in E.164, contact id) are customers of this workspace; one statement.

    With a `sheet` it is executed when that is.
    """
    digests = sorted({(crypto.digest(phone, purpose="directory"), pk) for phone, pk in contacts})
    if not digests:
        return
    used = sheet or sql.Sheet()
    used.add(_REMEMBER, [workspace.pk, now, records.written(_NOTED, digests)])
    if sheet is None:
        used.run()


def find(*, phone: str) -> list[DirectoryEntry]:
    """Return where `phone` (E.164) is known, newest first, over all workspaces (support)."""
    with scope.system():
        return list(
            DirectoryEntry.objects.filter(digest=crypto.digest(phone, purpose="directory"))
            .select_related("workspace")
            .order_by("-last_at")[:50]
        )


def forget(*, workspace: Workspace, contact_id: int) -> None:
    """Remove where a contact was known."""
    DirectoryEntry.objects.filter(workspace=workspace, contact_id=contact_id).delete()
