"""Sends in the outbox, put and moved by hand."""

from datetime import datetime
from typing import Any

from connections import outbox
from connections.events import Outbound, OutboundKind
from connections.models import OutboundJob
from lib import clock
from tests.messaging.conftest import Way
from workspaces import scope


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


def claim(way: Way, *, now: datetime | None = None) -> OutboundJob | None:
    with scope.workspace(way.space):
        return outbox.claim_next(
            workspace=way.space, connection_id=way.connection.pk, now=now or clock.now()
        )


def key_of(job: OutboundJob | None) -> str:
    return job.key if job else ""


def fix(job: OutboundJob, **values: Any) -> None:
    with scope.system():
        OutboundJob.objects.filter(pk=job.pk).update(**values)


def now_is(job: OutboundJob) -> OutboundJob:
    with scope.system():
        job.refresh_from_db()
    return job
