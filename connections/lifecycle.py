"""What pages, the API and commands do with a number, whatever provider it goes through.

`create_connection`, `get_qr`, `get_status`, `send`, `disconnect`, `reconnect_all`. Linked phones
are asked for through their session's row (connections/bridge/PROTOCOL.md, 1); nobody here waits
for the engine: what came of it is read from the row, and told by its events.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import F

from billing import plans
from connections import incidents, journal, manager, outbox, providers
from connections.events import Outbound, OutboundKind
from connections.linked import limits
from connections.linked.models import LinkedSession
from connections.manager import UnableToConnect as UnableToConnect
from connections.manners import LINKED as LINKED
from connections.models import BEGUN, Connection
from connections.providers.linked_events import moment_of
from lib import events, phones
from workspaces import audit
from workspaces.models import User, Workspace

State = Connection.State
Wanted = LinkedSession.Wanted

# The words of the API; what is between "not linked" and "linked" is all one to a program.
_WORDS = {
    State.NOT_CONNECTED: "disconnected",
    State.WAITING_FOR_SCAN: "connecting",
    State.CONNECTING: "connecting",
    State.CONNECTED: "connected",
    State.SILENT: "silent",
    State.RECONNECTING: "reconnecting",
    State.LOGGED_OUT: "logged out",
    State.NEEDS_PASSKEY: "needs passkey",
    State.BLOCKED: "blocked",
}
MOST_LINKED = 20
# A message that the business begins waits so long for a number that is away.
_WAITS_FOR = timedelta(hours=24)


# A new link would take the place of one that works, or comes back by itself.
LINKED_STATES = (State.CONNECTED, State.SILENT, State.RECONNECTING)
_NO_PLAN = "The plan of this workspace has ended, so no phone can be linked. Choose a plan first."


class AlreadyLinked(UnableToConnect):
    """The phone is linked, and a new link would end that one."""


class UnableToSend(Exception):
    """Nothing was sent; the message is a sentence for the person who tried."""


@dataclass(frozen=True)
class Pairing:
    """What links a phone now: a QR code's text or a pairing code, and until when it counts."""

    kind: str  # qr or code
    value: str
    expires_at: datetime | None


@dataclass(frozen=True)
class Status:
    """How a number is: the API's word, the owner's state, and since when."""

    connection: Connection
    word: str
    state: str
    phone: str  # E.164; "" before it is linked
    code: str
    reason: str
    is_connected: bool
    last_connected_at: datetime | None
    last_disconnected_at: datetime | None
    updated_at: datetime
    retry_at: datetime | None  # of a linked phone that is being connected again


def is_available() -> bool:
    """Say whether phones can be linked here."""
    return LINKED in providers.all_names()


def create_connection(
    *,
    workspace: Workspace,
    actor: User | None,
    now: datetime,
    method: str = LinkedSession.Method.QR,
    phone: str = "",
    connection: Connection | None = None,
) -> Connection:
    """Begin to link a phone: a new number, or `connection` again. Call in the workspace's scope.

    By `method` qr, or code for `phone`. An attempt that is under way is begun anew. Raises
    UnableToConnect; AlreadyLinked where it would take the place of a link that works.
    """
    if not is_available():
        raise UnableToConnect("Phones cannot be linked here: the link service is not set up.")
    if not plans.standing(workspace=workspace, now=now).is_served:
        raise UnableToConnect(_NO_PLAN)
    number = ""
    if method == LinkedSession.Method.CODE or phone:
        try:
            number = phones.parse(phone, country=workspace.country)
        except phones.UnableToParsePhone as error:
            raise UnableToConnect(str(error)) from error
    with transaction.atomic():
        take_turns(workspace=workspace)
        if connection is None:
            connection = _waiting_one(workspace) or _make(workspace, actor, now)
        elif connection.provider != LINKED or connection.removed_at is not None:
            raise UnableToConnect("This number is no linked phone. Renew its credentials instead.")
        session = LinkedSession.objects.select_for_update().get(connection=connection)
        connection.refresh_from_db()  # as it is now that nobody else begins
        if session.wanted == Wanted.ON:
            _refuse_linked(connection)
        LinkedSession.objects.filter(pk=session.pk).update(
            wanted=Wanted.ON,
            link_serial=F("link_serial") + 1,
            link_method=method,
            link_phone=number or None,
            pairing=None,
        )
        Connection.objects.filter(pk=connection.pk).update(
            removed_at=None, failures=0, is_sending=True
        )
        incidents.close(connection=connection, now=now)
        manager.change_state(
            connection=connection, state=State.CONNECTING, code="", reason="", now=now
        )
        journal.note(connection, "linking", code=method, now=now)
        audit.record(
            action="connection.linking",
            workspace=workspace,
            actor=actor,
            actor_kind="member" if actor else "command",
            target=f"connection {connection.pk}",
            now=now,
        )
    connection.refresh_from_db()
    return connection


def _refuse_linked(connection: Connection) -> None:
    if connection.state not in LINKED_STATES:
        return
    comes_back = "" if connection.state == State.CONNECTED else ", and comes back by itself"
    raise AlreadyLinked(
        f"This phone is linked already{comes_back}. Disconnect it first to link it anew."
    )


def take_turns(*, workspace: Workspace) -> None:
    """Let others who begin to link a phone of this workspace wait until the transaction ends.

    Else a button that is pressed twice makes two numbers.
    """
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('link a phone', %s))", [workspace.pk]
        )


def _waiting_one(workspace: Workspace) -> Connection | None:
    """Return the number that was begun and never linked: pressing twice makes no second one."""
    return (
        Connection.objects.filter(workspace=workspace, provider=LINKED, phone="")
        .order_by("pk")
        .first()
    )


def _make(workspace: Workspace, actor: User | None, now: datetime) -> Connection:
    if Connection.objects.filter(workspace=workspace, provider=LINKED).count() >= MOST_LINKED:
        raise UnableToConnect(
            f"A workspace links at most {MOST_LINKED} phones. Remove one that is not used."
        )
    least, most = settings.LINKED_DEVICE_GAP_MS
    session = LinkedSession(workspace=workspace)
    connection = Connection.objects.create(
        workspace=workspace,
        provider=LINKED,
        phone="",
        external_id=str(session.pk),
        state=State.CONNECTING,
        state_changed_at=now,
        created_at=now,
        # Nobody but our own engine speaks for it, and it bears a name that we drew.
        verified_at=now,
        rate_per_second=1 if most else 80,
        least_gap_ms=least,
        most_gap_ms=most,
    )
    session.connection = connection
    session.save(force_insert=True)
    audit.record(
        action="connection.added",
        workspace=workspace,
        actor=actor,
        actor_kind="member" if actor else "command",
        target=f"connection {connection.pk}",
        now=now,
    )
    events.publish(
        "connections.connection.added",
        workspace=workspace.pk,
        params={"connection": connection.pk, "provider": LINKED},
    )
    return connection


def get_qr(*, connection: Connection, now: datetime) -> Pairing | None:
    """Return what links the phone at this moment; None when nothing is shown (any more)."""
    session = session_of(connection)
    shown: Mapping[str, object] = session.pairing if session and session.pairing else {}
    value, kind = shown.get("value"), shown.get("kind")
    if session is None or session.linked_serial < session.link_serial or not value:
        return None
    expires_at = moment_of(dict(shown), "expires_at")
    if expires_at is not None and expires_at <= now:
        return None
    return Pairing(str(kind), str(value), expires_at)


def get_status(*, connection: Connection) -> Status:
    """Return how the number is. Call in the workspace's scope."""
    session = session_of(connection)
    is_waiting = connection.state == State.RECONNECTING and session is not None
    return Status(
        connection=connection,
        word=_WORDS[State(connection.state)],
        state=str(connection.state),
        phone=connection.phone,
        code=connection.state_code,
        reason=connection.state_reason,
        is_connected=connection.state == State.CONNECTED,
        last_connected_at=connection.last_connected_at,
        last_disconnected_at=connection.last_disconnected_at,
        updated_at=connection.state_changed_at,
        retry_at=session.state_until if session and is_waiting else None,
    )


def session_of(connection: Connection) -> LinkedSession | None:
    """Return the session behind a linked phone; None for other providers."""
    if connection.provider != LINKED:
        return None
    return LinkedSession.objects.filter(connection=connection).first()


def newest(*, workspace: Workspace) -> Connection | None:
    """Return the linked phone that the workspace dealt with last, or None."""
    return (
        Connection.objects.filter(workspace=workspace, provider=LINKED)
        .order_by("-state_changed_at", "-pk")
        .first()
    )


def send(*, connection: Connection, phone: str, text: str, now: datetime) -> int:
    """Queue a message that the business begins, to `phone`; return the outbox row's id.

    A linked phone begins few conversations (connections.linked.limits). Raises UnableToSend.
    """
    if not connection.is_sending or connection.state != State.CONNECTED:
        raise UnableToSend("This number is not connected, so nothing was sent.")
    try:
        number = phones.parse(phone, country=connection.workspace.country)
    except phones.UnableToParsePhone as error:
        raise UnableToSend(str(error)) from error
    if not text.strip():
        raise UnableToSend("The message is empty, so it was not sent. Write something.")
    key = f"{BEGUN}{secrets.token_hex(12)}"
    with transaction.atomic():
        if connection.provider == LINKED:
            try:
                limits.may_begin(connection=connection, phone=number, now=now)
            except limits.UnableToBegin as error:
                raise UnableToSend(str(error)) from error
        outbox.put_all(
            workspace=connection.workspace,
            items=[
                outbox.Item(
                    connection_id=connection.pk,
                    key=key,
                    message=Outbound(kind=OutboundKind.TEXT, to_phone=number, text=text),
                    conversation_key=number,
                    correlation=events.correlation(),
                    expires_at=now + _WAITS_FOR,
                )
            ],
            now=now,
        )
    return outbox.find(workspace=connection.workspace, key=key)


def disconnect(*, connection: Connection, actor: User | None, now: datetime) -> None:
    """Take the number off WhatsApp: a linked phone is unlinked, others send no more."""
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(is_sending=False)
        if connection.provider == LINKED:
            LinkedSession.objects.filter(connection=connection).update(
                wanted=Wanted.LOGOUT, pairing=None
            )
        incidents.close(connection=connection, now=now)
        manager.change_state(
            connection=connection,
            state=State.NOT_CONNECTED,
            code="disconnected",
            reason="Disconnected by your team." if actor else "Disconnected.",
            now=now,
        )
        audit.record(
            action="connection.disconnected",
            workspace=connection.workspace,
            actor=actor,
            actor_kind="member" if actor else "command",
            target=f"connection {connection.pk}",
            now=now,
        )
