"""What only the engine may read, and what the engine may read only."""

import uuid

import pytest
from django.db import ProgrammingError, transaction
from django.db import connection as database

from connections.linked.models import LinkedKey, LinkedSession
from connections.models import Connection
from lib import clock
from tests.connections.linked.conftest import Phone
from workspaces import schemas, scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db


def as_bridge(statement: str) -> int:
    """Execute a statement in the bridge's own role, as it does itself; return how many rows."""
    with scope.owner(), transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE backroom_bridge")
        cursor.execute(statement)
        return int(cursor.rowcount)


def put_key(phone: Phone, name: str = "1") -> None:
    with scope.system():
        LinkedKey.objects.create(
            session_id=phone.session.pk, kind="pre-key", name=name, value=b"sealed"
        )


def test_no_page_and_no_worker_of_a_workspace_reads_keys(phone: Phone, acme: Workspace) -> None:
    put_key(phone)

    with scope.workspace(acme), pytest.raises(ProgrammingError), transaction.atomic():
        LinkedKey.objects.count()


def test_the_bridge_sees_every_session_and_may_make_none(phone: Phone) -> None:
    assert as_bridge("SELECT id FROM connections_linkedsession") == 1
    assert as_bridge("UPDATE connections_linkedsession SET owner = 'me'") == 1
    with pytest.raises(ProgrammingError):
        as_bridge("DELETE FROM connections_linkedsession")


@pytest.mark.parametrize(
    "table", ["connections_connection", "connections_inboundevent", "workspaces_user"]
)
def test_the_bridge_reads_nothing_else(phone: Phone, table: str) -> None:
    with pytest.raises(ProgrammingError):
        as_bridge(f"SELECT 1 FROM {table}")


def test_keys_are_not_loaded_with_their_session(phone: Phone) -> None:
    phone.engine(creds=b"sealed", data_key=b"sealed")

    assert {"creds", "data_key"} <= phone.session.get_deferred_fields()


def test_a_workspace_that_is_erased_takes_its_sessions_and_their_keys_along(
    may_link: None, ada: User
) -> None:
    space = schemas.create(
        name="Gone", slug=f"gone-{uuid.uuid4().hex[:8]}", country="NG", owner=ada, now=clock.now()
    )
    phone = Phone(space)
    put_key(phone)

    schemas.delete(workspace=space, now=clock.now())

    with scope.system():
        assert not LinkedSession.objects.filter(connection=phone.connection).exists()
        assert not LinkedKey.objects.exists()
        assert not Connection.every.filter(pk=phone.connection.pk).exists()
