"""Many rows in one statement, on a sheet; their ids are drawn before, so that they can refer to
each other before any is written."""

from collections.abc import Mapping, Sequence
from typing import Any

from lib import records, sql


def draw(wanted: Mapping[str, int]) -> dict[str, list[int]]:
    """Take so many new ids for each of these tables, rising, in one statement."""
    counts = {table: count for table, count in wanted.items() if count}
    found: dict[str, list[int]] = {table: [] for table in wanted}
    if counts:
        asked = " UNION ALL ".join(
            f"SELECT '{table}', nextval('{table}_id_seq') FROM generate_series(1, %s)"  # noqa: S608
            for table in counts
        )
        for table, pk in sql.fetch(asked, list(counts.values())):
            found[table].append(pk)
    return found


def insert(
    sheet: sql.Sheet, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert `rows` (values in the order of `columns`, a name and its PostgreSQL type each).

    Names and types come from our own code, values travel as parameters.
    """
    if rows:
        names = ", ".join(columns)
        sheet.add(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {records.source(columns)}",  # noqa: S608
            [records.written(columns, rows)],
        )


def update(
    sheet: sql.Sheet, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> None:
    """Set `columns` of many rows, each row named by its first value, the id."""
    if rows:
        kinds = {"id": "bigint", **columns}
        changes = ", ".join(f"{name} = u.{name}" for name in columns)
        sheet.add(
            f"UPDATE {table} t SET {changes} FROM {records.source(kinds)} WHERE t.id = u.id",  # noqa: S608
            [records.written(kinds, rows)],
        )
