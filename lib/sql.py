"""Statements of the hot path: values travel beside the text, as the driver's own cursor sends them.

Django's cursor writes values into the statement's text; quoting arrays costs more than everything
else there. These go over the same connection, in the transaction and the scope that hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection as database

Values = Sequence[Any] | Mapping[str, Any]


@contextmanager
def _executed(
    statement: str, values: Values, *, prepare: bool
) -> Iterator["psycopg.Cursor[tuple[Any, ...]]"]:
    with (
        database.cursor() as scoped,
        database.wrap_database_errors,
        psycopg.Cursor(scoped.connection) as cursor,
    ):
        if prepare:
            # While this is None, as Django leaves it, the driver keeps no statement, whatever is
            # asked of it. Were it set for good, it would remember all that Django executes, with
            # the values in it.
            cursor.connection.prepare_threshold = 0
        try:
            cursor.execute(statement, values, prepare=prepare)
        finally:
            cursor.connection.prepare_threshold = None
        yield cursor


def fetch(statement: str, values: Values = (), *, prepare: bool = False) -> list[tuple[Any, ...]]:
    """Execute one statement and return its rows.

    `%s` takes a value as text, `%b` in binary (cheaper for arrays); types that the place does not
    tell need a cast (`%b::bigint[]`). With `prepare` PostgreSQL keeps the plan for this session:
    worth it only where the search path stays the same, because a plan is made anew when it
    changes. Raises Django's database errors.
    """
    with _executed(statement, values, prepare=prepare) as cursor:
        return cursor.fetchall()


def run(statement: str, values: Values = (), *, prepare: bool = False) -> int:
    """Do the same for a statement without rows; return how many rows it changed."""
    with _executed(statement, values, prepare=prepare) as cursor:
        return cursor.rowcount


class Sheet:
    """Statements that nobody waits for the rows of, executed in their order in one round trip.

    A statement costs a tenth of a millisecond before PostgreSQL has begun with it, so a
    transaction's writes go together. Use inside a transaction: outside of one they would be one
    of their own.
    """

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._values: list[Any] = []

    def add(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Put one statement, `%s` for each value, at the end."""
        self._statements.append(statement)
        self._values += values

    def run(self) -> None:
        """Execute what was added, and begin anew. Raises Django's database errors."""
        if not self._statements:
            return
        statements, values = self._statements, self._values
        self._statements, self._values = [], []
        with database.cursor() as cursor:
            cursor.execute(";\n".join(statements), values)
