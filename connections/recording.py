"""Write down what became of sends: what was taken in one statement for all, refusals each."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from connections import accepting, allowances, breaker, inbox, manager, manners, outbox
from connections.calls import Outcome
from connections.events import OutboundKind
from connections.models import Connection, OutboundJob
from connections.providers.base import Code, ProviderError, SendReceipt, Slow
from lib import events

State = OutboundJob.State
_NOTE_EVERY = timedelta(seconds=15)
_MARKS = (OutboundKind.READ, OutboundKind.TYPING)
# How long a number that is away rests at most between two tries; its line's `open` ends the rest.
_LONGEST_REST = timedelta(seconds=60)


def record(*, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> bool:
    """Record how sends of a connection ended. May be repeated: each outcome counts once.

    The commit waits for the disk: only what is there may be forgotten here. Returns whether more
    is due on the connection.
    """
    taken = [(o.job, o.receipt) for o in outcomes if o.receipt is not None]
    if len(taken) == len(outcomes) and connection.state != Connection.State.CONNECTING:
        return _record_taken(connection, taken, now)
    with transaction.atomic(durable=True):
        if taken:
            _record_taken(connection, taken, now)
            manager.note_alive(connection=connection, now=now)
        for outcome in outcomes:
            if outcome.error is not None:
                _record_error(connection, outcome.job, outcome.error, now)
        idle = [o.job for o in outcomes if o.receipt is None and o.error is None]
        if idle:
            outbox.give_back(jobs=idle, now=now)
        return outbox.has_due(connection_id=connection.pk, now=now)


def announce(*, connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Say into the log what was recorded, one line each, under its own correlation id."""
    for outcome in outcomes:
        job, receipt = outcome.job, outcome.receipt
        if receipt is None:
            continue
        with events.correlated(job.correlation):
            events.publish(
                "connections.outbound.accepted",
                workspace=job.workspace_id,
                params={"connection": connection.pk, "job": job.pk, "kind": job.kind},
                meta={"ms": receipt.ms, "attempt": job.attempts},
            )


def _record_taken(
    connection: Connection, taken: Sequence[tuple[OutboundJob, SendReceipt]], now: datetime
) -> bool:
    last = connection.last_outbound_at
    # Not at every message: all senders of a number would wait for this one row.
    is_noted = last is None or now - last > _NOTE_EVERY
    has_more = accepting.accept_all(connection=connection, sent=taken, now=now, is_noted=is_noted)
    if is_noted:
        connection.last_outbound_at = now
    return has_more


def _record_error(
    connection: Connection, job: OutboundJob, error: ProviderError, now: datetime
) -> None:
    with events.correlated(job.correlation):
        outcome = _decide(connection, job, error, now)
        events.publish(
            "connections.outbound.refused",
            workspace=job.workspace_id,
            params={"connection": connection.pk, "job": job.pk, "kind": job.kind},
            meta={"outcome": outcome, "code": str(error.code), "vendor_code": error.vendor_code},
        )


def _decide(connection: Connection, job: OutboundJob, error: ProviderError, now: datetime) -> str:
    facts: dict[str, Any] = {
        "error_code": str(error.code),
        "vendor_code": error.vendor_code,
        "error": error.sentence,
    }
    wait = _wait(error, job.attempts)
    if error.code == Code.UNKNOWN_OUTCOME:
        outcome, state = "unknown", State.UNKNOWN
        wait = timedelta(seconds=manners.unknown_retry_seconds(connection))
    elif error.code == Code.OFFLINE and job.kind not in _MARKS and job.expires_at is not None:
        return _await_line(connection, job, error, facts, now)
    elif error.code == Code.OFFLINE and job.kind in _MARKS:
        outcome, state = "failed", State.FAILED  # a sign of life that would come too late
    elif error.retryable and (
        job.attempts < settings.SEND_MAX_ATTEMPTS or _is_patient(connection, error, job)
    ):
        outcome, state = "retrying", State.QUEUED
    elif error.switch_off and job.expires_at and job.message_id is not None:
        # The number is at fault, not the message: it waits until the number works again.
        outcome, state, wait = "waiting", State.QUEUED, timedelta()
    else:
        outcome, state = "failed", State.DEAD if error.retryable else State.FAILED
    due_at = now + wait if state in (State.UNKNOWN, State.QUEUED) else now
    if not outbox.mark(job=job, state=state, now=now, due_at=due_at, **facts):
        return "settled"  # somebody has said what became of it
    manager.apply_error(connection=connection, error=error, now=now)
    if error.slow in (Slow.CONNECTION, Slow.ACCOUNT):
        allowances.slow_down(
            connection=connection, scope=error.slow, until=now + wait, now=now,
            is_noted=error.code != Code.OFFLINE,
        )  # fmt: skip
    if job.message_id is not None:
        inbox.put_receipt(
            job=job,
            provider=connection.provider,
            now=now,
            outcome=outcome,
            reference=error.reference,
            **facts,
        )
    return outcome


def _await_line(
    connection: Connection,
    job: OutboundJob,
    error: ProviderError,
    facts: dict[str, Any],
    now: datetime,
) -> str:
    """Leave the message where it stands until its number is back; that was no try.

    The number rests, not the message: when its line opens, all go at once and in order. Whom it
    concerns is told once, however often it is tried: the number may be away for a day.
    """
    was_told = job.error_code == Code.OFFLINE
    if not outbox.mark(job=job, state=State.QUEUED, now=now, is_try=False, **facts):
        return "settled"
    rest = _wait(error, 1)
    if was_told:
        rest = max(rest, min(_LONGEST_REST, (now - job.created_at) / 4))
    allowances.slow_down(
        connection=connection, scope=Slow.CONNECTION, until=now + rest, now=now, is_noted=False
    )
    told = outbox.note_waiting(connection=connection, **facts)
    if job.message_id is not None and not was_told:
        told.append(job)
    inbox.put_receipts(jobs=told, provider=connection.provider, outcome="waiting", now=now, **facts)
    return "waiting"


def _is_patient(connection: Connection, error: ProviderError, job: OutboundJob) -> bool:
    """Say whether the try was no fault of the message: it waits as long as it may be sent.

    So when WhatsApp asks to slow down, and when it is down for everybody.
    """
    is_nobodys_fault = error.code == Code.THROTTLED or (
        breaker.is_outage(error) and breaker.is_open(connection.provider)
    )
    return is_nobodys_fault and job.expires_at is not None


def _wait(error: ProviderError, attempts: int) -> timedelta:
    """Back off exponentially with jitter, or for as long as the provider said."""
    seconds = error.wait_seconds(attempts)
    if seconds is None:
        seconds = min(60.0, 0.5 * 4 ** (attempts - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
