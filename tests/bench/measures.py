"""The measurements, each bounded in count and time."""

import json
from collections.abc import Iterator

from tests import whatsapp
from tests.bench.figure import Figure
from tests.house import House


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
