"""A worker sends what it has answered itself, as far as its few threads go."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from config import sending
from config.sending import Nearby
from connections import outbox, sender
from connections.models import OutboundJob
from lib import jobs
from tests.connections.sends import now_is, put
from tests.messaging.conftest import Way

pytestmark = pytest.mark.django_db


@pytest.fixture
def nearby(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nearby]:
    # Its threads outlive a test; their connections are not to outlive the test's database.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    one = Nearby()
    yield one
    one._pool.shutdown(wait=True)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def test_what_is_put_here_is_sent_from_here(
    committed_way: Way, nearby: Nearby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_takers", {"connections.send": nearby.take})
    monkeypatch.setattr(jobs, "_send", lambda *_, **__: pytest.fail("the broker was asked"))

    job = put(committed_way, "one")

    wait_for(lambda: now_is(job).state == OutboundJob.State.ACCEPTED)
    assert [m["text"]["body"] for m in committed_way.api.messages] == ["text one"]


def test_who_asks_again_before_it_has_begun_is_answered_by_the_same_turn(
    committed_way: Way, nearby: Nearby, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, turns = threading.Event(), []

    def serve(**known: object) -> bool:
        turns.append(known["connection_id"])
        gate.wait(10)
        return False

    monkeypatch.setattr(sender, "serve", serve)
    space = committed_way.space.pk
    for other in range(sending.THREADS):
        assert nearby.take(connection_id=100 + other, workspace_id=space)
    wait_for(lambda: len(turns) == sending.THREADS)

    took = [nearby.take(connection_id=1, workspace_id=space) for _ in range(3)]
    gate.set()

    assert took == [True, True, True]
    nearby._pool.shutdown(wait=True)
    assert turns.count(1) == 1


def test_what_its_threads_do_not_get_to_is_left_to_the_others(
    committed_way: Way, nearby: Nearby, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(sender, "serve", lambda **_: bool(gate.wait(10)) and False)
    space = committed_way.space.pk
    most = sending.THREADS + sending.MOST_WAITING

    took = []
    for number in range(most + 5):
        took.append(nearby.take(connection_id=number, workspace_id=space))
        time.sleep(0.01)  # the first ones begin
    gate.set()

    assert took == [True] * most + [False] * 5


def test_a_wake_up_that_does_not_say_whose_the_number_is_goes_to_the_others(
    nearby: Nearby,
) -> None:
    assert not nearby.take(connection_id=1)


def test_a_worker_that_is_asked_to_end_leaves_its_last_answers_to_the_others(
    committed_way: Way, nearby: Nearby, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(outbox, "wake", lambda *_, anywhere=False, **__: asked.append(anywhere))
    put(committed_way, "one")
    asked.clear()
    monkeypatch.setattr(sender, "_stopping", threading.Event())
    sender.stop()

    took = nearby.take(connection_id=1, workspace_id=committed_way.space.pk)
    nearby._serve(committed_way.space.pk, committed_way.connection.pk)

    assert not took
    assert asked == [True]


def test_a_worker_that_ends_declines(committed_way: Way, nearby: Nearby) -> None:
    nearby._pool.shutdown(wait=True)

    assert not nearby.take(connection_id=1, workspace_id=committed_way.space.pk)
