"""A linked phone of acme's, with its engine played: rows are written, events applied."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from connections import lifecycle
from connections.linked import states
from connections.linked.models import LinkedSession
from connections.models import Connection
from lib import clock
from tests.connections.providers.linked import SECRET
from workspaces import scope
from workspaces.models import User, Workspace

PHONE = "+2348012345678"
# What becomes of a session's keys.
_KEYS = {"open": b"keys", "logged_out": None, "expired": None, "passkey_required": None}


class Phone:
    """One linked number and the engine that holds it."""

    def __init__(self, space: Workspace, actor: User | None = None) -> None:
        self.space = space
        with scope.workspace(space):
            self.connection = lifecycle.create_connection(
                workspace=space, actor=actor, now=clock.now()
            )

    def says(
        self, state: str, *, code: str = "", reason: str = "", phone: str = "",
        until: datetime | None = None, now: datetime | None = None,
    ) -> Connection:  # fmt: skip
        """Let the engine report a state; return the number as it is then."""
        moment = now or clock.now()
        if state in _KEYS:
            self.engine(creds=_KEYS[state])
        self.engine(
            state=state, state_at=moment, state_reason=reason, phone=phone or None,
            linked_serial=self.session.link_serial,
        )  # fmt: skip
        with scope.workspace(self.space):
            states.apply(
                connection=self.read(), state=state, code=code, reason=reason, until=until,
                phone=phone, now=moment,
            )  # fmt: skip
            return self.read()

    def opens(self, phone: str = PHONE) -> Connection:
        """Let it be linked and online."""
        return self.says("open", phone=phone)

    def engine(self, **columns: Any) -> None:
        """Write what the engine writes."""
        with scope.system():
            LinkedSession.objects.filter(connection=self.connection).update(**columns)

    def change(self, **columns: Any) -> None:
        """Write the number's own row."""
        with scope.system():
            Connection.objects.filter(pk=self.connection.pk).update(**columns)

    @property
    def session(self) -> LinkedSession:
        with scope.system():
            return LinkedSession.objects.get(connection=self.connection)

    def read(self) -> Connection:
        """Return the number as it is now."""
        with scope.system():
            return Connection.objects.select_related("workspace").get(pk=self.connection.pk)


@pytest.fixture
def may_link(settings: Settings) -> None:
    settings.BRIDGE_SECRET = SECRET


@pytest.fixture
def phone(acme: Workspace, may_link: None) -> Phone:
    return Phone(acme)


@pytest.fixture
def link(may_link: None) -> Callable[[Workspace], Phone]:
    return Phone
