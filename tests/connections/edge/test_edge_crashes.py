"""The front door killed and ended in the middle: what was acknowledged is stored."""

import json
import os
import signal
import time

import pytest

from tests import whatsapp
from tests.bench import load
from tests.connections.edge.doors import (
    Edge,
    Posting,
    children,
    edge,
    end_hard,
    held_table,
    kept,
    wait_for_held_store,
)
from tests.house import House, _connects, wait_until

pytestmark = pytest.mark.processes


def plan(url: str, secret: str, name: str, *, count: int, retries: bool = False) -> load.Plan:
    bodies = [
        (f"{name}-{n:05d}", json.dumps(whatsapp.status(f"{name}-{n:05d}", "sent")).encode())
        for n in range(count)
    ]
    return load.Plan(
        url=url,
        secret=secret,
        bodies=bodies,
        clients=16,
        rate=1_500,
        retries=retries,
        give_up_seconds=30 if retries else 2,
    )


def test_after_kill_9_of_one_process_everything_acknowledged_is_stored(
    house: House, wamid: str
) -> None:
    house.start("edge")
    try:
        supervisor = house.processes["edge"].pid
        wait_until(lambda: len(children(supervisor)) == 2, "two processes serve")
        before = children(supervisor)
        handle = load.start(plan(house.webhook_url, house.secret, wamid, count=3_000, retries=True))
        wait_until(lambda: len(acked_rows(house, wamid)) > 300, "the load is under way")

        end_hard(before[0])
        report = handle.result()
        wait_until(
            lambda: len(children(supervisor)) == 2 and children(supervisor) != before,
            "the supervisor started another one",
        )
        after = house.webhook(whatsapp.text("hi", wamid=f"{wamid}.after"))
    finally:
        house.kill("edge")

    assert sorted(report.acked) == [f"{wamid}-{n:05d}" for n in range(3_000)]
    assert sorted(acked_rows(house, wamid)) == sorted(report.acked)
    assert after == 200


def test_after_kill_9_of_all_everything_acknowledged_is_stored(house: House, wamid: str) -> None:
    with edge(house) as only:
        handle = load.start(
            plan(f"{only.url}/webhooks/whatsapp/", house.secret, wamid, count=1_500)
        )
        wait_until(lambda: len(acked_rows(house, wamid)) > 300, "the load is under way")
        only.process.kill()
        report = handle.result()

    assert 0 < len(report.acked) < 1_500
    assert set(report.acked) <= set(acked_rows(house, wamid))


def test_at_sigterm_what_is_in_hand_is_stored_and_acknowledged(house: House, wamid: str) -> None:
    with edge(house, EDGE_PATIENCE_SECONDS="30") as ending:
        with held_table(house):
            postings = [
                Posting(ending, whatsapp.text("hi", wamid=f"{wamid}-{n}")) for n in range(5)
            ]
            wait_for_held_store(house)
            wait_until(lambda: _established(ending) >= 5, "all five stand in the door")
            ending.process.send_signal(signal.SIGTERM)
            wait_until(
                lambda: not _connects(ending.port),
                "nobody new is let in",
            )
            was_alive = ending.process.poll() is None

        answers = [posting.wait().status for posting in postings]
        ending.process.wait(20)

    assert was_alive
    assert answers == [200] * 5
    assert kept(house, *(f"{wamid}-{n}" for n in range(5))) == [f"{wamid}-{n}" for n in range(5)]
    assert len(ending.lines("connections.edge.closed")) == 1


def test_sigterm_under_load_loses_nothing(house: House, wamid: str) -> None:
    with edge(house) as ending:
        handle = load.start(
            plan(f"{ending.url}/webhooks/whatsapp/", house.secret, wamid, count=1_500)
        )
        wait_until(lambda: len(acked_rows(house, wamid)) > 300, "the load is under way")
        ending.terminate()
        report = handle.result()

    assert set(report.acked) == set(acked_rows(house, wamid))


def acked_rows(house: House, name: str) -> list[str]:
    return [
        row[0]
        for row in house.sql(
            f"SELECT subject FROM connections_inboundevent WHERE subject LIKE '{name}-%'"
        )
    ]


def _established(door: Edge) -> int:
    """Return how many lines a door's process has open to its clients."""
    inodes = set()
    for name in os.listdir(f"/proc/{door.process.pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{door.process.pid}/fd/{name}"))
        except OSError:
            time.sleep(0)
    count = 0
    with open(f"/proc/{door.process.pid}/net/tcp") as table:
        for line in list(table)[1:]:
            fields = line.split()
            is_ours = f"socket:[{fields[9]}]" in inodes
            count += is_ours and fields[3] == "01" and fields[1].endswith(f":{door.port:04X}")
    return count
