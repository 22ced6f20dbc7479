"""The front door: acknowledged webhooks beside PostgreSQL's own commits, and a hostile flood."""

import json
import threading
import time
from collections.abc import Iterator

from tests import hosts, whatsapp
from tests.bench import load, machine, stock, traffic
from tests.bench.figure import Figure
from tests.bench.town import Town, by_customer, note, open_town, percentile

CLIENTS = 64
# More than any machine acknowledges: the load ends by time, not for want of bodies.
_MOST_A_SECOND = 16_000


def acks(*, seconds: float = 8.0) -> Iterator[Figure]:
    """Statuses acknowledged a second by 64 clients, beside one-row commits of the same insert."""
    with open_town("acks") as town:
        [space] = stock.make(town.host, ["door"])
        town.host.start("edge")
        town.host.wait_for("edge")
        tps = [_pgbench(town, seconds / 2)]
        report = load.start(_plan(town, space, "A", seconds=seconds)).result()
        tps.append(_pgbench(town, seconds / 2))
        stored = _stored(town, "A")
        own = sum(tps) / len(tps)
        more = {"acks_per_second": round(report.rate), "pgbench_tps": round(own)}
        yield Figure("acks_ratio_to_pgbench", report.rate / own, "ratio", 0.6, False, more)
        yield Figure("acks_p99_ms", report.percentile(0.99), "ms", 50.0)
        yield Figure("acks_lost", len(set(report.acked) - stored), "updates", 0)
        used = town.host.cpu_seconds()["edge"]
        note(f"answers by status: {report.statuses}; {used:.1f} s of CPU since the door's start")

        handle = load.start(_plan(town, space, "K", seconds=seconds, retries=True))
        time.sleep(seconds / 2)
        town.host.kill_child("edge")
        report = handle.result()
        lost = len(set(report.acked) - _stored(town, "K"))
        yield Figure("acks_killed_lost", lost, "updates", 0, more={"acked": len(report.acked)})


def _plan(
    town: Town, space: stock.Space, name: str, *, seconds: float, retries: bool = False
) -> load.Plan:
    bodies = []
    for n in range(int(_MOST_A_SECOND * seconds)):
        wamid = f"wamid.HBgLMTU1NTA3ODM4ODEVAgASGBQzQTRB{name}{n}"
        update = whatsapp.status(wamid, "delivered", recipient=f"23480{n % 2_000:08d}")
        update["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = space.number
        bodies.append((wamid, json.dumps(update).encode()))
    return load.Plan(
        url=f"{town.host.edge_url}/webhooks/whatsapp/", secret=hosts.SECRET, bodies=bodies,
        clients=CLIENTS, seconds=seconds, retries=retries,
    )  # fmt: skip


def _pgbench(town: Town, seconds: float) -> float:
    tps = machine.pgbench_tps(town.host, clients=CLIENTS, seconds=max(2, round(seconds)))
    if tps is None:
        raise RuntimeError("There is no pgbench here to compare with.")
    return tps


def _stored(town: Town, name: str) -> set[str]:
    rows = town.host.sql(
        "SELECT subject FROM connections_inboundevent WHERE subject LIKE %s",
        [f"wamid.HBgLMTU1NTA3ODM4ODEVAgASGBQzQTRB{name}%"],
    )
    return {row[0] for row in rows}


def flood(*, seconds: float = 60.0, per_second: float = 20.0) -> Iterator[Figure]:
    """Real messages' time to the provider, quiet and beside 2,000 forged webhooks a second."""
    with open_town("flood") as town:
        spaces = stock.make(town.host, [f"shop{n}" for n in range(4)])
        town.start()
        town.warm(spaces)
        quiet = _answered(town, spaces, per_second=per_second, seconds=20.0, prefix="7201")
        lines_before = town.host.log("edge").count("\n")
        forged = [
            (f"wamid.FORGED{n}", json.dumps(whatsapp.text(
                "What time do you open?", wamid=f"wamid.FORGED{n}",
                # Half of them name a number that exists, half one that nobody has.
                number_id=spaces[0].number if n % 2 else str(10**9 + n),
            )).encode())
            for n in range(20_000)
        ]  # fmt: skip
        handle = load.start(
            load.Plan(
                url=f"{town.host.edge_url}/webhooks/whatsapp/", secret="forged", bodies=forged,
                clients=CLIENTS, rate=2_000, seconds=seconds, repeats=True,
            )
        )  # fmt: skip
        beside = _answered(town, spaces, per_second=per_second, seconds=seconds - 2, prefix="7202")
        report = handle.result()
        lines = town.host.log("edge").count("\n") - lines_before
        stored = town.host.sql(
            "SELECT count(*) FROM connections_inboundevent WHERE subject LIKE 'wamid.FORGED%%'"
        )[0][0]
    messages = len(beside)
    more = {
        "quiet_p99_ms": round(percentile(quiet, 0.99)), "p99_ms": round(percentile(beside, 0.99)),
        "forged_per_second": round(sum(report.statuses.values()) / report.seconds),
    }  # fmt: skip
    note(f"answers to forged webhooks by status: {report.statuses}")
    ratio = percentile(beside, 0.99) / percentile(quiet, 0.99)
    yield Figure("flood_p99_ratio", ratio, "ratio", 3.0, more=more)
    yield Figure("flood_stored", stored + len(report.acked), "updates", 0)
    # A line for a real batch of updates (a message and its statuses), and few beside them.
    most = 6 * messages + seconds
    yield Figure("flood_log_lines", lines, "lines", most, more={"messages": messages})


def _answered(
    town: Town, spaces: list[stock.Space], *, per_second: float, seconds: float, prefix: str
) -> list[float]:
    """Offer real messages; return how long each took until the provider had its answer, in ms."""
    messages = list(traffic.steady(spaces, per_second=per_second, seconds=seconds, prefix=prefix))
    offering = town.offering(messages, name=f"real{prefix}", lines=16)
    offering.begin()
    offered = {each.id: each for each in offering.wait(seconds=seconds + 60)}
    until = time.monotonic() + 20
    pause = threading.Event()
    while True:
        taken = by_customer(town.sends.fetch())
        if all(message.to in taken for message in messages) or time.monotonic() > until:
            break
        pause.wait(0.2)
    return [
        (min(send.taken_at for send in taken[message.to]) - offered[message.id].due) * 1000
        if message.to in taken
        else 60_000.0  # never: the longest time there is
        for message in messages
    ]
