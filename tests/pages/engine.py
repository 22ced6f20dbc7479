"""Plays the engine of linked devices: writes a session's row, and tells what its events would."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from connections.linked import states
from connections.linked.models import LinkedSession
from connections.models import Connection
from lib import clock
from workspaces import scope
from workspaces.models import Workspace

QR = "https://wa.me/settings/linked_devices#2@ref,noise,identity,secret,1"


class Engine:
    """The engine of one linked phone."""

    def __init__(self, space: Workspace, connection: Connection) -> None:
        self.space = space
        self.pk = connection.pk

    @property
    def connection(self) -> Connection:
        with scope.workspace(self.space):
            return Connection.every.select_related("workspace").get(pk=self.pk)

    @property
    def session(self) -> LinkedSession:
        with scope.workspace(self.space):
            return LinkedSession.objects.get(connection_id=self.pk)

    def show(self, value: str = QR, *, kind: str = "qr", seconds: float = 60) -> None:
        """Show a QR code, or a pairing code."""
        until = clock.now() + timedelta(seconds=seconds)
        pairing = {"kind": kind, "value": value, "expires_at": until.isoformat()}
        self.tell("pairing", pairing=pairing)

    def scanned(self) -> None:
        """The phone has agreed, WhatsApp has not answered yet."""
        self.tell("connecting", reason="scanned")

    def open(self, phone: str = "+2348030000001") -> None:
        """The phone is linked and the line stands."""
        self.tell("open", phone=phone)

    def tell(
        self,
        state: str,
        *,
        reason: str = "",
        code: str = "",
        phone: str = "",
        until: Any = None,
        pairing: Any = None,
    ) -> None:
        """Write the row as an engine does, and take its event in."""
        with scope.system():
            LinkedSession.objects.filter(connection_id=self.pk).update(
                state=state,
                state_reason=reason or None,
                state_until=until,
                pairing=pairing,
                linked_serial=F("link_serial"),
                lease_until=clock.now() + timedelta(seconds=15),
                **({"phone": phone} if phone else {}),
            )
        connection = self.connection
        with scope.workspace(self.space):
            states.apply(
                connection=connection,
                state=state,
                code=code,
                reason=reason,
                until=until,
                phone=phone,
                now=clock.now(),
            )
