"""The measurements, each bounded in count and time."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from tests import whatsapp
from tests.bench import machine
from tests.house import House, wait_until

QUESTION = "what are your opening hours?"


@dataclass(frozen=True)
class Figure:
    """One figure beside its limit; `bar` None means there is none."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = True

    @property
    def is_fine(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def as_line(self) -> dict[str, Any]:
        ratio = round(self.value / self.bar, 3) if self.bar else None
        return {
            "name": self.name, "value": round(self.value, 3), "unit": self.unit,
            "bar": self.bar, "of_bar": ratio, "ok": self.is_fine,
        }  # fmt: skip


def latency(house: House, graph: whatsapp.Graph, *, count: int = 150) -> Iterator[Figure]:
    """From the webhook's first byte to the request at the Graph API, one message at a time."""
    taken: list[float] = []
    for n in range(count):
        sender = f"23490{n:08d}"
        started = time.perf_counter()
        before = len(graph.requests)
        house.webhook(whatsapp.text(QUESTION, wamid=f"wamid.L{n}", sender=sender))
        while len(graph.requests) == before and time.perf_counter() - started < 5:
            time.sleep(0.0005)
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(0.03)
    taken = sorted(taken[10:])
    yield Figure("webhook_to_outbound_p50_ms", statistics.median(taken), "ms", 100)
    yield Figure("webhook_to_outbound_p99_ms", taken[int(len(taken) * 0.99)], "ms", 2000)


def acks(
    house: House, graph: whatsapp.Graph, *, seconds: int = 8, clients: int = 16
) -> Iterator[Figure]:
    """Webhooks acknowledged a second, beside PostgreSQL's own rate of the same insert."""
    house.kill("worker")
    stop = time.monotonic() + seconds
    counts = [0] * clients
    refused = [0] * clients

    def post(k: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", house.web_port, timeout=20)
        n = 0
        while time.monotonic() < stop:
            body = json.dumps(whatsapp.status(f"wamid.ACK{k}-{n}", "sent")).encode()
            headers = {
                "Content-Type": "application/json",
                "X-Hub-Signature-256": whatsapp.sign(body, house.secret),
            }
            try:
                line.request("POST", "/webhooks/whatsapp/", body, headers)
                answer = line.getresponse()
                answer.read()
                counts[k] += answer.status == 200
                refused[k] += answer.status != 200
            except (OSError, http.client.HTTPException):
                line.close()  # the server ends a line after some requests: not an answer
            n += 1
        line.close()

    threads = [threading.Thread(target=post, args=(k,)) for k in range(clients)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = sum(counts) / (time.monotonic() - started)
    stored = house.sql(
        "SELECT count(*) FROM connections_inboundevent WHERE subject LIKE 'wamid.ACK%'"
    )[0][0]
    yield Figure("acks_per_second", rate, "1/s")
    yield Figure("acks_refused", sum(refused), "requests", 0)
    yield Figure("acks_lost", sum(counts) - min(stored, sum(counts)), "updates", 0)
    tps = machine.pgbench_tps(house, clients=clients, seconds=seconds)
    if tps:
        yield Figure("pgbench_same_insert_per_second", tps, "1/s")
        yield Figure("acks_ratio_to_pgbench", rate / tps, "ratio")
    _clear(house)
    house.start("worker")


def _clear(house: House) -> None:
    """Take the flood's statuses out of the line: nobody waits for them."""
    import psycopg

    with psycopg.connect(house.database_url) as connection:
        connection.execute(
            "UPDATE connections_inboundevent SET state = 'done' WHERE subject LIKE 'wamid.ACK%'"
        )


def retrieval(house: House, graph: whatsapp.Graph, *, count: int = 400) -> Iterator[Figure]:
    """Milliseconds of looking a question up among 25 and 500 entries."""
    out = house.manage("shell", "-v0", "-c", _RETRIEVAL % {"count": count}).stdout
    figures = json.loads(out.strip().splitlines()[-1])
    yield Figure("retrieval_25_entries_p50_ms", figures["p50_25"], "ms", 3)
    yield Figure("retrieval_25_entries_p95_ms", figures["p95_25"], "ms", 10)


_RETRIEVAL = """
import json, statistics, time
from faqs import search
from workspaces import registry, scope
space = registry.by_slug("bench")
asked = ["how much is lace", "una dey deliver to abuja", "wat time do u close", "can i return cut fabric",
         "do you sell aso oke for wedding", "who won the world cup", "price of ankara per yard pls"]
with scope.workspace(space):
    search.find(space, "warm up")
    taken = []
    for n in range(%(count)d):
        started = time.perf_counter()
        search.find(space, f"{asked[n %% len(asked)]} {n}")  # never the same text twice: no cache
        taken.append((time.perf_counter() - started) * 1000)
taken.sort()
print(json.dumps({"p50_25": statistics.median(taken), "p95_25": taken[int(len(taken) * 0.95)]}))
"""


def queries(house: House, graph: whatsapp.Graph) -> Iterator[Figure]:
    """Queries that one answered message costs, from webhook to receipt, in a batch of 20."""
    out = house.manage("shell", "-v0", "-c", _QUERIES).stdout
    figures = json.loads(out.strip().splitlines()[-1])
    yield Figure("queries_per_answered_message", figures["queries"], "queries", 60)


_QUERIES = """
import json, time
from django.db import connection
from django.test.client import Client
from django.conf import settings
from connections import sender
from connections.models import Connection
from messaging import drain
from tests import whatsapp
from workspaces import registry, scope
settings.ALLOWED_HOSTS = ["*"]
space = registry.by_slug("bench")
client = Client()
seen = []
def count(execute, sql, params, many, context):
    seen.append(sql)
    return execute(sql, params, many, context)
payload = whatsapp.text("x", wamid="x")
value = payload["entry"][0]["changes"][0]["value"]
value["contacts"] = []
value["messages"] = [{"from": f"23491{n:08d}", "id": f"wamid.Q{time.time()}{n}", "timestamp": str(int(time.time())),
    "type": "text", "text": {"body": "what are your opening hours?"}} for n in range(20)]
from lib import jobs
from django.db import transaction
jobs.enqueue = lambda *a, **k: None
with connection.execute_wrapper(count):
    assert whatsapp.post(client, payload, secret=settings.WHATSAPP_APP_SECRET).status_code == 200
    with scope.workspace(space):
        number = Connection.objects.get().pk
    for _ in range(30):
        more = drain.run(workspace=space).has_more
        if not (sender.send_due(workspace=space, connection_id=number) or more):
            break
print(json.dumps({"queries": len(seen) / 20}))
"""


def memory(house: House, graph: whatsapp.Graph) -> Iterator[Figure]:
    """Proportional memory of every process of `make run`: ours, PostgreSQL and Redis."""
    wait_until(
        lambda: all(p.poll() is None for p in house.processes.values()), "all processes live", house
    )
    total = 0.0
    for name, process in house.processes.items():
        mine = _pss(psutil.Process(process.pid))
        total += mine
        yield Figure(f"memory_{name}_mb", mine, "MB")
    database = sum(
        _own_pss(p)
        for p in psutil.process_iter(["name"])
        if p.info["name"] == "postgres" and _is_ours(p)
    )
    if database:
        yield Figure("memory_postgresql_mb", database, "MB")
    yield Figure("memory_total_mb", total + database, "MB", 1024)


def _is_ours(process: psutil.Process) -> bool:
    try:
        mine = {p.pid for p in psutil.Process().parents()}
        return any(p.pid in mine and p.pid != 1 for p in process.parents())
    except psutil.Error:
        return False


def _pss(process: psutil.Process) -> float:
    return _own_pss(process) + sum(_own_pss(child) for child in process.children(recursive=True))


def _own_pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.Error:
        return 0.0


ALL: dict[str, Callable[[House, whatsapp.Graph], Iterator[Figure]]] = {
    "latency": latency,
    "retrieval": retrieval,
    "queries": queries,
    "memory": memory,
    "acks": acks,
}
