"""What became of our messages: receipts of our sender and statuses of the provider.

A monotone lattice: queued < sending < sent < failed < delivered < read, so that any order of
the same news ends alike: a late `sent` never takes `read` back, and what reached the customer
has not failed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing import metering, meters
from connections import manager, outbox
from connections.events import Kind
from connections.models import InboundEvent
from lib import events, sql
from messaging import conversations, trace
from messaging.desk import Desk
from messaging.models import Contact, Conversation, Message
from messaging.update import Update

Status = Message.Status
_SENTENCES = {
    Status.SENT: "WhatsApp has sent it.",
    Status.DELIVERED: "Delivered to the customer's phone.",
    Status.READ: "The customer has read it.",
}


_RANK: dict[str, int] = {Status.QUEUED: 0, Status.SENDING: 1, Status.SENT: 2, Status.FAILED: 3,
         Status.DELIVERED: 4, Status.READ: 5}  # fmt: skip
_MOMENTS = {
    Status.SENT: "sent_at", Status.DELIVERED: "delivered_at", Status.READ: "read_at",
}  # fmt: skip


@dataclass
class _Known:
    """A message of ours that is spoken of, its row locked until the commit."""

    pk: int
    conversation_id: int
    account_id: int  # the message whose account is continued: the one that was answered
    account_since: datetime
    created_at: datetime
    provider_message_id: str
    status: str
    is_sent: bool  # whether the moment of it is noted; and so on
    is_delivered: bool
    is_read: bool


@dataclass
class _News:
    """What a batch says of one message, summed up."""

    status: str = ""  # the highest
    provider_message_id: str = ""
    revives: bool = False
    is_counted: bool = False
    moments: dict[str, datetime] = field(default_factory=dict)

    def rise(self, status: str, moment: datetime) -> None:
        self.moments.setdefault(_MOMENTS[Status(status)], moment)
        if not self.status or _RANK[status] > _RANK[self.status]:
            self.status = status


def record_all(desk: Desk, events: Sequence[InboundEvent]) -> tuple[list[int], list[InboundEvent]]:
    """Record receipts of our sender and statuses of the provider, in the caller's transaction.

    Returns the ids of those dealt with, and those whose message is not known (yet).
    """
    updates = [Update.of(event) for event in events]
    jobs = _settle(desk, updates, desk.sheet)
    known = _find(updates, jobs)
    done: list[int] = []
    unknown: list[InboundEvent] = []
    news: dict[int, tuple[_Known, _News]] = {}
    for update in updates:
        job = jobs.get(update.event.pk)
        message = known.get(_reference(update, job))
        if message is None:
            # Nobody but we ourselves writes receipts: a message that is gone is gone.
            is_gone = update.event.kind == Kind.RECEIPT
            done.append(update.event.pk) if is_gone else unknown.append(update.event)
            continue
        _, one = news.setdefault(message.pk, (message, _News()))
        if update.event.kind == Kind.RECEIPT:
            _receipt(desk, update, message, one)
        else:
            _status(desk, update, message, one, job)
        done.append(update.event.pk)
    _save(news.values(), desk.sheet)
    return done, unknown


def _settle(desk: Desk, updates: Sequence[Update], sheet: sql.Sheet) -> dict[int, outbox.Spoken]:
    """Tell the outbox; return the sends that statuses speak of, by the update's id."""
    statuses = [update for update in updates if update.event.kind == Kind.STATUS]
    found = outbox.settle_by_statuses(
        workspace=desk.workspace,
        items=[
            (update.text("opaque"), update.event.subject, update.text("status"))
            for update in statuses
        ],
        now=desk.now,
        sheet=sheet,
    )
    return {statuses[place].event.pk: job for place, job in found.items()}


def _reference(update: Update, job: outbox.Spoken | None) -> int | str:
    """Return by what the message is found: our own id, else the provider's."""
    if update.event.kind == Kind.RECEIPT:
        return int(update.data.get("message_id") or 0)
    if job is not None:
        return job.message_id or 0
    return update.event.subject


_FIND = """
SELECT m.id, m.conversation_id, coalesce(a.id, m.id), coalesce(a.created_at, m.created_at),
    m.created_at, m.provider_message_id, m.status,
    m.sent_at IS NOT NULL, m.delivered_at IS NOT NULL, m.read_at IS NOT NULL
FROM messaging_message m LEFT JOIN messaging_message a ON a.id = m.answers_id
WHERE m.id = ANY(%b::bigint[]) OR (m.provider_message_id = ANY(%b::text[])
    AND m.provider_message_id <> '' AND m.direction = 'out')
ORDER BY m.id FOR NO KEY UPDATE OF m
"""


def _find(updates: Sequence[Update], jobs: dict[int, outbox.Spoken]) -> dict[int | str, _Known]:
    """Return the messages that are spoken of, locked in one order by all; one statement."""
    references = {_reference(update, jobs.get(update.event.pk)) for update in updates}
    found = [
        _Known(*row)
        for row in sql.fetch(
            _FIND,
            (
                [r for r in references if isinstance(r, int) and r],
                [r for r in references if isinstance(r, str) and r],
            ),
        )
    ]
    return {
        **{message.pk: message for message in found},
        **{m.provider_message_id: m for m in found if m.provider_message_id},
    }


def _receipt(desk: Desk, update: Update, message: _Known, one: _News) -> None:
    """What our sender reports."""
    data = update.data
    outcome = update.text("outcome")
    if outcome == "sent":
        # A send that we had given up was put back in line, and now it was taken.
        one.revives = True
        one.rise(Status.SENT, desk.now)
        _accepted(desk, message, one, update.text("provider_message_id"), update)
        verdict = trace.Verdict(
            "send",
            "note",
            "accepted",
            "WhatsApp took the message.",
            {"ms": data.get("ms"), "attempt": data.get("attempt")},
        )
    elif outcome == "failed":
        _save_now(message, one)
        _fail(desk, message, update.text("error_code"), update.text("error"), was_accepted=False)
        verdict = trace.Verdict(
            "send",
            "stop",
            "send_failed",
            f"It could not be sent. {update.text('error')}",
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
            f"send_{outcome}"[:40],
            f"{sentence} {update.text('error')}".strip(),
            _facts(data),
        )
    _append(desk, message, verdict)


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    return {
        key: data.get(key)
        for key in ("error_code", "vendor_code", "reference", "attempt")
        if data.get(key)
    }


def _status(
    desk: Desk, update: Update, message: _Known, one: _News, job: outbox.Spoken | None
) -> None:
    """What the provider says."""
    status = update.text("status")
    moment = conversations.credible(update.at, received_at=update.event.received_at)
    if status == "played":
        status = Status.READ
    if status not in _RANK or status in (Status.QUEUED, Status.SENDING):
        _append(
            desk,
            message,
            trace.Verdict(
                "status",
                "note",
                f"status_{status or 'unknown'}"[:40],
                f"WhatsApp says: {status or 'unknown'}.",
            ),
        )
        return
    if job is not None and update.event.subject:
        # Also what failed was taken before: else our own later receipt would count it.
        _accepted(desk, message, one, update.event.subject, update)
    if status == Status.FAILED:
        _save_now(message, one)
        _failed_status(desk, update, message)
        return
    one.rise(status, moment)
    _append(
        desk,
        message,
        trace.Verdict(
            "status", "note", status, _SENTENCES[Status(status)], {"at": moment.isoformat()}
        ),
    )


def _accepted(
    desk: Desk, message: _Known, one: _News, provider_message_id: str, update: Update
) -> None:
    """The provider has it: its id, and one message on the meter."""
    if provider_message_id and not message.provider_message_id:
        one.provider_message_id = one.provider_message_id or provider_message_id
    if message.provider_message_id or one.is_counted:
        return  # its id was written in the transaction that counted it
    one.is_counted = True
    desk.usages.append(
        metering.Usage(
            meters.MESSAGES_SENT,
            message.pk,
            message.created_at,
            connection_id=update.event.connection_id,
            category="service",
        )
    )


_RISE = """
UPDATE messaging_message m SET provider_message_id = u.name, status = u.status,
    sent_at = coalesce(m.sent_at, u.sent_at),
    delivered_at = coalesce(m.delivered_at, u.delivered_at),
    read_at = coalesce(m.read_at, u.read_at),
    failed_at = CASE WHEN u.rises THEN NULL ELSE m.failed_at END,
    error_code = CASE WHEN u.rises THEN '' ELSE m.error_code END,
    error = CASE WHEN u.rises THEN '' ELSE m.error END
FROM unnest(%s::bigint[], %s::text[], %s::boolean[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[])
    AS u(id, status, rises, name, sent_at, delivered_at, read_at)
WHERE m.id = u.id
"""


def _save(news: Iterable[tuple[_Known, _News]], sheet: sql.Sheet) -> None:
    """Put down what the batch changes of each message; one statement."""
    rows = [row for message, one in news if (row := _rise(message, one))]
    if rows:
        sheet.add(_RISE, [list(column) for column in zip(*rows, strict=True)])


def _rise(message: _Known, one: _News) -> tuple[Any, ...] | None:
    """Go up the lattice, and only up; the moments are kept in any order. None: all was known."""
    rises = bool(one.status) and (
        _RANK[one.status] > _RANK.get(message.status, len(_RANK))
        or (one.revives and message.status == Status.FAILED and not message.provider_message_id)
    )
    is_news = rises or any(
        (
            one.provider_message_id and not message.provider_message_id,
            "sent_at" in one.moments and not message.is_sent,
            "delivered_at" in one.moments and not message.is_delivered,
            "read_at" in one.moments and not message.is_read,
        )
    )
    if not is_news:
        return None
    message.status = one.status if rises else message.status
    message.provider_message_id = message.provider_message_id or one.provider_message_id
    moments = (one.moments.get(name) for name in _MOMENTS.values())
    return (message.pk, str(message.status), rises, message.provider_message_id, *moments)


def _save_now(message: _Known, one: _News) -> None:
    """Write what came before a failure, which looks at the row itself."""
    sheet = sql.Sheet()
    _save([(message, one)], sheet)
    sheet.run()
    one.status, one.provider_message_id, one.revives, one.moments = "", "", False, {}


def _fail(desk: Desk, message: _Known, code: str, sentence: str, *, was_accepted: bool) -> None:
    below = [status for status in _RANK if _RANK[status] < _RANK[Status.FAILED]]
    moved = Message.objects.filter(pk=message.pk, status__in=below).update(
        status=Status.FAILED, failed_at=desk.now, error_code=code[:30], error=sentence[:300]
    )
    if not moved:
        return
    message.status = Status.FAILED
    if was_accepted:
        desk.count_now()
        metering.take_back(
            workspace=desk.workspace, meter=meters.MESSAGES_SENT, subject=message.pk, now=desk.now
        )
    else:
        metering.release(
            workspace=desk.workspace, meter=meters.MESSAGES_SENT, day_of=message.created_at
        )
    # In one statement, as the conversation may be in somebody's hands.
    Conversation.objects.filter(pk=message.conversation_id, needs_person=False).update(
        needs_person=True, needs_person_since=desk.now
    )


def _failed_status(desk: Desk, update: Update, message: _Known) -> None:
    connection = desk.connection(update.event.connection_id)
    errors = update.data.get("errors") or []
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, details = (
        str(first.get("code", "")),
        str(first.get("details") or first.get("title") or ""),
    )
    provider = connection.provider if connection else "cloud_api"
    error = manager.explain_status_error(provider=provider, code=code, details=details)
    _fail(desk, message, str(error.code), error.sentence, was_accepted=True)
    if connection is not None:
        manager.apply_error(connection=connection, error=error, now=desk.now)
    if code == "131050":
        Contact.objects.filter(conversations=message.conversation_id).update(
            is_marketing_opted_out=True
        )
    _append(
        desk,
        message,
        trace.Verdict(
            "status",
            "stop",
            "failed",
            f"It failed after WhatsApp took it. {error.sentence}",
            {"vendor_code": code},
        ),
    )
    events.publish(
        "messaging.outbound.failed",
        workspace=desk.workspace.pk,
        params={"message": message.pk},
        meta={"code": str(error.code), "vendor_code": code},
    )


def _append(desk: Desk, message: _Known, verdict: trace.Verdict) -> None:
    desk.note_id(message.account_id, [verdict], received_at=message.account_since, later=True)
