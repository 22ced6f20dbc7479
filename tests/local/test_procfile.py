from pathlib import Path

import pytest

from config.local import procfile
from config.local.folders import PROJECT, UnableToStart


def test_names_and_commands_are_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("# note\n\nweb: gunicorn a --bind 127.0.0.1:$PORT\nworker-2:   run it\n")

    commands = procfile.read(path)

    assert list(commands.items()) == [
        ("web", "gunicorn a --bind 127.0.0.1:$PORT"),
        ("worker-2", "run it"),
    ]


def test_a_missing_file_holds_no_commands(tmp_path: Path) -> None:
    assert procfile.read(tmp_path / "Procfile.local") == {}


@pytest.mark.parametrize("text", ["web gunicorn\n", "web:\n", "web: one\nweb: two\n"])
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Procfile"
    path.write_text(text)

    with pytest.raises(UnableToStart, match="Procfile, line"):
        procfile.read(path)


def test_variables_become_their_values_and_stay_one_word() -> None:
    command = "serve --bind 127.0.0.1:$PORT --name ${NAME}x '--title=a b' %h $$"

    words = procfile.expand(command, {"PORT": "8000", "NAME": "two words"})

    assert words == [
        "serve",
        "--bind",
        "127.0.0.1:8000",
        "--name",
        "two wordsx",
        "--title=a b",
        "%h",
        "$$",
    ]


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(UnableToStart, match=r"\$NOWHERE"):
        procfile.expand("serve $NOWHERE", {})


def test_the_projects_own_files_are_understood() -> None:
    commands = procfile.read(PROJECT / "Procfile") | procfile.read(PROJECT / "Procfile.local")

    names = (
        "PORT", "EDGE_PORT", "SIMULATOR_PORT", "FAKE_WHATSAPP_PORT", "FAKE_WHATSAPP_CONTROL_PORT",
    )  # fmt: skip
    ports = {name: str(number) for number, name in enumerate(names, start=1)}

    assert {"web", "edge", "worker", "bridge", "simulator", "whatsapp"} <= set(commands)
    assert all(procfile.expand(command, ports) for command in commands.values())
