"""The window of calls: many at once, recorded together, and nothing of it lost."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.db import connection as database

from connections import leases, orphans, outbox, recording, sender
from connections.models import Connection, InboundEvent, OutboundJob
from lib import clock
from tests.connections.sends import now_is, put
from tests.messaging.conftest import Way
from workspaces import scope

State = OutboundJob.State
Answer = tuple[int, dict[str, Any]]


def accepted(wamid: str) -> Answer:
    return 200, {"messages": [{"id": wamid}]}


def in_thread(work: Any) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            database.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(condition: Any, *, seconds: float = 10) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.02)


def states(way: Way) -> list[str]:
    with scope.workspace(way.space):
        return list(OutboundJob.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def _unstopped() -> Iterator[None]:
    yield
    sender._stopping.clear()


@pytest.mark.django_db
def test_many_calls_are_open_at_once_and_one_for_a_conversation(way: Way) -> None:
    open_now, most = set(), []
    lock = threading.Lock()

    def answer_for(n: int) -> Any:
        def answer() -> Answer:
            with lock:
                open_now.add(n)
                most.append(len(open_now))
            time.sleep(0.1)
            with lock:
                open_now.discard(n)
            return accepted(f"wamid.{n}")

        return answer

    way.api.answers += [answer_for(n) for n in range(12)]
    for n in range(12):
        put(way, f"m{n}", talk=f"t{n % 4}")

    sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    texts = [m["text"]["body"] for m in way.api.messages]
    assert max(most) == 4
    for talk in range(4):
        mine = [t for t in texts if int(t.removeprefix("text m")) % 4 == talk]
        assert mine == sorted(mine, key=lambda t: int(t.removeprefix("text m")))
    assert len(texts) == 12


@pytest.mark.django_db
def test_the_window_bounds_what_one_number_may_have_open(way: Way, settings: Any) -> None:
    settings.SEND_IN_FLIGHT = 3
    gate, open_now, most = threading.Lock(), [0], [0]

    def answer() -> Answer:
        with gate:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
        time.sleep(0.05)
        with gate:
            open_now[0] -= 1
        return accepted("wamid.X")

    way.api.answers += [answer] * 9
    for n in range(9):
        put(way, f"m{n}", talk=f"t{n}")

    sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    assert most[0] == 3
    assert states(way) == [State.ACCEPTED] * 9


def test_a_slow_call_holds_nobody_up(committed_way: Way) -> None:
    way = committed_way
    may_answer = threading.Event()

    def slowly() -> Answer:
        may_answer.wait(10)
        return accepted("wamid.SLOW")

    way.api.answers.append(slowly)
    slow = put(way, "slow", talk="slow")
    thread = in_thread(lambda: sender.serve(workspace=way.space, connection_id=way.connection.pk))
    until(lambda: way.api.count == 1)
    for n in range(5):
        put(way, f"m{n}", talk=f"t{n}")
    # A second wake-up of the same number joins the turn that is running.
    assert sender.serve(workspace=way.space, connection_id=way.connection.pk) is False

    until(lambda: states(way)[1:] == [State.ACCEPTED] * 5)
    state_of_slow = now_is(slow).state
    thread.join(5)
    has_ended = not thread.is_alive()
    may_answer.set()

    assert (state_of_slow, has_ended) == (State.SENDING, True)  # its turn did not wait for it
    until(lambda: now_is(slow).state == State.ACCEPTED)


@pytest.mark.django_db
def test_a_turn_that_is_full_ends_and_says_that_more_waits(
    way: Way, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SEND_IN_FLIGHT = 1
    monkeypatch.setattr(sender, "TURN_SECONDS", 0.05)

    def answer() -> Answer:
        time.sleep(0.03)
        return accepted("wamid.X")

    way.api.answers += [answer] * 20
    for n in range(20):
        put(way, f"m{n}", talk=f"t{n}")

    has_more = sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    assert has_more is True
    assert 0 < states(way).count(State.ACCEPTED) < 20
    assert State.SENDING not in states(way)


@pytest.mark.django_db
def test_what_is_taken_is_recorded_together_with_few_statements(
    way: Way, django_assert_max_num_queries: Any
) -> None:
    for n in range(16):
        put(way, f"m{n}", talk=f"t{n}", message_id=n + 1)
    gate = threading.Barrier(16)

    def answer() -> Answer:
        gate.wait(10)  # all are answered at the same time
        return accepted("wamid.X")

    way.api.answers += [answer] * 16
    with django_assert_max_num_queries(40):
        sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    with scope.workspace(way.space):
        receipts = InboundEvent.objects.filter(kind="receipt")
        assert receipts.count() == 16
        assert {r.payload["data"]["outcome"] for r in receipts if r.payload} == {"sent"}


# --- The database goes away --------------------------------------------------------------------


def cut_backends() -> None:
    """End every backend of this database but our own; back when they are gone."""
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )


def test_what_was_sent_while_the_database_broke_is_recorded_later(committed_way: Way) -> None:
    way = committed_way
    arrived, may_answer = threading.Event(), threading.Event()

    def slowly() -> Answer:
        arrived.set()
        may_answer.wait(10)
        return accepted("wamid.KEPT")

    way.api.answers.append(slowly)
    job = put(way, "m", message_id=7)
    thread = in_thread(
        lambda: sender.send_due(workspace=way.space, connection_id=way.connection.pk)
    )
    assert arrived.wait(5)
    cut_backends()
    with scope.system():  # everybody else takes it for lost meanwhile
        assert orphans.rescue(now=clock.now()) == 1
    assert now_is(job).state == State.UNKNOWN
    may_answer.set()
    thread.join(10)

    assert (now_is(job).state, job.provider_message_id) == (State.ACCEPTED, "wamid.KEPT")
    with scope.workspace(way.space):
        assert InboundEvent.objects.filter(kind="receipt").count() == 1
    assert len(way.api.requests) == 1


@pytest.mark.django_db
def test_receipts_are_tried_until_the_database_answers(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = put(way, "m", message_id=7)
    faults = iter([OperationalError("away"), InterfaceError("away")])
    record = recording.record

    def flaky(**arguments: Any) -> None:
        if arguments["outcomes"] and (fault := next(faults, None)):
            raise fault
        record(**arguments)

    monkeypatch.setattr(recording, "record", flaky)
    monkeypatch.setattr(database, "close", lambda: None)  # the test's own connection

    sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    assert now_is(job).state == State.ACCEPTED
    assert len(way.api.requests) == 1


@pytest.mark.django_db
def test_a_claim_that_was_not_begun_in_time_is_given_back_unsent(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = put(way, "m")
    claim = outbox.claim_batch

    def slow_claim(**arguments: Any) -> Any:
        claimed = claim(**arguments)
        monkeypatch.setattr(sender, "_BEGIN_WITHIN_SECONDS", 10.0 if not claimed.jobs else 0.0)
        return claimed

    monkeypatch.setattr(outbox, "claim_batch", slow_claim)
    sender.send_due(workspace=way.space, connection_id=way.connection.pk, limit=1)

    assert way.api.requests == []
    assert (now_is(job).state, job.attempts) == (State.QUEUED, 0)


# --- SIGTERM -----------------------------------------------------------------------------------


def test_a_stop_waits_for_what_is_in_flight_and_takes_no_more(
    committed_way: Way, settings: Any, _unstopped: None
) -> None:
    settings.SEND_IN_FLIGHT = 2
    way = committed_way
    may_answer = threading.Event()

    def slowly() -> Answer:
        may_answer.wait(10)
        return accepted("wamid.X")

    way.api.answers += [slowly] * 2
    for n in range(5):
        put(way, f"m{n}", talk=f"t{n}")
    thread = in_thread(lambda: sender.serve(workspace=way.space, connection_id=way.connection.pk))
    until(lambda: way.api.count == 2)

    sender.stop()
    time.sleep(0.2)
    is_waiting = thread.is_alive()
    may_answer.set()
    thread.join(5)

    assert is_waiting
    assert states(way) == [State.ACCEPTED] * 2 + [State.QUEUED] * 3
    assert way.api.count == 2
    with scope.workspace(way.space):
        assert set(OutboundJob.objects.filter(state="queued").values_list("attempts")) == {(0,)}


def test_a_claim_whose_news_was_lost_goes_back_in_line(committed_way: Way, settings: Any) -> None:
    # The commit happened, its answer never came: only the process that made it knows nothing.
    settings.SENDER_LEASE_SECONDS = 0.4
    way = committed_way
    lost, held = put(way, "lost", talk="A"), put(way, "held", talk="B")
    leases.begin()
    try:
        until(leases.token)
        with scope.workspace(way.space):
            claimed = outbox.claim_batch(
                workspace=way.space, connection_id=way.connection.pk, limit=5, now=clock.now()
            )
        leases.hold([held.pk])
        leases.doubt()
        until(lambda: now_is(lost).state == State.QUEUED)
    finally:
        leases.let_go([held.pk])
        leases.end()

    assert len(claimed.jobs) == 2
    assert (now_is(lost).attempts, now_is(held).state) == (0, State.SENDING)


def test_a_number_that_is_removed_meanwhile_is_no_error(committed_way: Way) -> None:
    way = committed_way
    put(way, "m")
    with scope.workspace(way.space):
        Connection.objects.filter(pk=way.connection.pk).update(removed_at=clock.now())

    assert sender.serve(workspace=way.space, connection_id=way.connection.pk) is False
    assert way.api.requests == []
