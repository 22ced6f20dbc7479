"""One house of real processes for all journeys, with a connected number and the demo's answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import whatsapp
from tests.house import ROOT, House


@pytest.fixture(scope="session")
def graph() -> Iterator[whatsapp.Graph]:
    with whatsapp.graph() as api:
        yield api


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, graph: whatsapp.Graph) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    house = House(folder, database="backroom_journeys", graph_url=graph.url)
    try:
        house.manage("migrate", "--noinput", "-v0")
        house.manage(
            "workspace_create",
            "--name",
            "Shop",
            "--slug",
            "shop",
            "--owner",
            "owner@shop.example",
            "--country",
            "NG",
        )
        house.manage("faq_import", "--workspace", "shop", str(faqs(folder)))
        house.manage(
            "connection_add", "--workspace", "shop", "--provider", "cloud_api", "--phone", "+15550783881",
            "--phone-number-id", whatsapp.NUMBER_ID, "--waba-id", whatsapp.ACCOUNT_ID, "--access-token", "token",
        )  # fmt: skip
        house.start("redis", "web", "edge", "worker", "bulk", "sender", "ai")
        yield house
    finally:
        house.stop()
        house.drop_database()


def faqs(folder: Path) -> Path:
    """Return the demo's answers as a file."""
    return ROOT / "faqs" / "templates_data" / "fabric_shop.csv"
