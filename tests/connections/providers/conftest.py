"""Every registered provider in turn, and a vendor for it to speak to."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from connections import providers
from connections.providers.base import Provider
from tests.connections.providers import contracts, vendor
from tests.connections.providers.contracts import Contract
from tests.connections.providers.vendor import Vendor


@pytest.fixture(params=providers.all_names())
def contract(request: pytest.FixtureRequest) -> Contract:
    return contracts.read(request.param)


@pytest.fixture
def provider(contract: Contract) -> Provider:
    return providers.get(contract.name)


@pytest.fixture
def at_vendor(contract: Contract, settings: Settings) -> Iterator[Vendor]:
    with vendor.running() as running:
        for name, value in contract.settings(running.url).items():
            setattr(settings, name, value)
        settings.SEND_TIMEOUT_SECONDS = 0.5
        yield running
