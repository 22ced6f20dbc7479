"""Keep tables small: each room says what may go and when (settings.RETENTION_RULES).

Rows go in batches of some thousand, each its own short transaction, oldest first by id. Ids
rise with time, so where the old ones end is found by halving, without an index for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.utils.module_loading import import_string

BATCH = 5_000


@dataclass(frozen=True)
class Rule:
    """What goes from a table: rows older than `days` for which `where` holds.

    `looks_back_days` bounds a rule that takes some kinds of rows early: what it once missed
    goes with the table's wider rule. A moment that changes after the insert (`is_touched`)
    does not rise with the id: then all rows are looked through.
    """

    table: str
    what: str
    days: int
    moment: str
    where: str = "true"
    looks_back_days: int | None = None
    is_touched: bool = False


@dataclass(frozen=True)
class Gone:
    """How many rows of a table went, or would go."""

    rule: Rule
    count: int
    is_done: bool = True


def public_rules() -> list[Rule]:
    """Return the rules of the public tables, which hold for the house as a whole."""
    return _rules(settings.RETENTION_RULES)


def workspace_rules() -> list[Rule]:
    """Return the rules of the tables in each workspace's schema."""
    return _rules(settings.RETENTION_WORKSPACE_RULES)


def _rules(names: list[str]) -> list[Rule]:
    makers: list[Callable[[], list[Rule]]] = [import_string(name) for name in names]
    return [rule for make in makers for rule in make() if rule.days > 0]


def apply(rule: Rule, *, now: datetime, batch: int = BATCH, most: int | None = None) -> Gone:
    """Delete what the rule names, in the scope that holds; at most about `most` rows."""
    count = 0
    for low, high in _windows(rule, now, batch):
        with database.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {rule.table} {_condition(rule)}",  # noqa: S608
                _values(rule, now, low, high),
            )
            count += cursor.rowcount
        if most is not None and count >= most:
            return Gone(rule, count, is_done=False)
    return Gone(rule, count)


def count(rule: Rule, *, now: datetime) -> Gone:
    """Say how many rows would go."""
    total = 0
    for low, high in _windows(rule, now, 50_000):
        with database.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM {rule.table} {_condition(rule)}",  # noqa: S608
                _values(rule, now, low, high),
            )
            total += cursor.fetchone()[0]
    return Gone(rule, total)


def _condition(rule: Rule) -> str:
    return (
        f"WHERE id >= %(low)s AND id < %(high)s AND {rule.moment} < %(before)s AND ({rule.where})"
    )


def _values(rule: Rule, now: datetime, low: int, high: int) -> dict[str, int | datetime]:
    return {"low": low, "high": high, "before": now - timedelta(days=rule.days)}


def _windows(rule: Rule, now: datetime, size: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids in which the rule's rows are; gaps are jumped over."""
    end = _last_id(rule.table) + 1
    start = 0
    if not rule.is_touched:
        end = _first_id_since(rule, now - timedelta(days=rule.days), end)
        if rule.looks_back_days is not None:
            since = now - timedelta(days=rule.days + rule.looks_back_days)
            start = _first_id_since(rule, since, end)
    while (row := _row_from(rule, start)) is not None and row[0] < end:
        high = min(row[0] + size, end)
        yield row[0], high
        start = high


def _last_id(table: str) -> int:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608
        return int(cursor.fetchone()[0])


def _row_from(rule: Rule, identifier: int) -> tuple[int, datetime] | None:
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {rule.moment} FROM {rule.table} WHERE id >= %s ORDER BY id LIMIT 1",  # noqa: S608
            [identifier],
        )
        row: tuple[int, datetime] | None = cursor.fetchone()
        return row


def _first_id_since(rule: Rule, moment: datetime, end: int) -> int:
    """Return the first id whose row is not older than `moment`."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        row = _row_from(rule, middle)
        if row is None or row[1] >= moment:
            high = middle
        else:
            low = row[0] + 1
    return low
