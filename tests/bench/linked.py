"""A linked phone's answer through every part: from the customer's phone and back to it."""

import statistics
import time
from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.town import percentile
from tests.chaos.lines import UNPACED, Lines, open_lines

# At the pace of a person: each question long after the answer before, as one number sees them.
PACED, PACED_EVERY_SECONDS = 12, 6.0
AT_ONCE, WARM = 100, 5
QUESTION = "how much is delivery to Ikeja?"


def linked() -> Iterator[Figure]:
    """Seconds with the pace that customers see, and milliseconds without it."""
    with open_lines({}, numbers=1) as lines:
        taken = _answered(lines, PACED, every_seconds=PACED_EVERY_SECONDS)
        more = {"p50_seconds": round(statistics.median(taken), 2), "messages": len(taken)}
        yield Figure("linked_paced_seconds", max(taken), "s", 6.0, more=more)
    with open_lines(UNPACED, numbers=1) as lines:
        taken = [seconds * 1000 for seconds in _answered(lines, AT_ONCE, every_seconds=0.3)]
        more = {"p50_ms": round(statistics.median(taken), 1), "messages": len(taken)}
        yield Figure("linked_unpaced_p95_ms", percentile(taken, 0.95), "ms", 300.0, more=more)


def _answered(lines: Lines, count: int, *, every_seconds: float) -> list[float]:
    """Return the seconds from each question to its answer on the customer's phone."""
    [account], whatsapp = lines.phones, lines.host.whatsapp
    taken = []
    for n in range(count + WARM):
        customer, began = f"2347{n:09d}", time.monotonic()
        whatsapp.customer_writes(customer, to=account, text=QUESTION)
        while not whatsapp.received(customer, of=account):
            if time.monotonic() - began > 60:
                raise RuntimeError(f"Question {n} is not answered.")
            time.sleep(0.005)
        if n >= WARM:
            taken.append(time.monotonic() - began)
        time.sleep(max(0.0, began + every_seconds - time.monotonic()))
    return taken
