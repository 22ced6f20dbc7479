"""What the engine says of a session -> what the owner sees of the number, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from connections import incidents, manager, outbox
from connections.linked.models import LinkedSession
from connections.models import Connection, FirstContact
from connections.providers.linked_events import moment_of
from lib import events, phones
from workspaces import notices, scope

State = Connection.State
HELD = (
    "This number is connected to another workspace already, so it was unlinked here. Remove it "
    "there first, or write to support."
)
TWICE = "This number is connected in this workspace already, so it was not linked a second time."
OTHER_PHONE = "Another phone was linked on this number before this could be sent."
_LOCKED = "WhatsApp has locked or banned this number. Look into WhatsApp on the phone; the official Cloud API is the way on."


@dataclass(frozen=True)
class Seen:
    """A state as the owner sees it: state, code and a sentence of what happened and what to do."""

    state: str
    code: str
    reason: str

    @property
    def is_over(self) -> bool:
        """Say whether nothing brings the number back but a person."""
        return self.state in _OVER


_SPEAKS = (State.CONNECTED, State.SILENT, State.RECONNECTING)
_OVER = (State.LOGGED_OUT, State.NEEDS_PASSKEY, State.BLOCKED)
# The number rests, nothing that anybody here has asked for: a person should know of it.
_RESTS = ("replaced", "needs_human")


_PLAIN = {
    "new": (State.CONNECTING, ""),
    "connecting": (State.CONNECTING, ""),
    "pairing": (State.WAITING_FOR_SCAN, ""),
    "open": (State.CONNECTED, ""),
    "backoff": (State.RECONNECTING, "The line was cut; it is being connected again."),
    "expired": (
        State.NOT_CONNECTED,
        "Nobody scanned in time, so nothing was linked. Show a new QR code and scan it.",
    ),
    "replaced": (
        State.NOT_CONNECTED,
        "Another program has taken this line over. Close it there, then link the number again.",
    ),
    "logged_out": (
        State.LOGGED_OUT,
        "The phone has logged this device out. Chats are safe. Link the number again (1 minute).",
    ),
    "passkey_required": (
        State.NEEDS_PASSKEY,
        "WhatsApp asks for a passkey to link this account, which no service can give. Connect the "
        "number through the official Cloud API instead.",
    ),
    "banned": (State.BLOCKED, _LOCKED),
    "outdated": (
        State.RECONNECTING,
        "WhatsApp refuses this version of the link for everybody; we try again every few minutes.",
    ),
    "needs_human": (
        State.NOT_CONNECTED,
        "The line cannot be opened, and trying again does not help. Link the number again, or "
        "write to support.",
    ),
    "off": (State.NOT_CONNECTED, "The number is disconnected."),
}  # fmt: skip
_COMING_BACK = "Our link service was started anew; the number comes back by itself."
_SCANNED = "The phone has scanned; WhatsApp is being asked."
_REASONS = {
    ("expired", "code_refused"): "WhatsApp did not accept the code. Get a new one, or show the QR code on another screen.",
    ("expired", "no_phone"): "The phone number for the code is missing. Enter it, then get a new code.",
    ("expired", "failed"): "The link could not be made. Try again; nothing on the phone has changed.",
}  # fmt: skip


def seen(
    *, state: str, code: str, reason: str, until: datetime | None, is_linked: bool = False
) -> Seen:
    """Return how a session's `state` looks to its owner. `is_linked`: a phone has agreed before."""
    if state == "connecting" and is_linked and reason != "scanned":
        return Seen(State.RECONNECTING, "restarted", _COMING_BACK)
    word, sentence = _PLAIN.get(state, (State.NOT_CONNECTED, f"The line reports: {state[:40]}."))
    if state == "connecting" and reason == "scanned":
        sentence = _SCANNED
    sentence = _REASONS.get((state, reason), sentence)
    if state == "banned" and until is not None:
        sentence = (
            f"WhatsApp has blocked this number until {until:%d %B, %H:%M} UTC. Nothing is sent "
            "before. Write less to people who did not write first."
        )
    return Seen(word, (code or reason or state)[:30] if sentence else "", sentence)


def take(*, connection: Connection, data: Mapping[str, object], now: datetime) -> None:
    """Take in a `state` event of the number's engine. Call in the workspace's scope."""
    details = data.get("details")
    told: dict[str, object] = dict(details) if isinstance(details, dict) else {}
    apply(
        connection=connection,
        state=str(data.get("event") or ""),
        code=str(told.get("code") or ""),
        reason=str(data.get("text") or ""),
        until=moment_of(told, "until"),
        phone=str(told.get("phone") or ""),
        at=moment_of(told, "at"),
        now=now,
    )


def apply(
    *,
    connection: Connection,
    state: str,
    code: str,
    reason: str,
    until: datetime | None,
    phone: str,
    now: datetime,
    at: datetime | None = None,
) -> None:
    """Move the number to what `state` means, tell whom it concerns, and let sends go or wait.

    `at`: when the engine said so, by its clock, which wrote the session's row too.
    """
    session = LinkedSession.objects.filter(connection=connection).first()
    if session is None or session.wanted != LinkedSession.Wanted.ON:
        return  # closed or unlinked on our own wish, which has been told
    if at is not None and session.state_at is not None and at < session.state_at:
        return  # told late, by a process that lost the line; what came after it has its own event
    # As it is now: what the caller holds may be old, and must not be changed before the commit.
    connection = Connection.every.select_related("workspace").get(pk=connection.pk)
    found = seen(state=state, code=code, reason=reason, until=until, is_linked=bool(phone))
    with transaction.atomic():
        if state == "open" and not _claim_number(connection, phone, now):
            return
        has_moved = manager.change_state(
            connection=connection,
            state=found.state,
            code=found.code,
            reason=found.reason,
            now=now,
        )
        if state == "open":
            manager.resume(connection=connection)
            _opened(connection, now)
        elif state == "backoff":
            incidents.count_failure(connection=connection, reason=found.reason, now=now)
        if has_moved and found.is_over:
            _ended(connection, found, now)
        elif has_moved and (state in _RESTS or state not in _PLAIN):
            incidents.open_one(connection=connection, detail=found.reason, now=now)


def _ended(connection: Connection, found: Seen, now: datetime) -> None:
    """Send nothing more, and tell the owners what happened."""
    Connection.objects.filter(pk=connection.pk).update(is_sending=False)
    notices.tell_owners(
        workspace=connection.workspace,
        key=f"linked:{connection.pk}:{found.state}:{now:%Y-%m-%dT%H:%M}",
        text=f"{_name(connection)}: {found.reason}",
        now=now,
    )
    incidents.close(connection=connection, now=now)


def _opened(connection: Connection, now: datetime) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        failures=0, slow_until=None, undelivered_since=None
    )
    incidents.close(connection=connection, now=now)
    outbox.wake(connection.pk, workspace_id=connection.workspace_id)


def _claim_number(connection: Connection, phone: str, now: datetime) -> bool:
    """Note whose number it is; False when somebody holds it already, and this link is undone.

    Asked at each opening: a link that rested may find that its phone was linked elsewhere since.
    """
    if not phone:
        return True
    with scope.system():
        _one_at_a_time(phone)
        # A linked one holds the phone while its own engine does: not by an attempt to link it
        # again, which is asked here itself when it comes to something.
        speaks = Q(session__phone=phone, state__in=_SPEAKS) | ~Q(provider="linked_device")
        holders = Connection.objects.filter(speaks, phone=phone, verified_at__isnull=False)
        holders = holders.exclude(pk=connection.pk)
        if connection.last_connected_at is not None:
            # Of two that come back at once, the one that spoke for the phone last.
            holders = holders.exclude(
                state=State.RECONNECTING, provider="linked_device",
                last_connected_at__lt=connection.last_connected_at,
            )  # fmt: skip
        held_by = set(holders.values_list("workspace_id", flat=True))
        if not held_by:
            if connection.phone != phone:
                _begin_with(connection, phone, now)
            return True
        LinkedSession.objects.filter(connection=connection).update(
            wanted=LinkedSession.Wanted.LOGOUT
        )
    _refuse(connection, TWICE if connection.workspace_id in held_by else HELD, now)
    return False


def _begin_with(connection: Connection, phone: str, now: datetime) -> None:
    """Let another phone inherit neither what waits, nor what WhatsApp allowed the one before."""
    if connection.phone:
        manager.give_up_sends(connection=connection, reason=OTHER_PHONE, now=now)
        FirstContact.objects.filter(connection=connection).delete()
    Connection.objects.filter(pk=connection.pk).update(phone=phone, linked_at=now, cold_until=None)
    connection.phone = phone


def _refuse(connection: Connection, reason: str, now: datetime) -> None:
    """Let nothing go out on a link that is being undone."""
    Connection.objects.filter(pk=connection.pk).update(is_sending=False)
    manager.give_up_sends(connection=connection, reason=reason, now=now)
    incidents.close(connection=connection, now=now)
    manager.change_state(
        connection=connection, state=State.NOT_CONNECTED, code="held", reason=reason, now=now
    )
    events.publish(
        "connections.linked.refused-number",
        workspace=connection.workspace_id,
        params={"connection": connection.pk},
    )


def _one_at_a_time(phone: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('linked number ' || %s, 0))", [phone]
        )


def _name(connection: Connection) -> str:
    return phones.show(connection.phone) if connection.phone else "Your linked phone"
