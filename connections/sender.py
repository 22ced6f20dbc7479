"""Send what the outbox holds, one at a time per conversation, outside any transaction."""

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from connections import credentials, inbox, manager, outbox, providers
from connections.events import Outbound
from connections.models import Connection, OutboundJob
from connections.providers.base import Code, ProviderError, SendReceipt, Slow
from lib import clock, crypto, events
from workspaces import scope
from workspaces.models import Workspace

State = OutboundJob.State
_NOTE_EVERY = timedelta(seconds=15)
_log = logging.getLogger(__name__)


def send_due(*, workspace: Workspace, connection_id: int, limit: int = 20) -> bool:
    """Send up to `limit` due messages of a connection. Returns whether more may be waiting.

    Recording one outcome and claiming the next share a commit; the provider is called with
    no transaction open.
    """
    with scope.workspace(workspace):
        connection = Connection.objects.filter(pk=connection_id, workspace=workspace).first()
        if connection is None:
            return False
        job = _claim(workspace, connection_id, clock.now())
        for _ in range(limit):
            if job is None:
                return False
            job = _send_one(workspace, connection, job)
        if job is not None:
            # Claimed but not begun: give it back, another turn will take it.
            OutboundJob.objects.filter(pk=job.pk, state=State.SENDING).update(
                state=State.QUEUED, attempts=job.attempts - 1
            )
    return job is not None


def _claim(workspace: Workspace, connection_id: int, now: datetime) -> OutboundJob | None:
    with transaction.atomic(durable=True):
        return outbox.claim_next(workspace=workspace, connection_id=connection_id, now=now)


def _send_one(workspace: Workspace, connection: Connection, job: OutboundJob) -> OutboundJob | None:
    with events.correlated(job.correlation):
        try:
            receipt = _call(connection, job)
        except ProviderError as error:
            now = clock.now()
            with transaction.atomic(durable=True):
                _record_error(workspace, connection, job, error, now)
                return outbox.claim_next(workspace=workspace, connection_id=connection.pk, now=now)
        now = clock.now()
        with transaction.atomic(durable=True):
            _record_receipt(connection, job, receipt, now)
            return outbox.claim_next(workspace=workspace, connection_id=connection.pk, now=now)


def _call(connection: Connection, job: OutboundJob) -> SendReceipt:
    if job.expires_at and job.expires_at <= clock.now():
        raise ProviderError(
            Code.WINDOW_CLOSED,
            "More than 24 hours have passed since the customer wrote, so WhatsApp allows no"
            " ordinary message. Wait until they write again.",
        )
    try:
        account = credentials.account(connection)
        provider = providers.get(connection.provider)
    except (crypto.UnableToDecrypt, providers.UnknownProvider) as error:
        raise ProviderError(
            Code.NOT_CONFIGURED,
            "The number's credentials cannot be opened. Enter them again under Numbers.",
            switch_off=True,
            tell_owner=True,
        ) from error
    try:
        message = Outbound.from_payload(job.payload or {})
        return provider.send(account, message, opaque=str(job.pk))
    except ProviderError:
        raise
    except Exception as error:
        # A fault of ours, or a payload of another version, must not leave the row claimed.
        _log.exception("connections.send.failed")
        raise ProviderError(
            Code.UNREADABLE, "The message could not be sent because of a fault on our side."
        ) from error


def _record_receipt(
    connection: Connection, job: OutboundJob, receipt: SendReceipt, now: datetime
) -> None:
    outbox.mark_accepted(job=job, provider_message_id=receipt.message_id, now=now)
    last = connection.last_outbound_at
    if last is None or now - last > _NOTE_EVERY:
        # Not at every message: all senders of a number would wait for this one row.
        Connection.objects.filter(pk=connection.pk).update(last_outbound_at=now)
        connection.last_outbound_at = now
    if job.message_id is not None:
        inbox.put_receipt(
            job=job,
            provider=connection.provider,
            now=now,
            outcome="sent",
            provider_message_id=receipt.message_id,
            ms=receipt.ms,
        )
    manager.note_alive(connection=connection, now=now)
    events.publish(
        "connections.outbound.accepted",
        workspace=job.workspace_id,
        params={"connection": connection.pk, "job": job.pk, "kind": job.kind},
        meta={"ms": receipt.ms, "attempt": job.attempts},
    )


def _record_error(
    workspace: Workspace,
    connection: Connection,
    job: OutboundJob,
    error: ProviderError,
    now: datetime,
) -> None:
    facts: dict[str, Any] = {
        "error_code": str(error.code),
        "vendor_code": error.vendor_code,
        "error": error.sentence,
    }
    wait = _wait(error, job.attempts)
    if error.code == Code.UNKNOWN_OUTCOME:
        outcome = "unknown"
        wait = timedelta(seconds=settings.UNKNOWN_RETRY_SECONDS)
        outbox.mark(job=job, state=State.UNKNOWN, now=now, due_at=now + wait, **facts)
    elif error.retryable and (job.attempts < settings.SEND_MAX_ATTEMPTS or _is_patient(error, job)):
        outcome = "retrying"
        outbox.mark(job=job, state=State.QUEUED, now=now, due_at=now + wait, **facts)
    elif error.switch_off and job.expires_at and job.message_id is not None:
        # The number is at fault, not the message: it waits until the number works again.
        outcome = "waiting"
        outbox.mark(job=job, state=State.QUEUED, now=now, due_at=now, **facts)
    else:
        outcome = "failed"
        outbox.mark(
            job=job, state=State.DEAD if error.retryable else State.FAILED, now=now, **facts
        )
    manager.apply_error(connection=connection, error=error, now=now)
    if error.slow in (Slow.CONNECTION, Slow.ACCOUNT):
        manager.slow_down(connection=connection, scope=error.slow, until=now + wait, now=now)
    if job.message_id is not None:
        inbox.put_receipt(
            job=job,
            provider=connection.provider,
            now=now,
            outcome=outcome,
            reference=error.reference,
            **facts,
        )
    events.publish(
        "connections.outbound.refused",
        workspace=job.workspace_id,
        params={"connection": connection.pk, "job": job.pk, "kind": job.kind},
        meta={"outcome": outcome, "code": str(error.code), "vendor_code": error.vendor_code},
    )


def _is_patient(error: ProviderError, job: OutboundJob) -> bool:
    """Being asked to slow down is no fault of the message: it waits as long as it may be sent."""
    return error.code == Code.THROTTLED and job.expires_at is not None


def _wait(error: ProviderError, attempts: int) -> timedelta:
    """Back off exponentially with jitter, or for as long as the provider said."""
    seconds = error.wait_seconds(attempts)
    if seconds is None:
        seconds = min(60.0, 0.5 * 4 ** (attempts - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
