"""What the model lane does, in the test's own thread and transaction."""

from collections import Counter
from datetime import timedelta

from django.db.models import Sum

from ai import asking, gateway, line
from ai.models import Budget, Call
from lib import clock
from workspaces import scope
from workspaces.models import Workspace


def answer(*, limit: int = 200, seconds_later: float = 0) -> int:
    """Ask what waits in line and settle it; return how many calls that were."""
    calls = line.claim(limit=limit, busy=Counter(), now=clock.now())
    outcomes = [gateway.run(asking.consult(call), seconds=5) for call in calls]
    line.settle(outcomes=outcomes, now=clock.now() + timedelta(seconds=seconds_later))
    return len(calls)


def left(space: Workspace) -> int:
    """Return what this month's budget still holds, in nano-USD, with open calls at their most."""
    with scope.workspace(space):
        budget = Budget.objects.order_by("-month")[0]
        unanswered = Call.objects.filter(state__in=("waiting", "asked"), used_at__isnull=True)
        may_cost = unanswered.aggregate(all=Sum("estimated_nano"))["all"] or 0
        return int(budget.limit_nano - budget.spent_nano - may_cost)
