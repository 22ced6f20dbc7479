"""What became of our messages: receipts of our sender and statuses of the provider.

A monotone lattice: queued < sending < sent < failed < delivered < read, so that any order of
the same news ends alike: a late `sent` never takes `read` back, and what reached the customer
has not failed.
"""

from datetime import datetime
from typing import Any

from django.db.models import Q

from billing import metering, meters
from connections import manager, outbox
from connections.models import Connection, OutboundJob
from lib import events
from messaging import conversations, trace
from messaging.models import Contact, Message
from workspaces.models import Workspace

Status = Message.Status
# What a status may replace.
_BELOW: dict[str, tuple[str, ...]] = {
    Status.SENT: (Status.QUEUED, Status.SENDING),
    Status.DELIVERED: (Status.QUEUED, Status.SENDING, Status.SENT, Status.FAILED),
    Status.READ: (Status.QUEUED, Status.SENDING, Status.SENT, Status.FAILED, Status.DELIVERED),
    Status.FAILED: (Status.QUEUED, Status.SENDING, Status.SENT),
}
_SENTENCES = {
    Status.SENT: "WhatsApp has sent it.",
    Status.DELIVERED: "Delivered to the customer's phone.",
    Status.READ: "The customer has read it.",
}


class NotYet(Exception):
    """The message that is spoken of is not known yet: try again in a moment."""


def record_receipt(
    *,
    workspace: Workspace,
    connection_id: int | None,
    data: dict[str, Any],
    received_at: datetime,
    now: datetime,
) -> None:
    """Record what our sender reports about a message of ours."""
    message = (
        Message.objects.filter(pk=int(data.get("message_id") or 0))
        .select_related("answers", "conversation")
        .first()
    )
    if message is None:
        return
    outcome = data["outcome"]
    if outcome == "sent":
        _revive(message)
        _accepted(
            workspace, message, str(data.get("provider_message_id") or ""), connection_id, now
        )
        verdict = trace.Verdict(
            "send",
            "note",
            "accepted",
            "WhatsApp took the message.",
            {"ms": data.get("ms"), "attempt": data.get("attempt")},
        )
    elif outcome == "failed":
        _fail(
            workspace,
            message,
            str(data.get("error_code", "")),
            str(data.get("error", "")),
            now,
            was_accepted=False,
        )
        verdict = trace.Verdict(
            "send",
            "stop",
            "send_failed",
            f"It could not be sent. {data.get('error', '')}",
            _facts(data),
        )
    else:
        sentence = {
            "retrying": "A try failed; it will be sent again shortly.",
            "waiting": "It waits until the number works again.",
        }.get(outcome, "Nobody knows yet whether it went out; WhatsApp's status will tell.")
        verdict = trace.Verdict(
            "send",
            "note",
            f"send_{outcome}",
            f"{sentence} {data.get('error', '')}".strip(),
            _facts(data),
        )
    _append(message, verdict, now)


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    return {
        key: data.get(key)
        for key in ("error_code", "vendor_code", "reference", "attempt")
        if data.get(key)
    }


def record(
    *,
    workspace: Workspace,
    connection: Connection | None,
    subject: str,
    data: dict[str, Any],
    at: datetime | None,
    received_at: datetime,
    now: datetime,
) -> None:
    """Record a provider's status. Raises NotYet when the message is not known (yet)."""
    job = outbox.settle_by_status(
        workspace=workspace, opaque=str(data.get("opaque") or ""), subject=subject, now=now
    )
    message = _message_of(job, subject)
    if message is None:
        raise NotYet
    status = str(data.get("status") or "")
    moment = conversations.credible(at, received_at=received_at)
    if status == "played":
        status = Status.READ
    if status not in _BELOW:
        _append(
            message,
            trace.Verdict(
                "status",
                "note",
                f"status_{status or 'unknown'}"[:40],
                f"WhatsApp says: {status or 'unknown'}.",
            ),
            now,
        )
        return
    if job is not None and subject:
        # Also what failed was taken before: else our own later receipt would count it.
        _accepted(
            workspace, message, subject, connection.pk if connection else None, now, is_sent=False
        )
    if status == Status.FAILED:
        _failed_status(workspace, connection, message, job, data, now)
        return
    _advance(message, status, moment)
    _append(
        message,
        trace.Verdict(
            "status", "note", status, _SENTENCES[Status(status)], {"at": moment.isoformat()}
        ),
        now,
    )


def _message_of(job: OutboundJob | None, subject: str) -> Message | None:
    rows = Message.objects.select_related("answers", "conversation__contact")
    if job is not None:
        return rows.filter(pk=job.message_id).first() if job.message_id else None
    if not subject:
        return None
    return rows.filter(provider_message_id=subject, direction=Message.Direction.OUT).first()


def _advance(message: Message, status: str, moment: datetime) -> bool:
    """Move up the lattice (compare-and-set); the moments are kept in any order."""
    field = {Status.SENT: "sent_at", Status.DELIVERED: "delivered_at", Status.READ: "read_at"}[
        Status(status)
    ]
    Message.objects.filter(pk=message.pk, **{f"{field}__isnull": True}).update(**{field: moment})
    return bool(
        Message.objects.filter(pk=message.pk, status__in=_BELOW[status]).update(
            status=status, failed_at=None, error_code="", error=""
        )
    )


def _revive(message: Message) -> None:
    """A send that we had given up was put back in line, and now it was taken."""
    Message.objects.filter(
        pk=message.pk, status=Status.FAILED, provider_message_id=""
    ).update(status=Status.QUEUED, failed_at=None, error_code="", error="")  # fmt: skip


def _accepted(
    workspace: Workspace,
    message: Message,
    provider_message_id: str,
    connection_id: int | None,
    now: datetime,
    *,
    is_sent: bool = True,
) -> None:
    """The provider has it: its id, the first tick, and one message on the meter."""
    if provider_message_id and not message.provider_message_id:
        Message.objects.filter(Q(provider_message_id=""), pk=message.pk).update(
            provider_message_id=provider_message_id
        )
        message.provider_message_id = provider_message_id
    if is_sent:
        _advance(message, Status.SENT, now)
    metering.record(
        workspace=workspace,
        usages=[
            metering.Usage(
                meters.MESSAGES_SENT,
                message.pk,
                message.created_at,
                connection_id=connection_id or message.conversation.connection_id,
                category="service",
            )
        ],
        now=now,
    )


def _fail(
    workspace: Workspace,
    message: Message,
    code: str,
    sentence: str,
    now: datetime,
    *,
    was_accepted: bool,
) -> None:
    moved = Message.objects.filter(pk=message.pk, status__in=_BELOW[Status.FAILED]).update(
        status=Status.FAILED, failed_at=now, error_code=code[:30], error=sentence[:300]
    )
    if not moved:
        return
    if was_accepted:
        metering.take_back(
            workspace=workspace, meter=meters.MESSAGES_SENT, subject=message.pk, now=now
        )
    else:
        metering.release(workspace=workspace, meter=meters.MESSAGES_SENT, day_of=message.created_at)
    conversations.flag_for_person(conversation=message.conversation, now=now)


def _failed_status(
    workspace: Workspace,
    connection: Connection | None,
    message: Message,
    job: OutboundJob | None,
    data: dict[str, Any],
    now: datetime,
) -> None:
    errors = data.get("errors") or []
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, details = (
        str(first.get("code", "")),
        str(first.get("details") or first.get("title") or ""),
    )
    provider = connection.provider if connection else "cloud_api"
    error = manager.explain_status_error(provider=provider, code=code, details=details)
    _fail(workspace, message, str(error.code), error.sentence, now, was_accepted=True)
    if connection is not None:
        manager.apply_error(connection=connection, error=error, now=now)
    if code == "131050":
        Contact.objects.filter(pk=message.conversation.contact_id).update(
            is_marketing_opted_out=True
        )
    _append(
        message,
        trace.Verdict(
            "status",
            "stop",
            "failed",
            f"It failed after WhatsApp took it. {error.sentence}",
            {"vendor_code": code},
        ),
        now,
    )
    events.publish(
        "messaging.outbound.failed",
        workspace=workspace.pk,
        params={"message": message.pk},
        meta={"code": str(error.code), "vendor_code": code},
    )


def _append(message: Message, verdict: trace.Verdict, now: datetime) -> None:
    asked = message.answers or message
    trace.write(
        message=message, verdicts=[verdict], received_at=asked.created_at, now=now, later=True
    )
