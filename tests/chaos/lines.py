"""Linked phones: every part killed at random moments while customers write; who was answered?

Each customer writes once, on the local WhatsApp server, to one of a few linked numbers. At the
end each has exactly one answer, however often the bridge, Backroom's own processes and PostgreSQL
were taken away meanwhile.
"""

import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import stock
from tests.bench.figure import Figure
from tests.bench.stock import Space
from tests.bench.town import note
from tests.hosts import Host, environment, known
from tests.house import free_port
from tests.servers import Postgres, Redis

MESSAGES, FAULTS = 500, 20
PER_SECOND = 2.5
# A line whose process was killed is another's after its lease, and what is unknown then is tried
# again after half a minute; the machine is busy.
PATIENCE_SECONDS = 180.0
# Each about as often: the bridge, one of Backroom's own processes, the database.
_OWN = ("edge", "worker", "sender", "bulk", "web")
_NUMBERS = 4
_QUESTIONS = ("how much is delivery to Ikeja?", "what time do you open?", "can I return fabric?")
# What WhatsApp's own pace would stretch to half an hour.
UNPACED = {
    "LINKED_DEVICE_GAP_MS": "0,0",
    "LINKED_DEVICE_TYPING_MS": "0,0",
    "BRIDGE_TEXTS_PER_MINUTE": "10000",
}

_BEGIN = """
import json
from connections import lifecycle
from lib import clock
from workspaces import registry, scope
made = []
for slug in {slugs!r}:
    space = registry.by_slug(slug)
    with scope.workspace(space):
        made.append(lifecycle.create_connection(workspace=space, actor=None, now=clock.now()).pk)
print(json.dumps(made))
"""


@dataclass
class Lines:
    """A house whose numbers are linked phones, with servers that may be taken away."""

    host: Host
    postgres: Postgres
    spaces: list[Space]
    phones: list[str]


@dataclass
class Told:
    """What customers got."""

    asked: dict[str, tuple[str, float]] = field(default_factory=dict)  # customer: (account, when)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    duplicates: int = 0
    slowest_seconds: float = 0.0


@contextmanager
def open_lines(settings: dict[str, str], *, numbers: int = _NUMBERS) -> Iterator[Lines]:
    """Yield a whole house with so many linked numbers, each of a workspace of its own."""
    folder = Path(tempfile.mkdtemp(prefix="backroom-lines-"))
    postgres, redis = Postgres(folder), Redis(folder)
    host = Host(
        folder / "host",
        environment(
            folder,
            database_url=postgres.url,
            redis_url=redis.url,
            simulator_url=f"http://127.0.0.1:{free_port()}",
            **settings,
        ),
    )
    try:
        postgres.start()
        redis.start()
        host.manage("migrate", "--noinput", "-v0")
        host.start("simulator")
        spaces = stock.make(host, [f"shop-{n}" for n in range(numbers)])
        host.start(*(name for name in known() if name != "simulator"))
        phones = [f"23480200{n:05d}" for n in range(numbers)]
        for phone, space in zip(phones, spaces, strict=True):
            host.whatsapp.add_account(phone, name=space.slug)
        link(host, spaces, phones)
        yield Lines(host, postgres, spaces, phones)
    finally:
        host.stop()
        redis.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def link(host: Host, spaces: list[Space], phones: list[str]) -> None:
    """Link a phone to each workspace, and wait until all are connected."""
    made = host.script(_BEGIN.format(slugs=[space.slug for space in spaces]))
    for connection, phone in zip(made, phones, strict=True):
        until = time.monotonic() + 60
        while not (rows := _shown(host, connection)) and time.monotonic() < until:
            time.sleep(0.1)
        if not rows:
            raise RuntimeError(f"No QR code was shown.\n{host.log('bridge')[-3000:]}")
        scan = host.whatsapp.scan(phone, rows[0][0])
        if scan.outcome != "linked":
            raise RuntimeError(f"The phone says: {scan.say}")
    until = time.monotonic() + 60
    while (count := connected(host)) < len(phones):
        if time.monotonic() > until:
            raise RuntimeError(f"{count} of {len(phones)} numbers are connected.")
        time.sleep(0.1)


def connected(host: Host) -> int:
    """Return how many linked numbers are connected."""
    rows = host.sql(
        "SELECT count(*) FROM connections_connection"
        " WHERE provider = 'linked_device' AND state = 'connected'"
    )
    return int(rows[0][0])


def _shown(host: Host, connection: int) -> list[tuple[str]]:
    return host.sql(
        "SELECT pairing->>'value' FROM connections_linkedsession WHERE pairing IS NOT NULL"
        " AND linked_serial = link_serial AND connection_id = %s",
        [connection],
    )


def figures(*, messages: int = MESSAGES, faults: int = FAULTS, seed: int = 4) -> Iterator[Figure]:
    """Let customers write while parts die, and yield what became of their messages."""
    chance = random.Random(seed)  # noqa: S311 - the same moments again
    note("== lines")
    with open_lines(UNPACED) as lines:
        told = Told()
        over = threading.Event()
        writer = threading.Thread(target=_write, args=(lines, told, messages, over), daemon=True)
        writer.start()
        killed = list(_break(lines, chance, faults, messages / PER_SECOND))
        writer.join(messages / PER_SECOND + 120)
        _wait(lines, told)
        count(lines, told)
        if told.lost:
            _explain(lines, told)
        note("taken away: " + ", ".join(killed))
    more = {"case": "lines", "messages": len(told.asked), "faults": len(killed)}
    yield Figure("chaos_lost", len(told.lost), "messages", 0.0, more=more)
    yield Figure("chaos_answered_twice", len(told.twice), "messages", 0.0, more=more)
    yield Figure(
        "chaos_slowest_seconds", told.slowest_seconds, "s", more={**more, "killed": killed}
    )
    yield Figure("chaos_provider_duplicates", told.duplicates, "messages", more=more)


def _write(lines: Lines, told: Told, messages: int, over: threading.Event) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        for n in range(messages):
            time.sleep(max(0.0, began + n / PER_SECOND - time.monotonic()))
            account, customer = lines.phones[n % len(lines.phones)], f"2347{n:09d}"
            told.asked[customer] = (account, time.time())
            pool.submit(
                lines.host.whatsapp.customer_writes,
                customer,
                to=account,
                text=_QUESTIONS[n % len(_QUESTIONS)],
                hides_phone=n % 3 == 0,
            )
    over.set()


def _break(lines: Lines, chance: random.Random, faults: int, seconds: float) -> Iterator[str]:
    """Take something away at random moments; yield what it was."""
    moments = sorted(chance.uniform(2.0, seconds) for _ in range(faults))
    deck = [("bridge", chance.choice(_OWN), "postgres")[n % 3] for n in range(faults)]
    chance.shuffle(deck)
    began = time.monotonic()
    for moment, name in zip(moments, deck, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if name == "postgres":
            lines.postgres.stop(signal.SIGQUIT)
            time.sleep(1.0)
            lines.postgres.start()
        else:
            lines.host.kill(name)
        yield name


def _wait(lines: Lines, told: Told) -> None:
    """Wait until every customer has an answer, or none has come for a long time."""
    lines.host.wait_until_whole()
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if all(_answers(lines, customer) for customer in told.asked):
            break
        time.sleep(2.0)
    time.sleep(5.0)  # a second answer would come now


def _answers(lines: Lines, customer: str) -> list[dict[str, object]]:
    account = lines.phones[int(customer[4:]) % len(lines.phones)]
    found: list[dict[str, object]] = lines.host.whatsapp.chat(customer, of=account)["received"]
    return found


def count(lines: Lines, told: Told) -> None:
    """Count what customers' phones show: by the ids of messages, as a phone does."""
    for customer, (_, _) in told.asked.items():
        got = _answers(lines, customer)
        ids = {str(one.get("id")) for one in got}
        told.duplicates += len(got) - len(ids)
        if not got:
            told.lost.append(customer)
        if len(ids) > 1:
            told.twice.append(customer)
    rows = lines.host.sql(
        "SELECT coalesce(max(extract(epoch FROM j.settled_at - j.created_at)), 0)::float8"
        " FROM connections_outboundjob j WHERE j.state = 'accepted' AND j.kind = 'text'"
    )
    told.slowest_seconds = float(rows[0][0])


def _explain(lines: Lines, told: Told) -> None:
    inbox = lines.host.sql(
        "SELECT kind, state, count(*) FROM connections_inboundevent"
        " WHERE provider = 'linked_device' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    jobs = lines.host.sql(
        "SELECT kind, state, error_code, vendor_code, count(*) FROM connections_outboundjob"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2"
    )
    sent = [lines.host.whatsapp.chat(c, of=told.asked[c][0])["sent"] for c in told.lost[:3]]
    note(f"lost: {told.lost[:10]}; inbox {inbox}; outbox {jobs}; sent {sent}")
