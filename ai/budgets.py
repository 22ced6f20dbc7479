"""What a workspace may spend on models: an open call counts with the most it can cost, an ended
one with what it did."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection as database

from ai.models import Budget
from lib import clock
from workspaces.models import Workspace


@dataclass(frozen=True)
class Settlement:
    """What a call asked for at `at` did cost."""

    workspace: Workspace
    cost: int
    at: datetime


def _month(workspace: Workspace, now: datetime) -> date:
    return clock.local_day(now, workspace.time_zone).replace(day=1)


def reserve(
    *, workspace: Workspace, nanos: Sequence[int], now: datetime, is_alone: bool = False
) -> int:
    """Say how many of `nanos` (nano-USD), in their order, this month's budget holds.

    What is reserved is what the calls in line and in flight may cost: the caller inserts that
    many in the same transaction, in the workspace's scope. However many ask at once, together
    they never get more than there is. Who takes little of plenty waits for nobody; else the
    transactions of a workspace that ask follow one another, until the commit. A transaction that
    asks more than once must be alone from the first time: what it takes in all is not known then.
    """
    month = _month(workspace, now)
    limit, room = _standing(workspace, month)
    is_little = not is_alone and sum(nanos) <= limit // (4 * ASKING_AT_ONCE)
    has_plenty = is_little and room >= limit // 2 and _is_nobody_alone(workspace)
    if not has_plenty:
        with database.cursor() as cursor:
            cursor.execute(_WAIT, [_lock_name(workspace)])
    least = limit // 4
    _, room = _standing(workspace, month)  # with what was committed until now
    if has_plenty:
        # Those who ask now may not see each other: all of them together take a quarter at most.
        return len(nanos) if room >= least else 0
    count = total = 0
    while count < len(nanos) and total + nanos[count] <= room:
        total += nanos[count]
        count += 1
    return count


# How many transactions of one workspace may ask at once: one for each lane of its inbox.
ASKING_AT_ONCE = 4
_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_WAIT_FOR_NOBODY = "SELECT pg_try_advisory_xact_lock_shared(hashtextextended(%s, 0))"
_STANDING = """
SELECT b.limit_nano, (b.limit_nano - b.spent_nano - coalesce((
    SELECT sum(c.estimated_nano) FROM ai_call c WHERE c.workspace_id = b.workspace_id
    AND c.state IN ('waiting', 'asked') AND c.used_at IS NULL), 0))::bigint
FROM ai_budget b WHERE b.workspace_id = %s AND b.month = %s
"""


def _lock_name(workspace: Workspace) -> str:
    return f"ai budget {workspace.pk}"


def _is_nobody_alone(workspace: Workspace) -> bool:
    """Join those who ask beside each other until the commit; False while one asks alone."""
    with database.cursor() as cursor:
        cursor.execute(_WAIT_FOR_NOBODY, [_lock_name(workspace)])
        return bool(cursor.fetchone()[0])


def _standing(workspace: Workspace, month: date) -> tuple[int, int]:
    """Return the month's limit, and what neither is spent nor may be by calls that are open."""
    with database.cursor() as cursor:
        cursor.execute(_STANDING, [workspace.pk, month])
        found = cursor.fetchone()
        if found is None:
            Budget.objects.get_or_create(
                workspace=workspace,
                month=month,
                defaults={"limit_nano": settings.AI_MONTHLY_LIMIT_NANO},
            )
            cursor.execute(_STANDING, [workspace.pk, month])
            found = cursor.fetchone()
    limit, room = found
    return int(limit), int(room)


def settle(settlements: Sequence[Settlement]) -> None:
    """Book what calls did cost, in one statement for all, and in the transaction that ends them.

    Call in the scope of the workspace, or in the system scope for several. Rows are locked in
    one order by all.
    """
    sums: dict[tuple[int, date], int] = defaultdict(int)
    for one in settlements:
        sums[one.workspace.pk, _month(one.workspace, one.at)] += one.cost
    changed = {key: cost for key, cost in sums.items() if cost}
    if not changed:
        return
    with database.cursor() as cursor:
        cursor.execute(
            "WITH due AS (SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[])"
            " AS u(workspace, month, cost)),"
            " mine AS (SELECT b.id, d.cost FROM ai_budget b JOIN due d"
            " ON b.workspace_id = d.workspace AND b.month = d.month ORDER BY b.id FOR UPDATE OF b)"
            " UPDATE ai_budget b SET spent_nano = b.spent_nano + mine.cost FROM mine"
            " WHERE b.id = mine.id",
            [
                [workspace for workspace, _ in changed],
                [month for _, month in changed],
                list(changed.values()),
            ],
        )
