"""Rows as one value: what strangers wrote comes out as it went in, or is refused by name."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, transaction
from django.db import connection as database

from lib import records

pytestmark = pytest.mark.django_db
COLUMNS = {"place": "int", "words": "text", "more": "jsonb"}
HOSTILE = [
    "",
    "back\\slash \\n \\u0041 \\u0000",
    "single ' double \" dollar $$ $1",
    "% %s %b %(x)s %%",
    "line\nbreak\r\nand\ttab",
    "emoji 👩🏽‍🌾 flag 🇳🇬",
    "שלום \u202eright to left\u202c العربية",
    "\u2028\u2029\x7f\x01\x1f",
    "null",
    "{}[],:",
    "x" * 1_000_000,
]


def read_back(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT place, words, more ->> 'words' FROM {records.source(COLUMNS)} ORDER BY place",  # noqa: S608
            [records.written(COLUMNS, rows)],
        )
        return list(cursor.fetchall())


def test_hostile_text_comes_out_as_it_went_in() -> None:
    rows = [(place, words, {"words": words}) for place, words in enumerate(HOSTILE)]

    assert read_back(rows) == [(place, words, words) for place, words in enumerate(HOSTILE)]


def test_what_is_missing_is_null_and_no_rows_are_none() -> None:
    assert read_back([(1, None, None)]) == [(1, None, None)]
    assert read_back([]) == []


def test_moments_and_days_keep_their_zone() -> None:
    at = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
    columns = {"at": "timestamptz", "day": "date"}
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT at, day FROM {records.source(columns)}",  # noqa: S608
            [records.written(columns, [(at, date(2026, 11, 20))])],
        )
        assert cursor.fetchone() == (at, date(2026, 11, 20))


# PostgreSQL stores neither. Who reads what strangers wrote takes them out
# (connections.providers.untrusted, the pages' forms): here they are an error, never a cut text.


def test_a_nul_is_refused_by_the_database() -> None:
    with pytest.raises(DataError), transaction.atomic():
        read_back([(1, "a\x00b", None)])
    assert read_back([(2, "after", None)]) == [(2, "after", None)]


def test_half_a_surrogate_pair_is_refused_by_the_driver() -> None:
    with pytest.raises(UnicodeEncodeError), transaction.atomic():
        read_back([(1, "a\ud800b", None)])
    assert read_back([(2, "after", None)]) == [(2, "after", None)]


def test_a_row_of_another_length_and_a_strange_type_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        records.written(COLUMNS, [(1, "x")])
    with pytest.raises(TypeError, match="Decimal"):
        records.written(COLUMNS, [(1, Decimal(1), None)])
