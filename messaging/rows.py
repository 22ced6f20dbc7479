"""Many rows in one statement: arrays cost a fifth of the ORM's own insert of many rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection as database


def insert(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """Insert `rows` (values in the order of `columns`, a name and its PostgreSQL type each).

    Returns the new ids in the order of the rows. JSON columns take text. Names and types come
    from our own code, values travel as parameters.
    """
    if not rows:
        return []
    arrays = ", ".join(f"%s::{'text' if kind == 'jsonb' else kind}[]" for kind in columns.values())
    picked = ", ".join(
        f"{name}::jsonb" if kind == "jsonb" else name for name, kind in columns.items()
    )
    names = ", ".join(columns)
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {picked}"  # noqa: S608
            f" FROM unnest({arrays}) WITH ORDINALITY AS u({names}, place) ORDER BY place"
            " RETURNING id",
            [list(values) for values in zip(*rows, strict=True)],
        )
        return [int(row[0]) for row in cursor.fetchall()]


def update(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> int:
    """Set `columns` of many rows, each row named by its first value, the id; return how many."""
    if not rows:
        return 0
    kinds = {"id": "bigint", **columns}
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds.values())
    changes = ", ".join(f"{name} = u.{name}" for name in columns)
    with database.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {changes}"  # noqa: S608
            f" FROM unnest({arrays}) AS u({', '.join(kinds)}) WHERE t.id = u.id",
            [list(values) for values in zip(*rows, strict=True)],
        )
        return int(cursor.rowcount)
