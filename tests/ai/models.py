"""What the model lane does, in the test's own thread and transaction."""

from collections import Counter
from datetime import timedelta

from ai import asking, gateway, line
from lib import clock


def answer(*, limit: int = 200, seconds_later: float = 0) -> int:
    """Ask what waits in line and settle it; return how many calls that were."""
    calls = line.claim(limit=limit, busy=Counter(), now=clock.now())
    outcomes = [gateway.run(asking.consult(call), seconds=5) for call in calls]
    line.settle(outcomes=outcomes, now=clock.now() + timedelta(seconds=seconds_later))
    return len(calls)
