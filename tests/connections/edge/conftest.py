"""A house with two workspaces' numbers: one under the house's app, one with an app of its own."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests import whatsapp
from tests.connections.edge.doors import Edge, edge
from tests.house import House

RIVAL_NUMBER, RIVAL_ACCOUNT, RIVAL_SECRET = "777000777", "888000888", "rival-secret"


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("edge"), database=f"backroom_edge_{secrets.token_hex(3)}")
    try:
        house.manage("migrate", "--noinput", "-v0")
        for name in ("shop", "rival"):
            house.manage(
                "workspace_create", "--name", name, "--slug", name, "--owner", f"{name}@example.com"
            )
        connect(house, "shop", number=whatsapp.NUMBER_ID, account=whatsapp.ACCOUNT_ID)
        connect(house, "rival", number=RIVAL_NUMBER, account=RIVAL_ACCOUNT, secret=RIVAL_SECRET)
        house.start("redis")
        yield house
    finally:
        house.stop()
        house.drop_database()


def connect(house: House, slug: str, *, number: str, account: str, secret: str = "") -> None:
    """Connect a number to a workspace, as an operator."""
    house.manage(
        "connection_add", "--workspace", slug, "--phone", f"+1555{int(number) % 10**7:07d}",
        "--phone-number-id", number, "--waba-id", account, "--access-token", "token",
        "--app-secret", secret,
    )  # fmt: skip


@pytest.fixture(scope="session")
def door(house: House) -> Iterator[Edge]:
    """A front door with usual settings, except that it waits long for a table held by a test."""
    with edge(house, EDGE_PATIENCE_SECONDS="30") as running:
        yield running


@pytest.fixture
def wamid() -> str:
    """A message id that no other test used."""
    return f"wamid.{secrets.token_hex(8)}"


def rows(house: House, wamid: str) -> list[Any]:
    """Return workspace, state and note of what is stored under a message id."""
    return house.sql(
        "SELECT w.slug, e.state, e.error FROM connections_inboundevent e"
        " LEFT JOIN workspaces_workspace w ON w.id = e.workspace_id"
        f" WHERE e.subject = '{wamid}' ORDER BY e.id"
    )
