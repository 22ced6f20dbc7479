"""What was given up in either mailbox: counted, listed and put back in line, never its contents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from connections import inbox, outbox
from connections.models import InboundEvent, OutboundJob
from workspaces import audit
from workspaces.models import Workspace

BOXES = ("in", "out")


@dataclass(frozen=True)
class Letter:
    """One row that was given up: ids and codes only."""

    box: str
    id: int
    workspace: str
    kind: str
    attempts: int
    code: str
    correlation: str
    at: datetime


def find(*, box: str, workspace: Workspace | None, limit: int) -> list[Letter]:
    """Return the newest dead letters of a mailbox. Call in the system scope."""
    if box == "in":
        return [
            Letter(
                "in", row.pk, row.workspace.slug if row.workspace else "", row.kind, row.attempts,
                row.error, row.correlation, row.received_at,
            )
            for row in _incoming(workspace).select_related("workspace").order_by("-id")[:limit]
        ]  # fmt: skip
    return [
        Letter(
            "out", row.pk, row.workspace.slug, row.kind, row.attempts,
            row.vendor_code or row.error_code, row.correlation, row.created_at,
        )
        for row in _outgoing(workspace).select_related("workspace").order_by("-id")[:limit]
    ]  # fmt: skip


def counts(*, box: str, workspace: Workspace | None) -> dict[str, int]:
    """Return how many dead letters each workspace has in a mailbox. Call in the system scope."""
    rows: QuerySet[InboundEvent] | QuerySet[OutboundJob] = (
        _incoming(workspace) if box == "in" else _outgoing(workspace)
    )
    found = rows.values_list("workspace__slug").annotate(Count("pk")).order_by("workspace__slug")
    return {str(slug or ""): int(count) for slug, count in found}


def replay(*, box: str, ids: Sequence[int], actor_kind: str, now: datetime) -> int:
    """Put dead letters back in line; return how many. Call in the system scope."""
    count: int = (inbox if box == "in" else outbox).replay(ids=ids, now=now)
    audit.record(
        action="mailbox.replayed",
        actor_kind=actor_kind,
        target=f"{box} {', '.join(map(str, ids))}",
        now=now,
    )
    return count


def _incoming(workspace: Workspace | None) -> QuerySet[InboundEvent]:
    rows = InboundEvent.objects.filter(state=InboundEvent.State.DEAD)
    return rows.filter(workspace=workspace) if workspace else rows


def _outgoing(workspace: Workspace | None) -> QuerySet[OutboundJob]:
    rows = OutboundJob.objects.filter(state=OutboundJob.State.DEAD)
    return rows.filter(workspace=workspace) if workspace else rows
