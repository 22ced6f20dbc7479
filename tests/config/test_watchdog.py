"""A worker that has work and gets none done ends; one that waits for somebody else does not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import signals

from config.watchdog import Watchdog
from connections.models import Connection, InboundEvent, OutboundJob
from lib import clock, jobs, progress
from lib.progress import Ear
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db
QUEUES = {"interactive", "send"}
COUNTS = {Ear.TASKS: "queued_count", Ear.LISTS: "listed_count"}


class Time:
    """The process's clock, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Time:
    settings.WATCHDOG_SECONDS = 15
    moved = Time()
    monkeypatch.setattr("config.watchdog.time", moved)
    monkeypatch.setattr("lib.progress.time", moved)
    # The tests' own broker holds what other tests left there.
    for name in COUNTS.values():
        monkeypatch.setattr(jobs, name, lambda queue: 0)
    progress.note()
    return moved


@pytest.fixture
def dog(time: Time) -> Watchdog:
    return Watchdog(name="worker", queues=QUEUES)


def arrive(way: Way, *, seconds_ago: float = 60) -> None:
    at = clock.now() - timedelta(seconds=seconds_ago)
    with scope.system():
        InboundEvent.objects.create(
            workspace=way.space, connection=way.connection, provider="cloud_api", kind="message",
            key=f"k{seconds_ago}", received_at=at, due_at=at,
        )  # fmt: skip


def queue_send(way: Way) -> None:
    at = clock.now() - timedelta(seconds=60)
    with scope.system():
        OutboundJob.objects.create(
            workspace=way.space, connection=way.connection, key="k", kind="text",
            conversation_key="t", payload={}, created_at=at, due_at=at,
        )  # fmt: skip


def watch(dog: Watchdog, time: Time, *, seconds: int, each: Callable[[], object] = int) -> str:
    """Look every three seconds, as a worker does; return the first problem."""
    for _ in range(seconds // 3):
        time.now += 3
        each()
        if problem := dog.look():
            return problem
    return ""


@pytest.mark.parametrize("wait", [arrive, queue_send])
def test_work_that_waits_while_none_is_done_ends_the_worker(
    way: Way, dog: Watchdog, time: Time, wait: Callable[[Way], None]
) -> None:
    wait(way)

    assert watch(dog, time, seconds=12) == ""
    assert watch(dog, time, seconds=30) == "work waits and none is done"


def test_a_worker_that_gets_something_done_goes_on(way: Way, dog: Watchdog, time: Time) -> None:
    arrive(way)

    assert watch(dog, time, seconds=120, each=progress.note) == ""


def test_a_worker_without_work_goes_on(way: Way, dog: Watchdog, time: Time) -> None:
    assert watch(dog, time, seconds=120) == ""


def test_work_of_other_processes_ends_nobody(way: Way, time: Time) -> None:
    arrive(way)

    assert watch(Watchdog(name="sender", queues={"send"}), time, seconds=120) == ""


def test_sends_that_wait_for_a_reason_end_nobody(way: Way, dog: Watchdog, time: Time) -> None:
    queue_send(way)
    with scope.workspace(way.space):
        Connection.objects.update(is_sending=False)

    assert watch(dog, time, seconds=120) == ""


def test_a_database_that_is_away_ends_nobody(
    way: Way, dog: Watchdog, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(way)
    is_away = [True]
    is_pending = dog._is_pending
    monkeypatch.setattr(dog, "_is_pending", lambda: not is_away[0] and is_pending())

    assert watch(dog, time, seconds=120) == ""
    is_away.clear()
    is_away.append(False)
    # It is back, and all that came meanwhile is old: the worker has its whole time for it.
    assert watch(dog, time, seconds=12) == ""


@pytest.mark.parametrize("deaf", Ear)
def test_wake_ups_that_nobody_takes_end_the_worker(
    dog: Watchdog, time: Time, monkeypatch: pytest.MonkeyPatch, deaf: Ear
) -> None:
    monkeypatch.setattr(jobs, COUNTS[deaf], lambda queue: 3)
    (other,) = set(Ear) - {deaf}

    def work_elsewhere() -> None:
        # The sweep does the work meanwhile, seconds late, and the other ear is busy: still this
        # one is deaf.
        progress.note()
        progress.begin(other)
        progress.end(other)

    problem = watch(dog, time, seconds=60, each=work_elsewhere)

    assert problem == "wake-ups lie in the broker and none is taken"


@pytest.mark.parametrize("ear", Ear)
def test_a_worker_that_takes_wake_ups_is_not_deaf(
    dog: Watchdog, time: Time, monkeypatch: pytest.MonkeyPatch, ear: Ear
) -> None:
    monkeypatch.setattr(jobs, COUNTS[ear], lambda queue: 3)

    def take() -> None:
        progress.begin(ear)
        progress.end(ear)

    assert watch(dog, time, seconds=120, each=take) == ""


@pytest.mark.parametrize("ear", Ear)
def test_one_that_has_its_hands_full_is_not_deaf(
    dog: Watchdog, time: Time, monkeypatch: pytest.MonkeyPatch, ear: Ear
) -> None:
    monkeypatch.setattr(jobs, COUNTS[ear], lambda queue: 3)
    progress.begin(ear)

    assert watch(dog, time, seconds=120) == ""

    progress.end(ear)
    assert watch(dog, time, seconds=60) == "wake-ups lie in the broker and none is taken"


def test_one_that_drops_what_is_too_old_is_not_deaf(
    way: Way, dog: Watchdog, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "queued_count", lambda queue: 10_000)
    for _ in range(10):
        time.now += 5
        signals.task_revoked.send(sender=None)
        assert dog.look() == ""
