"""Half an hour at 50 messages a second over 200 workspaces: does anything grow, slow down, fail?

Asked for by name only: `make bench ONLY=soak MINUTES=30`.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator

from tests.bench import stock, traffic
from tests.bench.figure import Figure
from tests.bench.floor import memory_of
from tests.bench.town import Town, by_customer, note, open_town, percentile
from tests.bench.traffic import Offered

SPACES, PER_SECOND = 200, 50.0
CONTACTS_EACH = 90  # they come back, as customers do
SAMPLE_SECONDS = 15.0
GROWTH_SHARE, GROWTH_MB, SLOWER = 0.05, 5.0, 1.5
# Grows as it remembers what it took; it belongs to the measurement.
_NOT_OURS = {"simulator"}

Samples = dict[str, list[tuple[float, float]]]


def soak() -> Iterator[Figure]:
    """Memory's slope over the second half, p99 by the minute, tables, error lines."""
    minutes = float(os.environ.get("MINUTES") or 30)
    with open_town("soak", SIMULATOR_KEEP="500") as town:
        spaces = stock.make(town.host, [f"soak-{n}" for n in range(SPACES)])
        town.start()
        town.warm(spaces, rounds=1)
        offering = town.offering(
            list(
                traffic.steady(
                    spaces,
                    per_second=PER_SECOND,
                    seconds=minutes * 60,
                    prefix="7055",
                    contacts_each=CONTACTS_EACH,
                )
            ),
            name="soak",
        )
        try:
            offering.begin()
            samples = _watch(town, offering, minutes)
            offered = offering.wait(seconds=120)
        finally:
            offering.close()
        waiting = _wait_until_done(town)
        took, not_once = _match(town, offering, offered)
        errors = town.host.error_lines()
        sizes = _tables(town)
        deaths = len(town.host.deaths)
    yield from _memory(samples)
    yield from _by_minute(took)
    yield Figure("soak_not_answered_once", not_once, "messages", 0.0, more={"of": len(offered)})
    yield Figure("soak_rows_waiting", waiting, "rows", 0.0)
    yield Figure("soak_rows_dead", sizes.pop("dead letters"), "rows", 0.0, more={"rows": sizes})
    yield Figure("soak_error_lines", len(errors), "lines", 0.0, more={"first": errors[:3]})
    yield Figure("soak_processes_ended", deaths, "processes", 0.0)


def _watch(town: Town, offering: traffic.Offering, minutes: float) -> Samples:
    """Sample memory until everything was offered, and fetch what was taken before it is forgotten."""
    samples: Samples = defaultdict(list)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < minutes * 60 and not offering.is_over:
        for name, size in memory_of(town).items():
            samples[name].append((passed, size))
        taken = len(town.sends.fetch())
        if len(samples["worker"]) % 4 == 1:
            sizes = ", ".join(f"{name} {line[-1][1]:.0f}" for name, line in samples.items())
            note(f"{passed / 60:5.1f} min: {taken} taken; MB: {sizes}")
        time.sleep(max(0.0, SAMPLE_SECONDS - (time.monotonic() - began - passed)))
    return samples


_WAITING = """
SELECT count(*), 'in the inbox: ' || kind, attempts, extract(epoch FROM due_at - now())::int,
    coalesce(nullif(error, ''), 'no error')
FROM connections_inboundevent WHERE state = 'pending' GROUP BY 2, 3, 4, 5
UNION ALL
SELECT count(*), 'to be sent: ' || state, attempts, extract(epoch FROM due_at - now())::int,
    coalesce(nullif(error_code, ''), nullif(error, ''), 'no error')
FROM connections_outboundjob WHERE state IN ('queued', 'sending', 'unknown') GROUP BY 2, 3, 4, 5
"""


def _wait_until_done(town: Town) -> int:
    """Return how many rows are still waiting after a minute without new messages."""
    until = time.monotonic() + 60
    while True:
        waiting = int(
            town.host.sql(
                "SELECT (SELECT count(*) FROM connections_inboundevent WHERE state = 'pending')"
                " + (SELECT count(*) FROM connections_outboundjob"
                " WHERE state IN ('queued', 'sending', 'unknown'))"
            )[0][0]
        )
        if not waiting:
            return 0
        if time.monotonic() > until:
            for row in town.host.sql(_WAITING):
                note("{} {} waiting, {} attempts, due in {} s, {}".format(*row))
            return waiting
        time.sleep(1)


def _match(
    town: Town, offering: traffic.Offering, offered: list[Offered]
) -> tuple[list[tuple[float, float]], int]:
    """Return (when, ms) of each message, and how many customers did not get one answer each time."""
    customers = {message.id: message.to for message in offering.messages}
    asked: dict[str, list[float]] = defaultdict(list)
    for offer in offered:
        asked[customers[offer.id]].append(offer.first)
    replies = by_customer(town.sends.fetch())
    began = min(offer.first for offer in offered)
    took, not_once = [], 0
    for customer, moments in asked.items():
        got = sorted({send.opaque: send.taken_at for send in replies.get(customer, [])}.values())
        not_once += abs(len(got) - len(moments))
        took += [
            (first - began, (taken - first) * 1000)
            for first, taken in zip(sorted(moments), got, strict=False)
        ]
    return took, not_once


def _memory(samples: Samples) -> Iterator[Figure]:
    for name, line in samples.items():
        half = line[len(line) // 2 :]
        slope, mean = _slope(half), sum(size for _, size in half) / len(half)
        grown = slope * (half[-1][0] - half[0][0])
        more = {
            "process": name, "mb": round(mean, 1), "grown_mb": round(grown, 2),
            "mb_per_hour": round(slope * 3600, 2),
        }  # fmt: skip
        # A few megabytes are no leak in whatever half an hour.
        share = 0.0 if grown < GROWTH_MB else grown / mean
        bar = None if name in _NOT_OURS else GROWTH_SHARE
        yield Figure("soak_memory_growth", share, "share", bar, more=more)


def _slope(line: list[tuple[float, float]]) -> float:
    """Return the slope of the straight line nearest to the points (least squares)."""
    count = len(line)
    mean_x = sum(x for x, _ in line) / count
    mean_y = sum(y for _, y in line) / count
    spread = sum((x - mean_x) ** 2 for x, _ in line)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in line) / spread


def _by_minute(took: list[tuple[float, float]]) -> Iterator[Figure]:
    minutes: dict[int, list[float]] = defaultdict(list)
    for when, ms in took:
        minutes[int(when // 60)].append(ms)
    each = [percentile(minutes[minute], 0.99) for minute in sorted(minutes)]
    third = max(1, len(each) // 3)
    first, last = sum(each[:third]) / third, sum(each[-third:]) / third
    more = {"first_third_ms": round(first, 1), "last_third_ms": round(last, 1),
            "by_minute_ms": [round(ms) for ms in each]}  # fmt: skip
    yield Figure("soak_p99_last_to_first", last / first, "ratio", SLOWER, more=more)
    yield Figure("soak_p50_ms", percentile([ms for _, ms in took], 0.5), "ms")


def _tables(town: Town) -> dict[str, int]:
    """Return the rows of the tables that grow with traffic, and the dead letters."""
    sizes = {
        name: int(town.host.sql(f"SELECT count(*) FROM {name}")[0][0])
        for name in ("connections_inboundevent", "connections_outboundjob", "billing_usageevent")
    }
    sizes["database MB"] = (
        int(town.host.sql("SELECT pg_database_size(current_database())")[0][0]) // 1_000_000
    )
    sizes["dead letters"] = int(
        town.host.sql(
            "SELECT (SELECT count(*) FROM connections_inboundevent WHERE state = 'dead')"
            " + (SELECT count(*) FROM connections_outboundjob WHERE state IN ('dead', 'failed'))"
        )[0][0]
    )
    return sizes
