"""The register of providers."""

import pytest
from pytest_django.fixtures import Settings

from connections import providers
from tests.connections.providers import contracts


def test_every_provider_answers_to_its_name(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:1"

    assert providers.all_names() == ("cloud_api", "simulator")
    for name in providers.all_names():
        assert providers.get(name).name == name
        assert providers.get(name) is providers.get(name)
        assert providers.get(name).label


def test_the_simulator_is_unknown_without_its_address(settings: Settings) -> None:
    settings.SIMULATOR_URL = ""

    assert providers.all_names() == ("cloud_api",)
    with pytest.raises(providers.UnknownProvider):
        providers.get("simulator")


@pytest.mark.parametrize("name", ["", "carrier_pigeon", "os", "connections.providers.base"])
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(providers.UnknownProvider):
        providers.get(name)


def test_every_provider_has_its_fixture_folder() -> None:
    for name in providers.all_names():
        assert (contracts.FOLDER / name / "contract.json").is_file()
