"""What holds on an idle machine: the time of one message, the memory of every process."""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil

from tests import hosts, whatsapp
from tests.bench import stock
from tests.bench.figure import Figure
from tests.bench.town import Town, note, open_town, percentile

QUESTION = "what are your opening hours?"


def latency(*, count: int = 200) -> Iterator[Figure]:
    """From the webhook's first byte to the request at the Graph API, one message at a time."""
    with whatsapp.graph() as graph, open_town("latency", graph_url=graph.url) as town:
        [space] = stock.make(town.host, ["quiet"])
        town.start()
        door = urlsplit(town.host.edge_url)
        taken, line, lost = [], http.client.HTTPConnection(str(door.hostname), door.port or 80), 0
        for n in range(count + 20):
            customer = f"2347033{n:06d}"
            body = json.dumps(
                whatsapp.text(
                    QUESTION, wamid=f"wamid.L{n}", sender=customer, number_id=space.number
                )
            ).encode()
            headers = {
                "Content-Type": "application/json",
                "X-Hub-Signature-256": whatsapp.sign(body, hosts.SECRET),
            }
            seen, began = len(graph.requests), time.perf_counter()
            try:
                line.request("POST", "/webhooks/whatsapp/", body, headers)
                line.getresponse().read()
            except (OSError, http.client.HTTPException):
                line.close()  # the server ends a line after some requests
                continue
            arrived = _arrival(graph, seen, customer, patience=8.0)
            lost += not arrived
            if arrived and n >= 20:
                taken.append((arrived - began) * 1000)
            time.sleep(0.03)
        line.close()
    more = {"messages": len(taken), "lost": lost}
    yield Figure("e2e_p50_ms", statistics.median(taken), "ms", 40.0, more=more)
    yield Figure("e2e_p99_ms", percentile(taken, 0.99), "ms", 80.0, more=more)


def _arrival(graph: whatsapp.Graph, seen: int, customer: str, *, patience: float) -> float:
    """Return when the answer to this customer came, 0 if it did not."""
    until = time.perf_counter() + patience
    while time.perf_counter() < until:
        for request in graph.requests[seen:]:
            if request["json"].get("to") == customer:
                return float(request["at"])
        time.sleep(0.002)
    return 0.0


def memory() -> Iterator[Figure]:
    """Proportional memory of every process of `make run` after some work, PostgreSQL's too."""
    with open_town("memory") as town:
        spaces = stock.make(town.host, ["shop"])
        town.start()
        town.warm(spaces, rounds=40)
        total = 0.0
        sizes = memory_of(town)
        if "postgres" not in sizes:
            note("PostgreSQL is not ours: its memory is not counted")
        for name, size in sizes.items():
            total += size
            yield Figure(f"memory_{name}_mb", size, "MB")
    yield Figure("memory_total_mb", total, "MB", 1024.0)


def memory_of(town: Town) -> dict[str, float]:
    """Return the megabytes (PSS) of each process with its children, and of the servers."""
    sizes = {name: sum(map(_pss, tree)) for name, tree in town.host.trees().items()}
    for name in ("postgres", "redis-server"):
        ours = [p for p in psutil.process_iter(["name"]) if p.info["name"] == name and _is_ours(p)]
        if ours:
            sizes[name] = sum(map(_pss, ours))
    return sizes


def _is_ours(process: psutil.Process) -> bool:
    """Started by us or by the launcher above us, not by somebody else on this machine."""
    try:
        above = {p.pid for p in (psutil.Process(), *psutil.Process().parents()) if p.pid != 1}
        return any(parent.pid in above for parent in process.parents())
    except psutil.Error:
        return False


def _pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.Error:
        return 0.0
