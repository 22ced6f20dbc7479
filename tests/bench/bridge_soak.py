"""What hours of cut lines leave behind: thousands of reconnects, and the memory after each round."""

import os
from collections.abc import Iterator

from tests.bench.bridge import ask, seconds_back, settle
from tests.bench.bridge_world import open_world
from tests.bench.figure import Figure
from tests.bench.town import note, percentile

SESSIONS = 50
# Eight hours in which each line is cut every twelve minutes.
RECONNECTS = int(os.environ.get("RECONNECTS", "2000"))
ASKED = 5  # messages after each round: a line that is back must work
# Three times as many, until a process hands over for its age; it must not get so big before.
_DAYS_RECONNECTS, _MOST_MB = 3 * 2000, 900.0


def bridge_soak() -> Iterator[Figure]:
    """Cut all lines, wait until they are back, ask, look at the memory; again and again."""
    with open_world("bridge_soak", sessions=SESSIONS) as world:
        process = world.bridge()
        world.link_up_to(SESSIONS)
        phones = list(world.sessions)
        ask(world, phones)
        sizes, taken, unanswered = [process.rss_mb], [], 0
        for n in range(-(-RECONNECTS // SESSIONS)):
            cut = "drop" if n % 2 else "close"
            taken += seconds_back(
                world, lambda how=cut: world.whatsapp.post("/faults/cut", how=how), seconds=60
            )
            settle(world)
            asked = [phones[(n * ASKED + one) % SESSIONS] for one in range(ASKED)]
            unanswered += ASKED - len(ask(world, asked))
            sizes.append(process.rss_mb)
            if n % 10 == 9:
                note(f"{(n + 1) * SESSIONS} reconnects, {sizes[-1]:.0f} MB")
    half = sizes[len(sizes) // 2 :]
    slope = _slope(half) * 1000 / SESSIONS
    more = {"reconnects": len(taken), "sessions": SESSIONS}
    yield Figure("bridge_soak_mb_per_1000_reconnects", slope, "MB", more=more)
    day = sizes[-1] + max(0.0, slope) * _DAYS_RECONNECTS / 1000
    seen = {"first_mb": round(sizes[0]), "half_mb": round(half[0]), "last_mb": round(sizes[-1])}
    yield Figure("bridge_soak_mb_after_a_day", day, "MB", _MOST_MB, more={**more, **seen})
    yield Figure("bridge_soak_reconnect_p95_seconds", percentile(taken, 0.95), "s", 5.0, more=more)
    yield Figure("bridge_soak_not_answered", unanswered, "messages", 0.0, more=more)


def _slope(values: list[float]) -> float:
    """Return the growth of a value a step, by least squares."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    above = sum((n - middle) * (value - mean) for n, value in enumerate(values))
    return above / sum((n - middle) ** 2 for n in range(count))
