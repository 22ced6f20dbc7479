"""Linked devices: what a session costs, how fast all are back, how a process hands over."""

import signal
import statistics
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.bench.bridge_world import Bridge, World, open_world
from tests.bench.figure import Figure
from tests.bench.town import note, percentile

SIZES = (1, 10, 50, 100)
IDLE_SECONDS = 15.0
QUICK, MANY = 30, 200  # messages one by one, and at once
AWAY_SECONDS = 10
HANDED_OVER = 20


def bridge() -> Iterator[Figure]:
    """Everything at 1, 10, 50 and 100 sessions in one process, then both ways to hand over."""
    with open_world("bridge", sessions=max(SIZES)) as world:
        process = world.bridge()
        time.sleep(2)
        empty = process.rss_mb
        yield Figure("bridge_empty_mb", empty, "MB")
        fixed = 0.0
        for count in SIZES:
            note(f"{count} sessions")
            world.link_up_to(count)
            yield from _idle(process, count)
            yield from _answers(world, process, count)
            # What the first session loads is the process's, not a session's.
            fixed = fixed or process.rss_mb
            if count > 1:
                each = (process.rss_mb - fixed) / (count - 1)
                yield Figure("bridge_mb_per_session", each, "MB", 3.0, more={"sessions": count})
            yield Figure("bridge_mb", process.rss_mb, "MB", more={"sessions": count})
            yield from _returns(world, count)
        yield from _hand_over(world, process)


def _idle(process: Bridge, count: int) -> Iterator[Figure]:
    time.sleep(3)
    used, began = process.cpu_seconds, time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = (process.cpu_seconds - used) / (time.monotonic() - began) * 100
    yield Figure("bridge_idle_cpu_percent", share, "%", more={"sessions": count})


def _answers(world: World, process: Bridge, count: int) -> Iterator[Figure]:
    """Ask on all numbers once, then one by one, then many at once."""
    phones = list(world.sessions)
    for phone in phones:
        ask(world, [phone])
    taken = [ask(world, [phones[n % count]])[0] * 1000 for n in range(QUICK)]
    used, began = process.cpu_seconds, time.monotonic()
    all_taken = ask(world, [phones[n % count] for n in range(MANY)])
    passed = time.monotonic() - began
    more = {"sessions": count}
    yield Figure(
        "bridge_round_trip_ms", statistics.median(taken), "ms", 300.0,
        more={**more, "p95_ms": round(percentile(taken, 0.95), 1), "messages": len(taken)},
    )  # fmt: skip
    each = (process.cpu_seconds - used) / len(all_taken) * 1000
    yield Figure("bridge_cpu_ms_per_round_trip", each, "ms", more=more)
    yield Figure("bridge_round_trips_per_second", len(all_taken) / passed, "1/s", more=more)
    yield Figure("bridge_not_answered", MANY - len(all_taken), "messages", 0.0, more=more)


def ask(world: World, phones: list[str]) -> list[float]:
    """Return the seconds from each customer's message to its answer, read on the customer's phone."""
    texts = {f"{uuid.uuid4()}": phone for phone in phones}
    began: dict[str, float] = {}

    def write(text: str) -> None:
        phone = texts[text]
        began[f"Answer to {text}"] = time.time()
        world.whatsapp.post(f"/customers/{_customer(phone)}/messages", account=phone, text=text)

    world.whatsapp.news()
    with ThreadPoolExecutor(4 if len(phones) > 1 else 1) as pool:
        work = [pool.submit(write, text) for text in texts]
        wanted = {f"Answer to {text}" for text in texts}
        came = world.whatsapp.wait_for(wanted, what="customer-received", key="text", seconds=60)
        for one in work:
            one.result()
    for text in sorted(wanted - came.keys()):
        asked = text.removeprefix("Answer to ")
        how = "answered" if asked in world.sink.answered else "told, but not answered"
        note(f"lost: {asked} was {how if asked in world.sink.told else 'never told'}")
    return [moment - began[text] for text, moment in came.items()]


def _customer(phone: str) -> str:
    return f"234909{phone[-7:]}"


def _returns(world: World, count: int) -> Iterator[Figure]:
    more = {"sessions": count}
    dropped = seconds_back(
        world, lambda: world.whatsapp.post("/faults/cut", how="drop"), seconds=60
    )
    yield Figure("bridge_reconnect_p95_seconds", percentile(dropped, 0.95), "s", 5.0, more=more)
    settle(world)
    away = seconds_back(
        world, lambda: world.whatsapp.post("/faults/away", seconds=AWAY_SECONDS), seconds=90
    )
    yield Figure("bridge_server_away_seconds", max(away), "s", 30.0, more=more)
    settle(world)
    dead = seconds_back(world, lambda: world.whatsapp.post("/faults/cut", how="dead"), seconds=120)
    yield Figure("bridge_dead_link_seconds", max(dead), "s", 30.0, more=more)
    settle(world)


def seconds_back(world: World, cut, *, seconds: float) -> list[float]:  # type: ignore[no-untyped-def]
    """Return the seconds from `cut` until each account was online again."""
    world.whatsapp.news()
    began = time.time()
    cut()
    came = world.whatsapp.wait_for(
        set(world.sessions), what="online", key="account", seconds=seconds
    )
    if missing := len(world.sessions) - len(came):
        note(f"{missing} did not come back within {seconds:.0f} s")
    return [moment - began for moment in came.values()] + [seconds] * missing


def settle(world: World) -> None:
    world.wait_until_open(list(world.sessions.values()))
    time.sleep(1)


def _hand_over(world: World, first: Bridge) -> Iterator[Figure]:
    """From one process to the next, asked for and not."""
    kept = dict(list(world.sessions.items())[:HANDED_OVER])
    world.sql(
        "UPDATE connections_linkedsession SET wanted = 'off' WHERE NOT id = ANY(%s)",
        [list(kept.values())],
    )
    world.sessions = kept
    _wait_for(lambda: sum(first.health().get("sessions", {}).values()) == HANDED_OVER)
    second = world.bridge()
    time.sleep(2)
    more = {"sessions": HANDED_OVER}
    gone = seconds_back(world, lambda: first.send(signal.SIGTERM), seconds=60)
    yield Figure("bridge_sigterm_handover_seconds", max(gone), "s", 5.0, more=more)
    settle(world)
    world.bridge()
    time.sleep(2)
    killed = seconds_back(world, lambda: second.send(signal.SIGKILL), seconds=90)
    yield Figure("bridge_sigkill_handover_seconds", max(killed), "s", 25.0, more=more)
    settle(world)


def _wait_for(look, *, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not look():
        if time.monotonic() > until:
            raise RuntimeError("The bridge did not come to rest.")
        time.sleep(0.1)
