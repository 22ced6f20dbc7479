"""10,000 questions in one workspace while fifty others go on: how long, and who notices.

`burst` answers from the look-up; `model` lets the model lane pick every answer.
"""

import collections
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench import questions, stock, traffic
from tests.bench.figure import Figure
from tests.bench.stock import Space
from tests.bench.town import Town, by_customer, note, open_town, percentile
from tests.bench.traffic import Offered

CONTACTS = 2_000
NEIGHBOURS, NEIGHBOURS_PER_SECOND = 50, 25.0
# Before anything counts, the neighbours have been at it for a while, as they have on any day.
SETTLE_SECONDS, QUIET_SECONDS, AFTER_SECONDS = 40.0, 20.0, 10.0
GIVE_UP_SECONDS, LAST_ANSWER_SECONDS = 240.0, 30.0
GRANTED_PER_SECOND = 1_000
IN_FLIGHT, MODEL_SECONDS = 200, 1.5
# A customer waits 1.9 s at most for a model (AI_DEADLINE_SECONDS). With a model that takes 1.5 s
# of them, and a machine that does everything at once, that would measure the machine's pauses.
DEADLINE_SECONDS = 4.0


def _whole(name: str, usual: int) -> int:
    return int(os.environ.get(name) or usual)


@dataclass
class Run:
    """What was seen of one burst."""

    began: float = 0.0
    ended: float = 0.0
    settled: float = 0.0  # what was offered before counts for nothing
    taken: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    not_once: int = 0
    is_complete: bool = False
    offered: list[Offered] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def burst() -> Iterator[Figure]:
    """Everything answered, taken by WhatsApp and metered; the neighbours' p99 meanwhile."""
    with open_town("burst") as town:
        run = _run(town, uses_ai=False)
    more = {"messages": len(run.taken), "complete": run.is_complete}
    yield Figure("burst_seconds", run.seconds, "s", 60.0 if run.is_complete else 0.0, more=more)
    yield Figure("burst_answers_per_second", len(run.taken) / run.seconds, "1/s")
    acks = [(o.acked - o.first) * 1000 for o in run.offered if o.acked]
    yield Figure("burst_acks_p99_ms", percentile(acks, 0.99), "ms")
    yield from _neighbours(run)


def model() -> Iterator[Figure]:
    """The same questions, each answer picked by the echo model that takes 1.5 seconds."""
    in_flight = _whole("AI_IN_FLIGHT", IN_FLIGHT)
    with open_town(
        "model",
        DJANGO_SETTINGS_MODULE="tests.bench.settings_model",
        AI_ECHO_SECONDS=str(MODEL_SECONDS),
        AI_IN_FLIGHT=str(in_flight),
        AI_LINE_SECONDS="300",
        AI_DEADLINE_SECONDS=str(DEADLINE_SECONDS),
    ) as town:
        run = _run(town, uses_ai=True)
        spread = town.host.sql(
            "SELECT count(*), count(*) FILTER (WHERE failure <> ''), coalesce(percentile_cont(0.5)"
            " WITHIN GROUP (ORDER BY ms), 0) FROM ai_call WHERE settled_at IS NOT NULL"
        )[0]
    note(f"model calls settled {spread[0]}, failed {spread[1]}, median {spread[2]} ms")
    rate = _steady(run.taken)
    more = {
        "per_second": round(rate, 1), "in_flight": in_flight, "complete": run.is_complete,
        "seconds": round(run.seconds, 1), "failed_calls": spread[1],
        "deadline_seconds": DEADLINE_SECONDS,
    }  # fmt: skip
    is_real = run.is_complete and not spread[1] and spread[2] >= MODEL_SECONDS * 1000
    efficiency = rate / (in_flight / MODEL_SECONDS) if is_real else 0.0
    yield Figure("model_lane_efficiency", efficiency, "ratio", 0.8, at_most=False, more=more)
    yield Figure("model_neighbour_p99_ms", percentile(run.during, 0.99), "ms")


def _steady(taken: list[float]) -> float:
    """Return the answers a second between the first and the last tenth of them."""
    ordered = sorted(taken)
    first, last = len(ordered) // 10, len(ordered) * 9 // 10
    if last - first < 2:
        return 0.0
    return (last - first) / (ordered[last] - ordered[first])


def _neighbours(run: Run) -> Iterator[Figure]:
    quiet, during = percentile(run.quiet, 0.99), percentile(run.during, 0.99)
    more = {
        "quiet_p50_ms": round(percentile(run.quiet, 0.5), 1), "quiet_p99_ms": round(quiet, 1),
        "burst_p50_ms": round(percentile(run.during, 0.5), 1), "burst_p99_ms": round(during, 1),
        "after_p99_ms": round(percentile(run.after, 0.99), 1),
        "messages": [len(run.quiet), len(run.during), len(run.after)],
    }  # fmt: skip
    yield Figure("burst_neighbour_p99_ratio", during / quiet, "ratio", 2.0, more=more)
    yield Figure("burst_neighbour_p99_ms", during, "ms", 2_000.0)
    yield Figure("burst_neighbours_not_answered_once", run.not_once, "messages", 0.0)


def _run(town: Town, *, uses_ai: bool) -> Run:
    count, pace = _whole("BURST", questions.COUNT), _whole("BURST_PER_SECOND", 250)
    asked = questions.read()[:count]
    others = stock.make(town.host, [f"neighbour-{n}" for n in range(NEIGHBOURS)])
    [busy] = stock.make(
        town.host, ["busy"], faqs=questions.FAQS, uses_ai=uses_ai, per_second=GRANTED_PER_SECOND
    )
    town.start()
    note(f"{NEIGHBOURS + 1} workspaces are ready, warming up")
    town.warm([*others, busy])
    flood = town.offering(
        list(
            traffic.burst(
                busy, asked, per_second=pace, contacts=min(CONTACTS, count), prefix="7011"
            )
        ),
        name="burst",
        lines=48,
    )
    run = Run()
    aside = town.offering(
        list(
            traffic.steady(
                others,
                per_second=NEIGHBOURS_PER_SECOND,
                seconds=SETTLE_SECONDS + QUIET_SECONDS + GIVE_UP_SECONDS + AFTER_SECONDS,
                prefix="7022",
            )
        ),
        name="neighbours",
        lines=16,
    )
    try:
        before = town.host.cpu_seconds()
        aside.begin()
        time.sleep(SETTLE_SECONDS)
        _tell_cpu(town, before)
        before, run.settled = town.host.cpu_seconds(), time.time()
        time.sleep(QUIET_SECONDS)
        _tell_cpu(town, before)
        note(f"{count} questions, {pace} a second")
        before = town.host.cpu_seconds()
        flood.begin()
        _wait(town, busy, count, run, warm=2)
        _tell_cpu(town, before)
        time.sleep(AFTER_SECONDS)
        run.offered = flood.end()
        run.began = min(offer.first for offer in run.offered)
        _judge(town, busy, run, aside)
    finally:
        flood.close()
        aside.close()
    _tell(town, busy)
    _tell_waits(town, busy, run)
    return run


def _wait(town: Town, busy: Space, count: int, run: Run, *, warm: int) -> None:
    """Wait until all is taken, metered and done; note the moment."""
    began, told = time.monotonic(), 0.0
    while time.monotonic() - began < GIVE_UP_SECONDS:
        time.sleep(0.5)
        taken = town.sends.accepted().get(busy.number, 0) - warm
        run.ended = time.time()
        if time.monotonic() - told > 5:
            told = time.monotonic()
            note(f"{told - began:5.1f} s: {taken} of {count} taken, {_standing(town, busy)}")
        if taken >= count and _metered(town, busy) >= count + warm and not _open(town, busy):
            run.is_complete = True
            return
    note(f"given up after {GIVE_UP_SECONDS:.0f} s")


def _metered(town: Town, busy: Space) -> int:
    return int(
        town.host.sql(
            "SELECT coalesce(sum(quantity), 0) FROM billing_usageevent"
            " WHERE workspace_id = %s AND meter_id = 'messages_sent'",
            [busy.pk],
        )[0][0]
    )


def _open(town: Town, busy: Space) -> int:
    """Return how many customers' messages are not done."""
    return int(
        town.host.sql(
            "SELECT count(*) FROM connections_inboundevent"
            " WHERE workspace_id = %s AND kind = 'message' AND state <> 'done'",
            [busy.pk],
        )[0][0]
    )


def _standing(town: Town, busy: Space) -> str:
    waiting = town.host.sql(
        "SELECT kind, state, count(*) FROM connections_inboundevent WHERE workspace_id = %s"
        " GROUP BY kind, state ORDER BY kind, state",
        [busy.pk],
    )
    jobs = town.host.sql(
        "SELECT state, count(*) FROM connections_outboundjob WHERE workspace_id = %s GROUP BY state",
        [busy.pk],
    )
    inbox = ", ".join(f"{kind} {state} {n}" for kind, state, n in waiting)
    return f"{inbox}; " + ", ".join(f"{state} {n}" for state, n in jobs)


def _judge(town: Town, busy: Space, run: Run, aside: traffic.Offering) -> None:
    """Match what was offered with what was taken."""
    neighbours = aside.end()
    customers = {message.id: message.to for message in aside.messages}
    until = time.monotonic() + LAST_ANSWER_SECONDS
    while time.monotonic() < until:
        time.sleep(1.0)  # a second answer would come now
        replies = by_customer(town.sends.fetch())
        if all(customers[offer.id] in replies for offer in neighbours):
            break
    for offer in neighbours:
        got = replies.get(customers[offer.id], [])
        run.not_once += len(got) != 1
        if not got:
            continue
        if offer.first < run.settled:
            continue
        taken = (got[0].taken_at - offer.first) * 1000
        phase = run.quiet if got[0].taken_at < run.began else run.during
        (run.after if offer.first > run.ended else phase).append(taken)
    once: dict[str, float] = {}
    for send in town.sends.all:
        if send.number == busy.number and send.to.startswith("2347011"):
            run.is_complete = run.is_complete and send.opaque not in once
            once[send.opaque] = send.taken_at
    run.taken = list(once.values())
    answered = town.host.sql(
        f'SELECT count(*), count(DISTINCT answers_id) FROM "{busy.schema}".messaging_message'
        " WHERE direction = 'out'"
    )[0]
    note(f"answers written {answered[0]}, to distinct messages {answered[1]}")
    run.is_complete = run.is_complete and answered[0] == answered[1]
    late = [offer.first - offer.due for offer in run.offered]
    note(f"offered within {max(late):.2f} s of its moment; last ack after"
         f" {max(o.acked for o in run.offered) - run.began:.1f} s")  # fmt: skip


def _tell_cpu(town: Town, before: dict[str, float]) -> None:
    used = {name: now - before.get(name, 0.0) for name, now in town.host.cpu_seconds().items()}
    note("CPU seconds: " + ", ".join(f"{n} {s:.1f}" for n, s in used.items()))


def _tell(town: Town, busy: Space) -> None:
    """Say why the messages got what they got."""
    rows = town.host.sql(
        f'SELECT step, reason, count(*) FROM "{busy.schema}".messaging_tracestep'
        " WHERE verdict IN ('act', 'stop') GROUP BY step, reason ORDER BY 3 DESC LIMIT 12"
    )
    counts = collections.Counter({f"{step}:{reason}": n for step, reason, n in rows})
    note("messages by reason: " + ", ".join(f"{name} {n}" for name, n in counts.most_common()))


def _tell_waits(town: Town, busy: Space, run: Run) -> None:
    """Say where the neighbours' slowest hundredth waited in the burst, and how far into it."""
    rows = town.host.sql(
        "SELECT extract(epoch FROM m.received_at), extract(epoch FROM m.done_at - m.received_at),"
        " extract(epoch FROM j.claimed_at - j.created_at), extract(epoch FROM j.settled_at - j.claimed_at)"
        " FROM connections_inboundevent m JOIN connections_outboundjob j ON j.workspace_id = m.workspace_id"
        " AND j.conversation_key = m.conversation_key"
        " WHERE m.workspace_id <> %s AND m.kind = 'message' AND m.done_at IS NOT NULL"
        " AND j.settled_at IS NOT NULL AND m.received_at > to_timestamp(%s)",
        [busy.pk, run.began],
    )
    slow = sorted(rows, key=lambda row: -(row[1] + row[2] + row[3]))[: max(1, len(rows) // 100)]
    for stage, place in (("to be answered", 1), ("to be claimed", 2), ("to be taken", 3)):
        waits = [float(row[place]) * 1000 for row in slow]
        note(f"slowest neighbours waited {stage}: p50 {percentile(waits, 0.5):.0f},"
             f" most {max(waits, default=0):.0f} ms")  # fmt: skip
    note(
        "and came at "
        + ", ".join(f"{float(row[0]) - run.began:.0f}" for row in sorted(slow)[:40])
        + " s"
    )
