"""A link that shows a QR code on somebody else's screen: ten minutes, one browser, one number.

Owners often have one phone, which cannot scan itself. The link needs no account, so it can do
nothing but look. Its address carries number, end and signature; that it was opened is a line of
the audit, and the browser that opened it first is known by a signed cookie.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from django.db import transaction

from connections.linked.models import LinkedSession
from connections.models import Connection
from lib import crypto
from workspaces import audit, registry, scope
from workspaces.models import AuditEntry, User, Workspace

LASTS = timedelta(minutes=10)
_OPENED = "connection.screen-opened"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MARK_LENGTH = 26  # hexadecimal: 104 bits


class UnableToShow(Exception):
    """This browser is shown nothing; the message is a sentence for whoever holds it."""


@dataclass(frozen=True)
class Screen:
    """What a genuine link that still counts is about."""

    token: str
    workspace: Workspace
    connection_id: int
    ends_at: datetime

    @property
    def cookie(self) -> str:
        """Return the name of the cookie of the browser that opened it."""
        return f"bk_screen_{self.connection_id}"

    @property
    def key(self) -> str:
        """Return what that cookie holds; nobody can make it who did not get it."""
        return crypto.digest(self.token, purpose="screen-cookie")


def make(*, connection: Connection, actor: User, now: datetime) -> str:
    """Return the token of a new link. Call in the workspace's scope."""
    until = int((now + LASTS).timestamp())
    named = f"{_written(connection.pk)}-{_written(until)}-{secrets.token_hex(3)}"
    audit.record(
        action="connection.screen-made",
        workspace=connection.workspace,
        actor=actor,
        target=f"connection {connection.pk}",
        now=now,
    )
    return f"{named}-{_mark(named)}"


def find(*, token: str, now: datetime) -> Screen | None:
    """Return what the link is about; None when it is forged. Raises UnableToShow when it is over."""
    named, _, mark = token.rpartition("-")
    parts = named.split("-")
    if len(parts) != 3 or not compare_digest(mark.encode(), _mark(named).encode()):
        return None
    connection_id, until = int(parts[0], 36), int(parts[1], 36)
    ends_at = datetime.fromtimestamp(until, tz=UTC)
    if ends_at <= now:
        raise UnableToShow("This link has expired: it is good for ten minutes.")
    with scope.system():
        row = Connection.objects.filter(pk=connection_id).values_list("workspace_id").first()
    workspace = registry.by_id(row[0]) if row else None
    if workspace is None:
        raise UnableToShow("The number of this link is not there any more.")
    return Screen(token, workspace, connection_id, ends_at)


def claim(*, screen: Screen, now: datetime) -> None:
    """Open the link for the browser that asks, once and for all. Raises UnableToShow.

    Call in the workspace's scope; the browser is then given `cookie` with `key`.
    """
    with transaction.atomic():
        # The row's lock decides between two who press at the same moment.
        LinkedSession.objects.select_for_update().get(connection_id=screen.connection_id)
        target = f"screen {crypto.digest(screen.token, purpose='screen')[:32]}"
        if AuditEntry.objects.filter(
            workspace=screen.workspace, action=_OPENED, target=target, at__gt=now - 2 * LASTS
        ).exists():
            raise UnableToShow("This link was opened in another browser; it works in one only.")
        audit.record(
            action=_OPENED,
            workspace=screen.workspace,
            actor_kind="visitor",
            target=target,
            now=now,
        )


def is_held(*, screen: Screen, cookies: Mapping[str, str]) -> bool:
    """Say whether the browser with these cookies is the one that opened the link."""
    return compare_digest(cookies.get(screen.cookie, "").encode(), screen.key.encode())


def _mark(named: str) -> str:
    return crypto.digest(named, purpose="screen-link")[:_MARK_LENGTH]


def _written(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _LETTERS[digit] + digits
    return digits or "0"
