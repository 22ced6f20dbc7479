"""What numbers are called where only their ids are known: by usage, and in files."""

from collections.abc import Collection

from connections.models import Connection
from lib import phones
from workspaces.models import Workspace


def names(*, workspace: Workspace, ids: Collection[int]) -> dict[int, str]:
    """Return a name for each id that the workspace has or had; removed numbers keep theirs."""
    rows = Connection.every.filter(workspace=workspace, pk__in=ids).values_list(
        "pk", "phone", "label"
    )
    return {pk: phones.show(phone) or label or f"Number {pk}" for pk, phone, label in rows}


def live(*, workspace: Workspace) -> list[tuple[int, str]]:
    """Return the workspace's numbers of today, to choose one of."""
    rows = Connection.objects.filter(workspace=workspace).order_by("pk")
    return [(row.pk, phones.show(row.phone) or row.label or f"Number {row.pk}") for row in rows]
