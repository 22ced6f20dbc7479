"""Wake-ups: after the commit, by name; a broker that is away costs nobody an answer."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import current_app
from django.db import transaction
from kombu import Connection

from lib import jobs
from tests.lib import sockets

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker_at() -> Iterator[Any]:
    """Point the task queue to another broker for the time of a test."""
    before = current_app.conf.broker_url

    def point(url: str) -> None:
        current_app.conf.update(broker_url=url, broker_write_url=url)
        jobs._broker.forget()

    yield point
    point(before)


def enqueue(count: int = 1) -> float:
    """Enqueue as many wake-ups; return the seconds it took."""
    started = time.perf_counter()
    for _ in range(count):
        with transaction.atomic():
            jobs.enqueue("messaging.drain", workspace_id=1)
    return time.perf_counter() - started


def waiting(queue: str) -> list[Any]:
    """Take what stands in a queue of the in-process broker."""
    found = []
    with Connection("memory://") as connection:
        line = connection.SimpleQueue(queue)
        try:
            while True:
                message = line.get_nowait()
                found.append((message.headers["task"], message.payload[1]))
                message.ack()
        except line.Empty:
            line.close()
    return found


def test_a_job_is_sent_after_the_commit_with_its_arguments(
    django_capture_on_commit_callbacks: Any, broker_at: Any
) -> None:
    broker_at("memory://")
    waiting("housekeeping")

    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("connections.erase_payloads", queue="housekeeping", workspace_id=4)
        assert waiting("housekeeping") == []

    assert waiting("housekeeping") == [("connections.erase_payloads", {"workspace_id": 4})]


def test_a_rolled_back_transaction_sends_nothing(
    django_capture_on_commit_callbacks: Any, broker_at: Any
) -> None:
    broker_at("memory://")
    waiting("housekeeping")

    with (
        django_capture_on_commit_callbacks(execute=True),
        pytest.raises(RuntimeError),
        transaction.atomic(),
    ):
        jobs.enqueue("connections.erase_payloads", queue="housekeeping")
        raise RuntimeError

    assert waiting("housekeeping") == []


def test_a_dead_broker_raises_nothing_and_costs_milliseconds(
    django_capture_on_commit_callbacks: Any, broker_at: Any
) -> None:
    broker_at("redis://127.0.0.1:1/0")

    started = time.perf_counter()
    with django_capture_on_commit_callbacks(execute=True):
        enqueue(100)

    assert time.perf_counter() - started < 1


def test_a_broker_that_hangs_costs_one_caller_a_second_and_the_next_hundred_nothing(
    django_capture_on_commit_callbacks: Any, broker_at: Any
) -> None:
    with sockets.serving(sockets.hangs) as silent:
        broker_at(f"redis://127.0.0.1:{silent.port}/0")

        started = time.perf_counter()
        with django_capture_on_commit_callbacks(execute=True):
            enqueue(100)
        elapsed = time.perf_counter() - started

    assert elapsed < 2
    assert silent.count <= 2


def test_a_broker_that_is_back_is_used_again(
    django_capture_on_commit_callbacks: Any,
    broker_at: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "_AWAY_SECONDS", 0.05)
    monkeypatch.setattr(jobs, "_AWAY_FACTOR", 0)
    broker_at("redis://127.0.0.1:1/0")
    with django_capture_on_commit_callbacks(execute=True):
        enqueue()
    current_app.conf.update(broker_write_url="memory://")
    waiting("interactive")
    time.sleep(0.1)

    with django_capture_on_commit_callbacks(execute=True):
        enqueue()

    assert len(waiting("interactive")) == 1


def test_marks_of_a_server_that_hangs_cost_one_caller_half_a_second(
    django_capture_on_commit_callbacks: Any, broker_at: Any, settings: Any
) -> None:
    broker_at("memory://")
    waiting("interactive")
    with sockets.serving(sockets.hangs) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.port}/0"
        jobs._marks.forget()

        started = time.perf_counter()
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(50):
                jobs.enqueue("messaging.drain", once="drain:1", workspace_id=1)
                jobs.begun("drain:1")
        elapsed = time.perf_counter() - started
    jobs._marks.forget()

    assert elapsed < 1.5
    assert len(waiting("interactive")) == 50


def test_a_wake_up_that_waits_in_line_is_not_sent_again(
    django_capture_on_commit_callbacks: Any, broker_at: Any, settings: Any, own_redis: str
) -> None:
    broker_at("memory://")
    waiting("interactive")
    settings.REDIS_URL = own_redis
    jobs._marks.forget()

    with django_capture_on_commit_callbacks(execute=True):
        for workspace_id in (1, 1, 2, 1):
            jobs.enqueue("messaging.drain", once=f"drain:{workspace_id}", workspace_id=workspace_id)
    first = [arguments["workspace_id"] for _, arguments in waiting("interactive")]
    jobs.begun("drain:1")
    with django_capture_on_commit_callbacks(execute=True):
        for workspace_id in (1, 2):
            jobs.enqueue("messaging.drain", once=f"drain:{workspace_id}", workspace_id=workspace_id)
    second = [arguments["workspace_id"] for _, arguments in waiting("interactive")]

    assert (first, second) == ([1, 2], [1])


def test_what_is_held_is_held_while_somebody_gets_something_done(
    settings: Any, own_redis: str
) -> None:
    settings.REDIS_URL = own_redis
    jobs._marks.forget()
    server = redis.Redis.from_url(own_redis)
    jobs.hold("bulk:1:0")

    before = (jobs.are_holds_kept(), jobs.is_held("bulk:1:0"), jobs.begun("d", unless="bulk:1:0"))
    jobs.keep_holds()
    during = (jobs.are_holds_kept(), jobs.is_held("bulk:1:0"), jobs.begun("d", unless="bulk:1:0"))
    server.delete(jobs._KEPT)  # its time is over
    after = jobs.is_held("bulk:1:0")
    jobs.keep_holds()
    jobs.begun("bulk:1:0")

    assert (before, during, after) == ((False, False, True), (True, True, False), False)
    assert not jobs.is_held("bulk:1:0")
    assert jobs.begun("d", unless="bulk:1:0")
    assert 0 < server.pttl(jobs._KEPT) <= 8_000


def test_a_server_of_marks_that_is_away_holds_nothing_and_keeps_nobody(
    settings: Any, broker_at: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    jobs._marks.forget()

    jobs.keep_holds()

    assert (jobs.is_held("bulk:1:0"), jobs.begun("d", unless="bulk:1:0")) == (False, True)
    assert jobs.are_holds_kept()  # so that a flood goes to `bulk` with another broker
    jobs._marks.forget()


def test_every_name_that_is_enqueued_is_a_task(broker_at: Any) -> None:
    current_app.loader.import_default_modules()

    assert {
        "messaging.drain",
        "messaging.finish_choices",
        "messaging.hand_back",
        "connections.send",
        "connections.erase_payloads",
        "ai.choose",
        "workspaces.mail_notice",
    } <= set(current_app.tasks)
