"""The outbox with several senders and sweeps at once. Rows are committed."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection as database
from django.db import transaction

from connections import orphans, sender, sweep
from connections.models import Connection, OutboundJob
from lib import clock
from tests.connections.sends import accept, claim, now_is, put
from tests.messaging.conftest import Way
from workspaces import scope


def together(count: int, work: Callable[[], Any]) -> list[Any]:
    """Run `work` in as many threads, each with a database connection of its own."""
    found: list[Any] = []
    ready = threading.Barrier(count)

    def run() -> None:
        try:
            ready.wait()
            found.append(work())
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_each_send_is_claimed_by_one_sender_only(committed_way: Way) -> None:
    for n in range(24):
        put(committed_way, f"m{n}", talk=f"t{n}")

    def claim_all() -> list[str]:
        keys = []
        while (job := claim(committed_way)) is not None:
            keys.append(job.key)
        return keys

    claimed = [key for keys in together(6, claim_all) for key in keys]

    assert sorted(claimed) == sorted(f"m{n}" for n in range(24))


def test_a_conversation_keeps_its_order_with_many_senders(committed_way: Way) -> None:
    way = committed_way
    for n in range(12):
        put(way, f"m{n}", talk="one")

    def send() -> None:
        for _ in range(12):
            sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    together(4, send)

    assert [m["text"]["body"] for m in way.api.messages] == [f"text m{n}" for n in range(12)]


def test_a_sweep_leaves_a_send_in_flight_alone(committed_way: Way) -> None:
    way = committed_way
    arrived, may_answer = threading.Event(), threading.Event()

    def slowly() -> tuple[int, dict[str, Any]]:
        arrived.set()
        may_answer.wait(10)
        return 200, {"messages": [{"id": "wamid.SLOW"}]}

    way.api.answers.append(slowly)
    job = put(way, "a1")

    def send() -> None:
        try:
            sender.send_due(workspace=way.space, connection_id=way.connection.pk)
        finally:
            database.close()

    thread = threading.Thread(target=send)
    thread.start()
    assert arrived.wait(5)
    for _ in range(3):
        sweep.settle(now=clock.now())
    state_in_flight = now_is(job).state
    may_answer.set()
    thread.join()

    assert state_in_flight == OutboundJob.State.SENDING
    assert (now_is(job).state, job.provider_message_id) == ("accepted", "wamid.SLOW")
    assert len(way.api.requests) == 1


def test_a_send_whose_sender_is_gone_is_found_by_the_next_sweep(committed_way: Way) -> None:
    job = put(committed_way, "a1")
    together(1, lambda: claim(committed_way))  # its connection is closed after the claim
    with scope.system():
        pid = now_is(job).claimed_pid
    started = time.monotonic()
    while pid in orphans._backends() and time.monotonic() - started < 5:
        time.sleep(0.02)

    sweep.settle(now=clock.now())

    assert now_is(job).state == OutboundJob.State.UNKNOWN


def test_a_pause_holds_at_once_also_in_the_middle_of_a_turn(
    committed_way: Way, settings: Any
) -> None:
    settings.SEND_IN_FLIGHT = 1
    way = committed_way

    def pause() -> tuple[int, dict[str, Any]]:
        try:
            with scope.workspace(way.space):
                Connection.objects.update(is_sending=False)
        finally:
            database.close()
        return 200, {"messages": [{"id": "wamid.LAST"}]}

    jobs = [put(way, f"m{n}", talk=f"t{n}") for n in range(4)]
    way.api.answers.append(pause)

    sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    assert [now_is(job).state for job in jobs] == ["accepted", "queued", "queued", "queued"]


def test_an_answer_is_recorded_though_a_status_was_there_in_the_same_moment(
    committed_way: Way,
) -> None:
    way = committed_way
    put(way, "m")
    job = claim(way)
    assert job is not None

    def answer_came() -> bool:
        try:
            return accept(way, job, "wamid.X")
        finally:
            database.close()

    with ThreadPoolExecutor(1) as pool:
        with scope.workspace(way.space), transaction.atomic():
            OutboundJob.objects.filter(pk=job.pk).update(has_status=True)
            answer = pool.submit(answer_came)
            time.sleep(0.3)  # it waits for the row
        was_accepted = answer.result(5)

    assert was_accepted
    assert (now_is(job).state, job.has_status) == (OutboundJob.State.ACCEPTED, True)


def test_a_deep_queue_costs_a_claim_no_more_than_a_short_one(committed_way: Way) -> None:
    # Fresh rows: the database has no statistics about them yet.
    way, now = committed_way, clock.now()
    with scope.workspace(way.space):
        OutboundJob.objects.bulk_create(
            OutboundJob(
                workspace=way.space, connection=way.connection, key=f"m{n}", kind="text",
                conversation_key=f"t{n}", payload={}, created_at=now, due_at=now,
            )
            for n in range(2_000)
        )  # fmt: skip

    started = time.perf_counter()
    claimed = [claim(way) for _ in range(10)]
    elapsed = time.perf_counter() - started

    assert [job.key for job in claimed if job] == [f"m{n}" for n in range(10)]
    assert elapsed < 1
