"""`make check` compares what sign-up makes with what migrations make, and sees a difference."""

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
        ("entry_by_stock", "-CREATE INDEX entry_by_stock ON SCHEMA.faqs_entry"),
        ('DROP INDEX IF EXISTS "faqs_entry_category', "+CREATE INDEX faqs_entry_category"),
        ('"one_settings_row"', "-    CONSTRAINT one_settings_row CHECK"),
    ],
)
def test_what_a_replay_leaves_out_is_seen(
    later: None, monkeypatch: pytest.MonkeyPatch, left_out: str, line: str
) -> None:
    whole = blueprint.template()
    statements = whole.split("\n;\n")
    assert any(left_out in statement for statement in statements)
    lame = "\n;\n".join(_without(statement, left_out) for statement in statements)
    monkeypatch.setattr(blueprint, "template", lambda: lame)

    assert line in check()


def _without(statement: str, word: str) -> str:
    if word not in statement:
        return statement
    if word == '"one_settings_row"':
        return statement.replace(', CONSTRAINT "one_settings_row" CHECK ("id" = 1)', "")
    return ""


def test_a_dump_that_fails_is_no_success(shops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "_candidates", lambda: iter(["/bin/false"]))

    with pytest.raises(CommandError, match="no pg_dump of version"):
        call_command("check_schemas", stdout=StringIO())
