"""A real message to a phone of one's own: the shortest proof that a number works."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connections import lifecycle
from connections.events import Kind
from connections.models import Connection, InboundEvent, OutboundJob
from lib import phones
from workspaces import audit
from workspaces.models import AuditEntry, User

UnableToSend = lifecycle.UnableToSend
State = OutboundJob.State
_MOST_AN_HOUR = 10
_WINDOW = timedelta(hours=24)
_ACTION = "connection.tested"
_WORDS = {
    State.QUEUED: ("wait", "It waits for its turn."),
    State.SENDING: ("wait", "It is being sent."),
    State.UNKNOWN: ("wait", "WhatsApp has not answered yet. We ask again by ourselves."),
    State.ACCEPTED: ("good", "WhatsApp has taken it. Look at the phone."),
}


@dataclass(frozen=True)
class Outcome:
    """What became of a test message."""

    tone: str  # good, wait or bad
    sentence: str
    is_over: bool
    mark: str  # changes with it


def send(*, connection: Connection, phone: str, actor: User, now: datetime) -> int:
    """Queue a test message to `phone`; return the outbox row's id. Raises UnableToSend.

    The Cloud API lets a business write freely only to who wrote within 24 hours; a linked phone
    begins few conversations. Both are asked before anything is queued.
    """
    try:
        number = phones.parse(phone, country=connection.workspace.country)
    except phones.UnableToParsePhone as error:
        raise UnableToSend(str(error)) from error
    if number == connection.phone:
        raise UnableToSend("That is this number itself. Type another phone's number.")
    if connection.workspace.is_suspended:
        raise UnableToSend("Nothing is sent at the moment: the workspace is stopped.")
    if connection.provider != lifecycle.LINKED and not _wrote_lately(connection, number, now):
        raise UnableToSend(
            f"WhatsApp lets this number write only to who wrote to it within 24 hours, and"
            f" {phones.show(number)} did not. Send “Hello” from that phone to"
            f" {phones.show(connection.phone)} first, then try again."
        )
    tested = AuditEntry.objects.filter(
        workspace=connection.workspace, action=_ACTION, at__gt=now - timedelta(hours=1)
    )
    if tested.count() >= _MOST_AN_HOUR:
        raise UnableToSend("Ten test messages went out within an hour. Try again later.")
    outbound_id = lifecycle.send(
        connection=connection,
        phone=number,
        text=f"This is a test from {connection.workspace.name}: this number works.",
        now=now,
    )
    audit.record(
        action=_ACTION,
        workspace=connection.workspace,
        actor=actor,
        target=f"connection {connection.pk}",
        now=now,
    )
    return outbound_id


def _wrote_lately(connection: Connection, number: str, now: datetime) -> bool:
    heard = InboundEvent.objects.filter(
        connection=connection,
        kind=Kind.MESSAGE,
        conversation_key=number,
        received_at__gt=now - _WINDOW,
        payload__isnull=False,  # as the index has it
    )
    return heard.exists()


def outcome(*, connection: Connection, outbound_id: int) -> Outcome | None:
    """Return what became of a test message; None when there is none of that id on the number."""
    job = OutboundJob.objects.filter(
        pk=outbound_id, connection=connection, message_id__isnull=True
    ).first()
    if job is None or not job.is_begun:
        return None
    if job.delivered_at is not None:
        return Outcome("good", "It has arrived: the number works.", is_over=True, mark="arrived")
    if job.state in (State.FAILED, State.DEAD):
        reason = job.error or "WhatsApp refused it."
        return Outcome("bad", f"It was not sent. {reason}", is_over=True, mark="failed")
    tone, sentence = _WORDS[State(job.state)]
    return Outcome(tone, sentence, is_over=False, mark=str(job.state))
