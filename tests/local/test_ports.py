import os
from pathlib import Path

import pytest

from config.local import ports
from config.local.folders import Folder, UnableToStart
from tests.local.conftest import taken


def test_a_taken_port_names_its_process_and_the_command_for_another() -> None:
    port = ports.pick()

    with taken(port), pytest.raises(UnableToStart) as caught:
        ports.require_free({"PORT": port, "SIMULATOR_PORT": ports.pick()})

    assert f"Port {port} is taken by process {os.getpid()}" in caught.value.problem
    assert "SIMULATOR_PORT=" in caught.value.remedy
    assert f"PORT={port} " not in caught.value.remedy


def test_two_names_for_one_port_are_refused() -> None:
    port = ports.pick()

    with pytest.raises(UnableToStart, match="the same port"):
        ports.require_free({"PORT": port, "SIMULATOR_PORT": port})


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(UnableToStart, match="not a port"):
        ports.number("PORT", value)


def test_a_port_is_remembered_until_somebody_else_takes_it(tmp_path: Path) -> None:
    folder = Folder(project=tmp_path, data=tmp_path)
    first = ports.remembered(folder, "redis")

    assert ports.remembered(folder, "redis") == first
    with taken(first):
        assert ports.remembered(folder, "redis") != first
