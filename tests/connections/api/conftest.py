"""Tokens of both workspaces, and phones that are being linked; the engine is played by its row."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from connections import lifecycle
from connections.models import Connection, LinkedSession
from lib import clock
from tests.messaging.conftest import commits
from workspaces import members, scope, tokens
from workspaces.models import User, Workspace

__all__ = ["commits"]

CODE = "2@Rj0sWd1x,q8V3mN,5Hk2Pz=,1"


class Program:
    """A program with a token: sends JSON, gets JSON."""

    def __init__(self, token: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/{path}", headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, *, kind: str = "application/json") -> Any:
        if body is None:
            return self.client.post(f"/api/{path}", headers=self.headers)
        return self.client.post(f"/api/{path}", body, content_type=kind, headers=self.headers)


@pytest.fixture(autouse=True)
def _link_service(settings: Any) -> None:
    settings.BRIDGE_SECRET = "b" * 32
    cache.clear()


def token_of(space: Workspace, email: str = "", *, now: datetime | None = None, **more: Any) -> str:
    """Make a token and return it."""
    with scope.workspace(space):
        made = tokens.make(workspace=space, email=email, actor=None, now=now or clock.now(), **more)
    return made.text


@pytest.fixture
def acmes(acme: Workspace) -> Program:
    """A program of acme's own."""
    return Program(token_of(acme))


@pytest.fixture
def rivals(rival: Workspace) -> Program:
    """A program of rival's own."""
    return Program(token_of(rival))


@pytest.fixture
def as_role(acme: Workspace, ada: User) -> Callable[[str], Program]:
    """Return a program of a member of acme with this role."""

    def make(role: str) -> Program:
        email = f"{role}@acme.example"
        with scope.workspace(acme):
            members.add(workspace=acme, email=email, role=role, actor=ada, now=clock.now())
        return Program(token_of(acme, email))

    return make


def begin(space: Workspace, **more: Any) -> Connection:
    """Begin to link a phone of the workspace."""
    with scope.workspace(space):
        return lifecycle.create_connection(workspace=space, actor=None, now=clock.now(), **more)


def play(connection: Connection, **columns: Any) -> None:
    """Write into the session's row what its engine would."""
    with scope.system():
        session = LinkedSession.objects.get(connection=connection)
        columns.setdefault("linked_serial", session.link_serial)
        LinkedSession.objects.filter(pk=session.pk).update(**columns)


def show_code(connection: Connection, *, kind: str = "qr", value: str = CODE) -> None:
    """Let the engine show a code for another minute."""
    expires_at = clock.now().replace(microsecond=0).timestamp() + 60
    moment = datetime.fromtimestamp(expires_at, clock.now().tzinfo).isoformat()
    play(connection, state="pairing", pairing={"kind": kind, "value": value, "expires_at": moment})


def put(connection: Connection, **columns: Any) -> None:
    """Put the number into a state."""
    with scope.system():
        Connection.objects.filter(pk=connection.pk).update(**columns)
