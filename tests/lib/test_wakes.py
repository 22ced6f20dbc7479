"""Wake-ups on lists of Redis: in order, at most once in line, bounded."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.commands.core import Script

from lib import events, jobs, wakes

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(own_redis: str) -> Iterator["redis.Redis"]:
    line = redis.Redis.from_url(own_redis)
    yield line
    line.close()


@pytest.fixture
def _light(own_redis: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let wake-ups travel by the test's own Redis."""
    settings.REDIS_URL = own_redis
    monkeypatch.setattr(jobs, "_broker_url", lambda: own_redis)
    jobs._broker.forget()
    jobs._marks.forget()


def wake(number: int) -> wakes.Wake:
    return wakes.Wake(
        "messaging.drain", {"workspace_id": number, "lane": 2}, f"correlation-{number}"
    )


def pop_all(client: "redis.Redis", *queues: str) -> list[int]:
    found = []
    while (one := wakes.pop(client, queues, seconds=1)) is not None:
        found.append(one.arguments["workspace_id"])
    return found


def test_a_wake_up_comes_out_as_it_went_in(client: "redis.Redis") -> None:
    assert wakes.push(client, queue="interactive", wake=wake(7))

    assert wakes.pop(client, ["interactive"], seconds=1) == wake(7)


def test_the_oldest_of_the_first_queue_comes_first(client: "redis.Redis") -> None:
    for number, queue in ((1, "bulk"), (2, "interactive"), (3, "interactive")):
        wakes.push(client, queue=queue, wake=wake(number))

    assert pop_all(client, "interactive", "bulk") == [2, 3, 1]


def test_a_wake_up_waits_in_line_at_most_once(client: "redis.Redis") -> None:
    pushed = [
        wakes.push(client, queue="bulk", wake=wake(1), once="once:x", once_ms=60_000)
        for _ in range(3)
    ]
    client.delete("once:x")
    pushed.append(wakes.push(client, queue="bulk", wake=wake(1), once="once:x", once_ms=60_000))

    assert pushed == [True, False, False, True]
    assert wakes.waiting_count(client, "bulk") == 2


def test_nothing_is_pushed_while_somebody_works_it_off(client: "redis.Redis") -> None:
    unless = ("once:held", "once:by-somebody")
    client.set("once:held", 1)

    half = wakes.push(client, queue="bulk", wake=wake(1), unless=unless)
    client.set("once:by-somebody", 1)
    whole = wakes.push(client, queue="bulk", wake=wake(1), once="once:x", once_ms=9, unless=unless)

    assert (half, whole) == (True, False)
    assert client.exists("once:x") == 0


@pytest.mark.parametrize(
    "marks",
    [
        {},
        {"once": "once:x"},
        {"unless": ["once:y", "once:z"]},
        {"once": "once:x", "unless": ["once:y", "once:z"]},
    ],
)
def test_every_key_that_is_touched_is_named_as_one(
    client: "redis.Redis", monkeypatch: pytest.MonkeyPatch, marks: dict[str, Any]
) -> None:
    meant = ["wakes:bulk", *marks.get("unless", ()), *filter(None, [marks.get("once")])]
    named: list[Any] = []
    call = Script.__call__

    def note(self: Script, *, keys: Any, args: Any) -> Any:
        named.extend(keys)
        assert not {*args} & {*meant}
        return call(self, keys=keys, args=args)

    monkeypatch.setattr(Script, "__call__", note)

    assert wakes.push(client, queue="bulk", wake=wake(1), once_ms=60_000, **marks)

    assert sorted(named) == sorted(meant)
    assert client.exists("once:x") == ("once" in marks)
    assert client.exists("once:y") == 0


def test_nobody_there_to_take_them_does_not_fill_the_memory(
    client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakes, "MOST_WAITING", 3)
    for number in range(10):
        wakes.push(client, queue="bulk", wake=wake(number))

    assert pop_all(client, "bulk") == [7, 8, 9]


@pytest.mark.parametrize(
    "nonsense", [b"", b"\xff", b"{}", b"[1, 2]", b'[1, {}, ""]', b'["a", 3, ""]', b"7"]
)
def test_what_cannot_be_read_is_passed_over(client: "redis.Redis", nonsense: bytes) -> None:
    client.lpush("wakes:bulk", nonsense)

    assert wakes.pop(client, ["bulk"], seconds=1) is None


def test_a_redis_that_has_forgotten_everything_is_told_anew(client: "redis.Redis") -> None:
    wakes.push(client, queue="bulk", wake=wake(1))
    client.script_flush()
    client.flushall()

    assert wakes.push(client, queue="bulk", wake=wake(2))

    assert pop_all(client, "bulk") == [2]


@pytest.mark.usefixtures("_light")
def test_a_job_goes_by_the_list_with_its_correlation_after_the_commit(
    client: "redis.Redis", django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True), events.correlated("c0ffee"):
        for _ in range(2):
            jobs.enqueue("messaging.drain", once="drain:4", workspace_id=4)
        assert wakes.waiting_count(client, "interactive") == 0

    assert jobs.listed_count("interactive") == 1
    assert wakes.pop(client, ["interactive"], seconds=1) == wakes.Wake(
        "messaging.drain", {"workspace_id": 4}, "c0ffee"
    )


@pytest.mark.usefixtures("_light")
def test_what_this_process_takes_needs_no_broker_and_what_it_declines_does(
    client: "redis.Redis", django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[dict[str, Any]] = []

    def take(**arguments: Any) -> bool:
        taken.append(arguments)
        return bool(arguments["connection_id"] == 1)

    monkeypatch.setattr(jobs, "_takers", {})
    jobs.take_here("connections.send", take)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("connections.send", queue="send", connection_id=1)
        jobs.enqueue("connections.send", queue="send", connection_id=2)
        jobs.enqueue("connections.send", queue="send", connection_id=3, anywhere=True)
        assert taken == []

    assert taken == [{"connection_id": 1}, {"connection_id": 2}]
    left = [wakes.pop(client, ["send"], seconds=1) for _ in range(2)]
    assert [one and one.arguments["connection_id"] for one in left] == [2, 3]
