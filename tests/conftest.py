"""One database for the session with two workspaces, and the people of every test."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from config.local.bridge_tests import is_ci
from connections import breaker
from lib import http
from workspaces import members, registry, schemas, scope
from workspaces.models import User, Workspace

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what needs a browser where there is none, and say so; in CI that is a failure."""
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        said = "LOUD: no Chromium here (Debian: apt-get install chromium), so pages were not tried"
        (pytest.fail if is_ci(os.environ) else pytest.skip)(said)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Add the two workspaces and the people, once; each test rolls back to here."""
    with django_db_blocker.unblock():
        with scope.system():
            ada = User.objects.create_user("ada@acme.example", "ada-password-1", name="Ada")
            bola = User.objects.create_user("bola@acme.example", "bola-password-1", name="Bola")
            chidi = User.objects.create_user(
                "chidi@rival.example", "chidi-password-1", name="Chidi"
            )
            User.objects.create_user(
                "sam@backroom.example", "sam-password-1", name="Sam", is_staff=True
            )
            for user in (ada, bola, chidi):
                EmailAddress.objects.create(
                    user=user, email=user.email, verified=True, primary=True
                )
        acme = schemas.create(name="Acme Fabrics", slug="acme", country="NG", owner=ada, now=NOW)
        schemas.create(name="Rival Lace", slug="rival", country="NG", owner=chidi, now=NOW)
        with scope.workspace(acme):
            members.add(workspace=acme, email=bola.email, role="agent", actor=ada, now=NOW)


@pytest.fixture(autouse=True)
def _fresh_registry() -> Iterator[None]:
    registry.forget()
    yield
    registry.forget()


@pytest.fixture(autouse=True)
def _closed_breakers() -> Iterator[None]:
    """A provider that failed in one test is not left alone in the next."""
    breaker.forget()
    yield
    breaker.forget()


@pytest.fixture(autouse=True)
def _no_lines_to_servers_that_are_gone() -> Iterator[None]:
    """Each test has servers of its own; what is kept open to them would add up to thousands."""
    yield
    http.forget()


@pytest.fixture(autouse=True)
def _stay_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any test that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            assert host in ("127.0.0.1", "::1", "localhost"), f"a test reached for {host}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _space(slug: str) -> Workspace:
    with scope.system():
        space: Workspace = Workspace.objects.get(slug=slug)
    return space


def _user(email: str) -> User:
    return User.objects.get(email=email)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def acme(db: None) -> Workspace:
    return _space("acme")


@pytest.fixture
def rival(db: None) -> Workspace:
    return _space("rival")


@pytest.fixture
def ada(db: None) -> User:
    """Owner of acme."""
    return _user("ada@acme.example")


@pytest.fixture
def bola(db: None) -> User:
    """Agent of acme."""
    return _user("bola@acme.example")


@pytest.fixture
def chidi(db: None) -> User:
    """Owner of rival: a stranger in acme."""
    return _user("chidi@rival.example")


@pytest.fixture
def sam(db: None) -> User:
    """Support staff, member of nothing."""
    return _user("sam@backroom.example")


@pytest.fixture
def client_for(db: None) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
