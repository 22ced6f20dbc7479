import base64
import stat
from pathlib import Path

import pytest

from config.local import ports, settings_file
from config.local.folders import Folder, UnableToStart
from config.local.settings_file import Given


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(project=tmp_path, data=tmp_path / "var")
    folder.make()
    return folder


def compose(folder: Folder, given: Given) -> dict[str, str]:
    return settings_file.compose(
        folder,
        given=given,
        servers={},
        numbers=ports.TYPED,
        mode="development",
    )


def test_env_file_is_read_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        '\ufeff# a comment\n\nPLAIN=value\nexport SHELL_STYLE=1\nQUOTED="two # words" # note\n'
        "SINGLE='$kept as is'\nURL=postgres://u:p#w@host/db   # the database\nEMPTY=\n"
    )

    assert settings_file.read_env_file(path) == {
        "PLAIN": "value",
        "SHELL_STYLE": "1",
        "QUOTED": "two # words",
        "SINGLE": "$kept as is",
        "URL": "postgres://u:p#w@host/db",
        "EMPTY": "",
    }


def test_a_line_of_env_file_that_is_no_setting_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("GOOD=1\nnot a setting\n")

    with pytest.raises(UnableToStart, match=r"\.env, line 2"):
        settings_file.read_env_file(path)


def test_environment_wins_over_the_file_and_empty_is_not_set() -> None:
    given = Given({"A": "environment", "B": ""}, {"A": "file", "B": "file", "C": ""})

    assert given.get("A") == "environment"
    assert given.get("B") == "file"
    assert not given.has("C")


def test_a_secret_in_a_file_counts_as_given(folder: Folder) -> None:
    settings = compose(folder, Given({"SECRET_KEY_FILE": "/run/secret"}))

    assert "SECRET_KEY" not in settings
    assert settings["SECRET_KEY_FILE"] == "/run/secret"


def test_secrets_are_made_once_and_only_for_the_owner(folder: Folder) -> None:
    first = compose(folder, Given({}))
    second = compose(folder, Given({}))

    name, key = first["BACKROOM_KEYS"].split(":")
    assert first == second
    assert (name, len(base64.b64decode(key))) == ("k1", 32)
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600


def test_only_known_names_of_the_environment_are_shared_and_all_of_the_file(
    folder: Folder,
) -> None:
    given = Given(
        {"HOME": "/home/ada", "GRAPH_API_URL": "http://x", "BACKROOM_ANY": "1", "PORT": "08000"},
        {"OWN_SETTING": "2"},
    )

    settings = compose(folder, given)

    assert "HOME" not in settings
    assert settings["GRAPH_API_URL"] == "http://x"
    assert settings["BACKROOM_ANY"] == "1"
    assert settings["OWN_SETTING"] == "2"
    assert settings["PORT"] == "8000"
    assert settings["BASE_URL"] == "http://127.0.0.1:8000"


def test_servers_that_the_caller_gave_pass_through_untouched(folder: Folder) -> None:
    given = Given({"DATABASE_URL": "postgres://a:b%20c@db.example/x?sslmode=require"})

    assert compose(folder, given)["DATABASE_URL"] == given.get("DATABASE_URL")
