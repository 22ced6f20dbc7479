"""Connections: make, check, switch; what an error does to a number; what an owner is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Value, When

from connections import (
    allowances,
    credentials,
    inbox,
    incidents,
    journal,
    outbox,
    providers,
    routes,
)
from connections.manners import LINKED
from connections.models import Connection, ConnectionEvent, LinkedSession
from connections.providers.base import CheckResult, Code, ProviderError
from lib import crypto, events, phones
from workspaces import audit, notices, scope
from workspaces.models import User, Workspace

State = Connection.State
# The state an owner sees when a number is switched off by an error of this code.
_STATE_AFTER = {
    Code.LOGGED_OUT: State.LOGGED_OUT,
    Code.ACCOUNT_BLOCKED: State.BLOCKED,
    Code.NOT_CONFIGURED: State.NOT_CONNECTED,
}
# A busy number is noted as alive once in a while: everybody would wait for its one row.
_NOTE_EVERY = timedelta(seconds=15)
# How long no conversation is begun after WhatsApp refused one, when it does not say so itself.
_COLD = timedelta(hours=24)
_OFF_BY_ERROR = frozenset(_STATE_AFTER.values())
_HELD = "This number is connected to another workspace. Remove it there first, or write to support."
_REMOVED = "The number was removed before this could be sent."


class UnableToConnect(Exception):
    """The number cannot be added; the message is a sentence for the person who tried."""


def add(
    *,
    workspace: Workspace,
    provider: str,
    phone: str,
    external_id: str,
    account_id: str,
    secrets: Mapping[str, str],
    actor: User | None,
    now: datetime,
    is_verified: bool,
    label: str = "",
) -> Connection:
    """Connect a number, or renew its credentials when this workspace has it already.

    `secrets` may hold access_token and app_secret. `is_verified` is for operators, who know
    whose number it is; anybody else's number gets its updates after a successful `check`.
    Raises UnableToConnect. Call in the workspace's scope.
    """
    if provider not in providers.all_names():
        raise UnableToConnect(f"The provider is one of {', '.join(providers.all_names())}.")
    try:
        number = phones.parse(phone, country=workspace.country)
    except phones.UnableToParsePhone as error:
        raise UnableToConnect(str(error)) from error
    external_id, account_id = external_id.strip(), account_id.strip()
    for title, value in (("Phone number ID", external_id), ("Account ID", account_id)):
        if len(value) > 64 or not value.replace("-", "").replace("_", "").isalnum() and value:
            raise UnableToConnect(f"The {title} has digits and letters only (copy it from Meta).")
    if not external_id:
        raise UnableToConnect("The Phone number ID is missing (Meta shows it under API setup).")
    try:
        with transaction.atomic():
            connection, is_new = Connection.objects.get_or_create(
                workspace=workspace,
                external_id=external_id,
                removed_at=None,
                defaults={
                    "provider": provider,
                    "phone": number,
                    "account_id": account_id,
                    "label": label[:60],
                    "state": State.CONNECTING,
                    "state_changed_at": now,
                    "created_at": now,
                },
            )
            connection.provider, connection.phone = provider, number
            connection.account_id, connection.is_sending = account_id, True
            known = {} if is_new else _unsealed_or_nothing(connection)
            credentials.seal(connection, {**known, **{k: v for k, v in secrets.items() if v}})
            if not is_new:
                connection.state, connection.state_changed_at = State.CONNECTING, now
                connection.state_code = connection.state_reason = ""
            if is_verified and connection.verified_at is None:
                connection.verified_at = now
            connection.save()
            journal.note(connection, "added" if is_new else "renewed", now=now)
            audit.record(
                action="connection.added" if is_new else "connection.renewed",
                workspace=workspace,
                actor=actor,
                actor_kind="member" if actor else "command",
                target=f"connection {connection.pk}",
                now=now,
            )
            outbox.wake(connection.pk)
    except IntegrityError as error:
        # The other workspace's row is invisible here; only the constraint knows of it.
        raise UnableToConnect(_HELD) from error
    if is_verified:
        with scope.system():
            inbox.adopt_unrouted(connection=connection, now=now)
    events.publish(
        "connections.connection.added",
        workspace=workspace.pk,
        params={"connection": connection.pk, "provider": provider},
    )
    return connection


def _unsealed_or_nothing(connection: Connection) -> dict[str, str]:
    try:
        return credentials.unseal(connection)
    except crypto.UnableToDecrypt:
        return {}


def check(*, connection: Connection, now: datetime) -> CheckResult:
    """Ask the provider about the number, live, and note what came out.

    Raises ProviderError after noting it. No transaction may be open.
    """
    try:
        account = credentials.account(connection, route=routes.route_to(connection))
        found = providers.get(connection.provider).check(account)
    except ProviderError as error:
        journal.note(
            connection,
            "check-failed",
            code=error.vendor_code or error.code,
            detail=error.sentence,
            now=now,
        )
        if error.switch_off or error.code != Code.UNREACHABLE:
            apply_error(connection=connection, error=error, now=now)
        raise
    except crypto.UnableToDecrypt as error:
        raise ProviderError(
            Code.NOT_CONFIGURED, "The number's credentials cannot be opened. Enter them again."
        ) from error
    _verify(connection, now)
    restore(connection=connection, now=now)
    journal.note(connection, "checked", detail=", ".join(found.problems), now=now)
    return found


def _verify(connection: Connection, now: datetime) -> None:
    """WhatsApp let this workspace's credentials see the number: it is theirs from now on."""
    if connection.verified_at is not None:
        return
    try:
        with transaction.atomic():
            Connection.objects.filter(pk=connection.pk).update(verified_at=now)
    except IntegrityError as error:
        raise ProviderError(Code.NOT_CONFIGURED, _HELD) from error
    connection.verified_at = now
    with scope.system():
        inbox.adopt_unrouted(connection=connection, now=now)


def restore(*, connection: Connection, now: datetime) -> None:
    """The number works again: what an error had switched off goes on, a person's pause stays."""
    Connection.objects.filter(
        pk=connection.pk, is_sending=False, state__in=_OFF_BY_ERROR
    ).update(is_sending=True)  # fmt: skip
    change_state(connection=connection, state=State.CONNECTED, code="", reason="", now=now)
    outbox.wake(connection.pk)


def change_state(
    *,
    connection: Connection,
    state: str,
    code: str,
    reason: str,
    now: datetime,
    only_from: str = "",
) -> bool:
    """Move to `state` (compare-and-set) and log it. False when it was in that state.

    Also when it is in another one than `only_from`, if that is given.
    """
    code = code[:30]
    moved = (
        Connection.objects.filter(pk=connection.pk, **({"state": only_from} if only_from else {}))
        .exclude(state=state, state_code=code)
        .update(
            state=state,
            state_code=code,
            state_reason=reason[:300],
            state_changed_at=now,
            **_moments(state, now),
        )  # fmt: skip
    )
    if moved:
        connection.state, connection.state_code, connection.state_reason = state, code, reason
        journal.note(connection, f"state-{state}", code=code, detail=reason, now=now)
        events.publish(
            "connections.connection.changed-state",
            workspace=connection.workspace_id,
            params={"connection": connection.pk},
            meta={"state": state, "code": code},
        )
    return bool(moved)


def _moments(state: str, now: datetime) -> dict[str, object]:
    """Return when the number came or went; the row knows better than a copy what it was before.

    A silent line is being checked, and was not away.
    """
    if state == State.CONNECTED:
        was_silent = When(state=State.SILENT, then=F("last_connected_at"))
        return {"last_connected_at": Case(was_silent, default=Value(now))}
    if state == State.SILENT:
        return {}
    was_there = When(state__in=[State.CONNECTED, State.SILENT], then=Value(now))
    return {"last_disconnected_at": Case(was_there, default=F("last_disconnected_at"))}


def note_alive(*, connection: Connection, now: datetime) -> None:
    """A send was accepted or a message came in: the number works.

    A linked phone says itself when it is linked: what comes late, of a link before, says nothing.
    """
    was = State.SILENT if connection.provider == LINKED else State.CONNECTING
    if connection.state == was:
        change_state(
            connection=connection, state=State.CONNECTED, code="", reason="", now=now, only_from=was
        )
        connection.state = State.CONNECTED


def resume(*, connection: Connection) -> None:
    """Send again on a number that an error had switched off.

    A person's pause stays, until somebody resumes or links the number again.
    """
    said = ConnectionEvent.objects.filter(
        connection=connection, kind__in=["paused", "resumed", "linking"]
    )
    if said.order_by("-pk").values_list("kind", flat=True).first() != "paused":
        Connection.objects.filter(pk=connection.pk).update(is_sending=True)


def note_inbound(*, connections: Sequence[Connection], now: datetime) -> None:
    """Remember that customers' messages came in on these numbers; once in a while is enough."""
    stale = [
        connection.pk
        for connection in connections
        if connection.last_inbound_at is None or now - connection.last_inbound_at > _NOTE_EVERY
    ]
    if stale:
        Connection.objects.filter(pk__in=stale).update(last_inbound_at=now)
    for connection in connections:
        if connection.pk in stale:
            connection.last_inbound_at = now
    for connection in connections:
        note_alive(connection=connection, now=now)


def apply_error(*, connection: Connection, error: ProviderError, now: datetime) -> None:
    """Do to the number what the error calls for: switch it off, tell the owner."""
    if error.switch_off:
        connection.is_sending = False
        Connection.objects.filter(pk=connection.pk).update(is_sending=False)
        change_state(
            connection=connection,
            state=_STATE_AFTER.get(error.code, State.NOT_CONNECTED),
            code=error.vendor_code or str(error.code),
            reason=error.sentence,
            now=now,
        )
    if error.cools:
        allowances.cool_down(connection=connection, until=now + _COLD, now=now)
    if error.tell_owner or error.switch_off:
        notices.tell_owners(
            workspace=Workspace.objects.get(pk=connection.workspace_id),
            key=f"connection:{connection.pk}:{error.vendor_code or error.code}:{now.date()}",
            text=f"{phones.show(connection.phone)}: {error.sentence}",
            now=now,
        )


def switch(*, connection: Connection, is_sending: bool, actor: User | None, now: datetime) -> None:
    """Let an owner stop or resume sending on a number."""
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(is_sending=is_sending)
        journal.note(connection, "resumed" if is_sending else "paused", now=now)
        audit.record(
            action="connection.resumed" if is_sending else "connection.paused",
            workspace=connection.workspace,
            actor=actor,
            target=f"connection {connection.pk}",
            now=now,
        )
        if is_sending:
            outbox.wake(connection.pk)


def remove(*, connection: Connection, actor: User | None, now: datetime) -> None:
    """Forget a number and its credentials. Conversations stay; nothing more goes out.

    The row stays, marked as removed: messages that were received are still drained and kept.
    """
    with transaction.atomic():
        audit.record(
            action="connection.removed",
            workspace=connection.workspace,
            actor=actor,
            actor_kind="member" if actor else "command",
            target=f"connection {connection.pk}",
            now=now,
        )
        Connection.objects.filter(pk=connection.pk).update(
            removed_at=now, credentials="", is_sending=False, state=State.NOT_CONNECTED
        )
        LinkedSession.objects.filter(connection=connection).update(
            wanted=LinkedSession.Wanted.LOGOUT, pairing=None
        )
        incidents.close(connection=connection, now=now)
        give_up_sends(connection=connection, reason=_REMOVED, now=now)


def give_up_sends(*, connection: Connection, reason: str, now: datetime) -> None:
    """Fail what waits on a number, with `reason` (a sentence). Call in a transaction."""
    for job in outbox.give_up(connection=connection, now=now):
        inbox.put_receipt(
            job=job,
            provider=connection.provider,
            outcome="failed",
            error_code=str(Code.NOT_CONFIGURED),
            error=reason,
            now=now,
        )


def explain_status_error(*, provider: str, code: str, details: str) -> ProviderError:
    """Say in our words what a failed status means."""
    return providers.get(provider).explain(code=code, details=details)


def supports_buttons(provider: str) -> bool:
    """Say whether reply buttons can be sent through `provider`."""
    return providers.get(provider).supports_buttons
