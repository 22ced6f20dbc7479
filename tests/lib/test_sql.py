"""A sheet of statements: in their order, in one round trip, and all or none."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from lib import sql

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _table(db: None) -> Iterator[None]:
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE said (place serial PRIMARY KEY, words text UNIQUE)")
    yield
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE said")


INSERT = "INSERT INTO said (words) VALUES (%s)"


def said() -> list[str]:
    return [words for (words,) in sql.fetch("SELECT words FROM said ORDER BY place")]


def test_statements_are_executed_in_their_order_with_their_own_values() -> None:
    sheet = sql.Sheet()
    sheet.add(INSERT, ["one"])
    sheet.add("UPDATE said SET words = words || %s || %s WHERE words = %s", ["-", "%s", "one"])
    sheet.add("INSERT INTO said (words) SELECT 'two'")
    sheet.add("INSERT INTO said (words) SELECT words || %s FROM said ORDER BY place", ["!"])

    with CaptureQueriesContext(database) as queries:
        sheet.run()

    assert said() == ["one-%s", "two", "one-%s!", "two!"]
    assert len([query for query in queries if "said" in query["sql"]]) == 1


def test_an_error_takes_all_of_it_back_and_leaves_nothing_on_the_sheet() -> None:
    sheet = sql.Sheet()
    for words in ("one", "two", "one", "three"):
        sheet.add(INSERT, [words])

    with pytest.raises(DatabaseError), transaction.atomic():
        sheet.run()

    assert said() == []
    sheet.run()
    assert said() == []


def test_an_empty_sheet_asks_nobody() -> None:
    with CaptureQueriesContext(database) as queries:
        sql.Sheet().run()

    assert len(queries) == 0


def test_a_sheet_that_is_run_twice_is_executed_once_and_begins_anew() -> None:
    sheet = sql.Sheet()
    sheet.add(INSERT, ["one"])
    sheet.run()
    sheet.run()
    sheet.add(INSERT, ["two"])
    sheet.run()

    assert said() == ["one", "two"]


@pytest.mark.parametrize("words", ["%", "%s", "a;b", "'; DROP TABLE said; --", "\\", "\n"])
def test_values_are_values_whatever_they_say(words: str) -> None:
    sheet = sql.Sheet()
    sheet.add(INSERT, [words])
    sheet.add(INSERT, [f"{words}2"])

    sheet.run()

    assert said() == [words, f"{words}2"]
