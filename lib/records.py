"""Many rows as one value: PostgreSQL reads them out of JSON.

An array for each column has every value quoted by the driver, and a long list of parameters
read by the parser; one text is written by C on this side and quoted once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any


def source(columns: Mapping[str, str]) -> str:
    """Return what goes after FROM: the rows as `u`, with these columns (a name and its type each).

    Its one value is what `written` makes.
    """
    return f"json_to_recordset(%s) AS u({', '.join(f'{n} {kind}' for n, kind in columns.items())})"


def written(columns: Iterable[str], rows: Sequence[Sequence[Any]]) -> str:
    """Write rows (values in the order of `columns`) down; JSON columns take what JSON can say."""
    names = list(columns)
    return _encoder.encode([dict(zip(names, row, strict=True)) for row in rows])


def _say(value: object) -> str:
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not go into a record")


_encoder = json.JSONEncoder(default=_say, ensure_ascii=False)
