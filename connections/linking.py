"""Connect a number and look at it at once, so that a wrong token is said while its form is open."""

import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from connections import manager
from connections.models import Connection
from connections.providers.base import CheckResult, Code, ProviderError
from lib import http
from workspaces.models import User, Workspace


@dataclass(frozen=True)
class Linked:
    """The number, and what the live check said: a result, or a problem in a sentence."""

    connection: Connection
    result: CheckResult | None
    problem: str = ""
    is_unreachable: bool = False  # nobody knows yet whether the credentials are right

    @property
    def is_refused(self) -> bool:
        """Say whether WhatsApp did not accept what was entered."""
        return bool(self.problem) and not self.is_unreachable


def link(
    *,
    workspace: Workspace,
    phone: str,
    external_id: str,
    account_id: str,
    secrets: Mapping[str, str],
    actor: User | None,
    now: datetime,
) -> Linked:
    """Save a Cloud API number and check it live. Raises manager.UnableToConnect.

    The number is kept whatever the check says; when it was refused, nothing is sent on it.
    """
    connection = manager.add(
        workspace=workspace,
        provider="cloud_api",
        phone=phone,
        external_id=external_id,
        account_id=account_id,
        secrets=secrets,
        actor=actor,
        is_verified=False,
        now=now,
    )
    linked = look(connection=connection, now=now)
    if linked.is_refused and linked.connection.is_sending:
        manager.switch(connection=connection, is_sending=False, actor=actor, now=now)
        manager.change_state(
            connection=connection,
            state=Connection.State.NOT_CONNECTED,
            code="refused",
            reason=linked.problem,
            now=now,
        )
        connection.refresh_from_db()
    return linked


def look(*, connection: Connection, now: datetime) -> Linked:
    """Ask WhatsApp about the number and say what came out, without raising."""
    try:
        result = manager.check(connection=connection, now=now)
    except ProviderError as error:
        connection.refresh_from_db()
        unknown = error.code in (Code.UNREACHABLE, Code.THROTTLED)
        return Linked(connection, None, error.sentence, unknown)
    connection.refresh_from_db()
    return Linked(connection, result)


def link_pretend(*, workspace: Workspace, actor: User, now: datetime) -> Linked:
    """Connect a number of the pretend phone (development only). Raises manager.UnableToConnect."""
    if not settings.SIMULATOR_URL:
        raise manager.UnableToConnect("There is no pretend phone here.")
    phone = f"+234803{workspace.pk % 10_000_000:07d}"
    identifier = f"pretend-{workspace.pk}"
    app_secret = randomness.token_hex(16)
    connection = manager.add(
        workspace=workspace,
        provider="simulator",
        phone=phone,
        external_id=identifier,
        account_id=identifier,
        secrets={"access_token": "simulator", "app_secret": app_secret},
        actor=actor,
        label="Pretend phone",
        is_verified=False,
        now=now,
    )
    try:
        http.call(
            "POST",
            f"{settings.SIMULATOR_URL}/control/numbers",
            json={
                "phone_number_id": identifier,
                "waba_id": identifier,
                "display_phone_number": phone,
                "name": workspace.name,
                "app_secret": app_secret,
                "workspace_slug": workspace.slug,
            },
            timeout_seconds=3,
        )
    except http.UnableToReach:
        return Linked(connection, None, "The pretend phone does not answer. Is it running?", True)
    return look(connection=connection, now=now)
