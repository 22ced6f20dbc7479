"""A worker's ears: they do what they hear, outlive a Redis that goes, and end with what they have."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from config.listening import Listener
from lib import events, wakes
from tests.servers import Redis


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    one = Redis(tmp_path)
    one.start()
    settings.REDIS_URL = one.url
    yield one
    one.stop()


class Jobs:
    """Tasks of the test's own, and what became of them."""

    def __init__(self) -> None:
        self.app = Celery("test", broker="memory://", set_as_current=False)
        self.done: list[tuple[int, str]] = []
        self.gate = threading.Event()
        self.gate.set()

        @self.app.task(name="note", shared=False)
        def note(*, number: int, **_: object) -> None:
            self.gate.wait(10)
            self.done.append((number, events.correlation()))

        @self.app.task(name="fail", shared=False)
        def fail(**_: object) -> None:
            raise RuntimeError("on purpose")

    def listener(self, *queues: str, threads: int = 1) -> Listener:
        return Listener(self.app, queues, threads=threads)


@pytest.fixture
def jobs(server: Redis, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    # Tests may not close the connection that they share with nobody's thread.
    monkeypatch.setattr("config.listening.close_old_connections", lambda: None)
    return Jobs()


def push(server: Redis, name: str, number: int = 0, queue: str = "interactive") -> None:
    client = redis.Redis.from_url(server.url)
    wakes.push(client, queue=queue, wake=wakes.Wake(name, {"number": number}, f"c{number}"))
    client.close()


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def listening(jobs: Jobs) -> Iterator[Listener]:
    one = jobs.listener("interactive", "bulk")
    one.start()
    yield one
    one.stop()
    one.join(10)


def test_what_is_heard_is_done_under_the_id_of_who_asked(
    server: Redis, jobs: Jobs, listening: Listener
) -> None:
    push(server, "note", 1)
    push(server, "note", 2, queue="bulk")

    wait_for(lambda: jobs.done == [(1, "c1"), (2, "c2")])


def test_a_job_that_fails_or_is_not_known_keeps_nobody_from_the_next(
    server: Redis, jobs: Jobs, listening: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    push(server, "fail")
    push(server, "nobody.knows")
    push(server, "note", 3)

    wait_for(lambda: jobs.done == [(3, "c3")])
    assert "config.job.failed" in caplog.text


def test_it_listens_on_after_redis_was_away(server: Redis, jobs: Jobs, listening: Listener) -> None:
    server.stop()
    time.sleep(0.7)
    server.start()
    push(server, "note", 4)

    wait_for(lambda: jobs.done == [(4, "c4")])


def test_it_begins_before_redis_is_there(server: Redis, jobs: Jobs) -> None:
    server.stop()
    one = jobs.listener("interactive")
    one.start()
    time.sleep(0.3)
    server.start()
    push(server, "note", 5)

    wait_for(lambda: jobs.done == [(5, "c5")])
    one.stop()
    one.join(10)


def test_who_is_asked_to_end_finishes_what_is_in_hand_and_takes_no_more(
    server: Redis, jobs: Jobs
) -> None:
    jobs.gate.clear()
    one = jobs.listener("interactive")
    one.start()
    push(server, "note", 6)
    push(server, "note", 7)
    client = redis.Redis.from_url(server.url)
    wait_for(lambda: wakes.waiting_count(client, "interactive") == 1)

    one.stop()
    jobs.gate.set()
    one.join(10)

    assert jobs.done == [(6, "c6")]
    assert wakes.waiting_count(client, "interactive") == 1
    client.close()
