"""What a schema's tables come to in SQL, for shapes that our own tables do not have yet."""

from collections.abc import Iterator

import pytest
from django.db import connection

from config import fidelity
from workspaces import blueprint, ddl, scope

pytestmark = pytest.mark.django_db(transaction=True)

ODD = """
CREATE TABLE "Order" (
    "select" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    said text COLLATE "C" DEFAULT 'it''s; fine' NOT NULL,
    during tstzrange, EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE hen (id int PRIMARY KEY, egg int);
CREATE TABLE egg (id int PRIMARY KEY, hen int REFERENCES hen, twin int REFERENCES egg);
ALTER TABLE hen ADD CONSTRAINT from_egg FOREIGN KEY (egg) REFERENCES egg DEFERRABLE;
ALTER TABLE hen ADD by_id bigint REFERENCES public.workspaces_user;
ALTER TABLE hen ADD gone int;
ALTER TABLE hen DROP gone;
CREATE UNIQUE INDEX "one Open" ON "Order" (lower(said)) WHERE "select" > 1;
"""


@pytest.fixture
def two_schemas() -> Iterator[tuple[str, str]]:
    names = ("w_0dd000000001", "w_0dd000000002")
    with scope.owner(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"CREATE SCHEMA {name}")
    try:
        yield names
    finally:
        with scope.owner(), connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"DROP SCHEMA {name} CASCADE")


def test_odd_tables_come_out_the_same(two_schemas: tuple[str, str]) -> None:
    one, other = two_schemas
    with scope.owner(one), connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {one}")
        cursor.execute(ODD)
        statements = ddl.of_current_schema()
    with scope.owner(other), connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {other}")
        for statement in statements:
            cursor.execute(statement)

    assert not [statement for statement in statements if one in statement]
    # Rows of a table that is not there yet cannot be asked for: one of the circle comes later.
    assert sum(statement.startswith("ALTER TABLE") for statement in statements) == 1
    assert sorted(fidelity.dump(other)) == sorted(fidelity.dump(one))


def test_rows_that_a_migration_writes_are_no_part_of_a_new_workspace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = blueprint.ledger_sql()
    row = "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now());\n"
    monkeypatch.setattr(blueprint, "ledger_sql", lambda: whole + row)
    blueprint._portrait.cache_clear()
    try:
        with pytest.raises(blueprint.UnableToPlan, match="rows into django_migrations"):
            blueprint.template()
    finally:
        blueprint._portrait.cache_clear()
