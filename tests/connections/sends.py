"""Sends in the outbox, put and moved by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from connections import accepting, outbox
from connections.events import Outbound, OutboundKind
from connections.models import OutboundJob
from connections.providers.base import SendReceipt
from lib import clock, sql
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace


def put(way: Way, key: str, *, talk: str = "+2348061112222", **options: Any) -> OutboundJob:
    kind = options.pop("kind", OutboundKind.TEXT)
    text = "" if kind in (OutboundKind.READ, OutboundKind.TYPING) else f"text {key}"
    with scope.workspace(way.space):
        now = options.pop("now", clock.now())
        item = outbox.Item(
            connection_id=way.connection.pk,
            key=key,
            message=Outbound(
                kind=kind, to_phone="+2348061112222", text=text, message_id="wamid.IN"
            ),
            conversation_key=talk,
            correlation="c",
            **options,
        )
        outbox.put_all(workspace=way.space, items=[item], now=now)
        return OutboundJob.objects.get(key=key)


def claim(
    way: Way, *, now: datetime | None = None, space: Workspace | None = None
) -> OutboundJob | None:
    """Take the number's next send, speaking for `space` (its own workspace, if none is given)."""
    with scope.workspace(space or way.space):
        jobs = outbox.claim_batch(
            workspace=space or way.space, connection_id=way.connection.pk, limit=1,
            now=now or clock.now(),
        ).jobs  # fmt: skip
    return jobs[0] if jobs else None


def accept(way: Way, job: OutboundJob, name: str, *, now: datetime | None = None) -> bool:
    """Record that the provider took it, as the sender does. False when that changed nothing."""
    with scope.mailboxes(way.space):
        sent = [(job, SendReceipt(message_id=name, ms=1))]
        accepting.accept_all(connection=way.connection, sent=sent, now=now or clock.now())
        return OutboundJob.objects.filter(
            pk=job.pk, state=OutboundJob.State.ACCEPTED, provider_message_id=name
        ).exists()


def settle_all(
    way: Way, items: Sequence[tuple[str, str, str]], *, now: datetime | None = None,
    space: Workspace | None = None,
) -> dict[int, outbox.Spoken]:  # fmt: skip
    """Tell the outbox what statuses say: (opaque, subject, word) each, as the drain does."""
    with scope.workspace(space or way.space), transaction.atomic():
        sheet = sql.Sheet()
        found = outbox.settle_by_statuses(
            workspace=space or way.space, items=items, now=now or clock.now(), sheet=sheet
        )
        sheet.run()
    return found


def settle(
    way: Way, *, opaque: str = "", subject: str = "", status: str = "",
    now: datetime | None = None, space: Workspace | None = None,
) -> outbox.Spoken | None:  # fmt: skip
    """Tell the outbox of one status."""
    return settle_all(way, [(opaque, subject, status)], now=now, space=space).get(0)


def key_of(job: OutboundJob | None) -> str:
    return job.key if job else ""


def fix(job: OutboundJob, **values: Any) -> None:
    with scope.system():
        OutboundJob.objects.filter(pk=job.pk).update(**values)


def now_is(job: OutboundJob) -> OutboundJob:
    with scope.system():
        job.refresh_from_db()
    return job
