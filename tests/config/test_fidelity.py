"""`make check` compares what sign-up makes with what migrations make, and sees a difference."""

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config import fidelity
from tests.workspaces.elsewhere import later, other_database, shops
from workspaces import blueprint

__all__ = ["later", "other_database", "shops"]

pytestmark = pytest.mark.django_db


def check() -> str:
    out = StringIO()
    try:
        call_command("check_schemas", stdout=out)
    except CommandError as error:
        assert error.returncode == 1
    return out.getvalue()


def test_they_are_the_same_today_and_after_later_migrations(later: None) -> None:
    assert check() == "A new workspace's tables are those of a migrated one.\n"


@pytest.mark.parametrize(
    ("left_out", "line"),
    [
        (
            r"CREATE INDEX entry_by_stock [^;]*;\n",
            "-CREATE INDEX entry_by_stock ON SCHEMA.faqs_entry",
        ),
        (
            r", CONSTRAINT one_settings_row CHECK \(\(id = 1\)\)",
            "-    CONSTRAINT one_settings_row CHECK",
        ),
        (
            r", CONSTRAINT messaging_note_contact_id\w* FOREIGN KEY .*? DEFERRED",
            "-    ADD CONSTRAINT messaging_note_contact_id",
        ),
        (r"(?<=known_as character varying\(200\)) DEFAULT ''::character varying", "-    known_as"),
    ],
)
def test_what_a_replay_leaves_out_is_seen(
    later: None, monkeypatch: pytest.MonkeyPatch, left_out: str, line: str
) -> None:
    lame, count = re.subn(left_out, "", blueprint.template())
    assert count == 1
    monkeypatch.setattr(blueprint, "template", lambda: lame)

    assert line in check()


def test_a_dump_that_fails_is_no_success(shops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "_candidates", lambda: iter(["/bin/false"]))

    with pytest.raises(CommandError, match="no pg_dump of version"):
        call_command("check_schemas", stdout=StringIO())
