"""What a workspace may spend on models: reserve the most a call can cost, settle what it did."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import F

from ai.models import Budget
from lib import clock
from workspaces.models import Workspace


@dataclass(frozen=True)
class Settlement:
    """A reservation made at `at` that is over, and what the call did cost."""

    workspace: Workspace
    reserved: int
    cost: int
    at: datetime


def _month(workspace: Workspace, now: datetime) -> date:
    return clock.local_day(now, workspace.time_zone).replace(day=1)


def reserve(*, workspace: Workspace, nanos: Sequence[int], now: datetime) -> int:
    """Take as many of `nanos` (nano-USD), in their order, as this month's budget holds.

    Returns how many were taken. The budget's row stays locked until the caller's commit.
    """
    month = _month(workspace, now)
    mine = Budget.objects.filter(workspace=workspace, month=month)
    with transaction.atomic():
        budget = mine.select_for_update().first()
        if budget is None:
            Budget.objects.get_or_create(
                workspace=workspace,
                month=month,
                defaults={"limit_nano": settings.AI_MONTHLY_LIMIT_NANO},
            )
            budget = mine.select_for_update().get()
        room = budget.limit_nano - budget.spent_nano - budget.reserved_nano
        count = total = 0
        while count < len(nanos) and total + nanos[count] <= room:
            total += nanos[count]
            count += 1
        if total:
            mine.update(reserved_nano=F("reserved_nano") + total)
    return count


def settle(settlements: Sequence[Settlement]) -> None:
    """Give reservations back and book what the calls did cost, in one statement for all.

    Call in the scope of the workspace, or in the system scope for several. Rows are locked in
    one order by all.
    """
    sums: dict[tuple[int, date], list[int]] = defaultdict(lambda: [0, 0])
    for one in settlements:
        found = sums[one.workspace.pk, _month(one.workspace, one.at)]
        found[0] += one.reserved
        found[1] += one.cost
    changed = {key: found for key, found in sums.items() if any(found)}
    if not changed:
        return
    with database.cursor() as cursor:
        cursor.execute(
            "WITH due AS (SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[])"
            " AS u(workspace, month, reserved, cost)),"
            " mine AS (SELECT b.id, d.reserved, d.cost FROM ai_budget b JOIN due d"
            " ON b.workspace_id = d.workspace AND b.month = d.month ORDER BY b.id FOR UPDATE OF b)"
            " UPDATE ai_budget b SET reserved_nano = b.reserved_nano - mine.reserved,"
            " spent_nano = b.spent_nano + mine.cost FROM mine WHERE b.id = mine.id",
            [
                [workspace for workspace, _ in changed],
                [month for _, month in changed],
                [reserved for reserved, _ in changed.values()],
                [cost for _, cost in changed.values()],
            ],
        )
