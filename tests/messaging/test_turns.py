"""Whose turn it is: a flood is worked off in bulk, and whoever else writes is answered first."""

from typing import Any

import pytest
from django.db import OperationalError

from connections import inbox
from lib import clock, jobs
from messaging import desk, drain, tasks
from tests.messaging.asks import ask, inside, sender
from tests.messaging.conftest import Way

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was enqueued: (queue, arguments); marks as with a Redis that works."""
    seen: list[tuple[str, dict[str, Any]]] = []
    marks: set[str] = set()

    def enqueue(name: str, *, queue: str = "interactive", once: str = "", unless: str = "",
                **arguments: Any) -> None:  # fmt: skip
        if name == "messaging.drain" and unless not in marks and once not in marks:
            marks.add(once) if once else None
            seen.append((queue, arguments))

    def begun(once: str, *, unless: str = "") -> bool:
        marks.discard(once)
        return unless not in marks

    monkeypatch.setattr(jobs, "enqueue", enqueue)
    monkeypatch.setattr(jobs, "hold", marks.add)
    monkeypatch.setattr(jobs, "begun", begun)
    return seen


def test_a_flood_is_worked_off_in_bulk_and_wakes_nobody_else(
    way: Way, asked: list[tuple[str, dict[str, Any]]], settings: Any
) -> None:
    settings.DRAIN_BATCH = settings.DRAIN_BULK_BATCH = 2
    lane = inbox.lane_of("message", f"+{sender(0)}")
    for n in range(5):
        ask(way, 0, wamid=f"wamid.{n}")
    queue, arguments = asked.pop()
    assert (queue, asked) == ("interactive", [])

    tasks.drain_workspace(**arguments)
    assert [queue for queue, _ in asked] == ["bulk"]
    ask(way, 0, wamid="wamid.late")  # while it is being worked off
    assert len(asked) == 1
    while asked:
        _, arguments = asked.pop()
        tasks.drain_workspace(**arguments)

    assert not inside(
        way, lambda: inbox.has_due(workspace=way.space, lanes=[lane], now=clock.now())
    )
    ask(way, 0, wamid="wamid.after")
    assert [queue for queue, _ in asked] == ["interactive"]


def test_a_flood_that_comes_as_fast_as_it_is_answered_stays_in_bulk(
    way: Way, asked: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(way, 0)
    _, arguments = asked.pop()
    coming = iter(range(2))

    def meanwhile(seconds: float) -> None:
        assert 0 < seconds < 0.2
        if (n := next(coming, None)) is not None:
            ask(way, 0, wamid=f"wamid.more.{n}")

    monkeypatch.setattr("messaging.tasks.time.sleep", meanwhile)
    monkeypatch.setattr(jobs, "is_light", lambda: True)
    monkeypatch.setattr(jobs, "listed_count", {"bulk": 0}.get)
    queues = []
    tasks.drain_workspace(**{**arguments, "bulk": True})
    while asked:
        queue, arguments = asked.pop()
        queues.append(queue)
        tasks.drain_workspace(**arguments)

    assert queues == ["bulk", "bulk"]
    assert not inside(way, lambda: inbox.has_due(workspace=way.space, now=clock.now()))


@pytest.mark.parametrize("is_light", [True, False])
def test_nobody_waits_for_more_while_others_wait_for_bulk_or_may(
    way: Way,
    asked: list[tuple[str, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    is_light: bool,
) -> None:
    ask(way, 0)
    _, arguments = asked.pop()
    monkeypatch.setattr(jobs, "is_light", lambda: is_light)
    monkeypatch.setattr(jobs, "listed_count", {"bulk": int(is_light)}.get)
    monkeypatch.setattr("messaging.tasks.time.sleep", lambda seconds: pytest.fail("it waited"))

    tasks.drain_workspace(**{**arguments, "bulk": True})

    assert asked == []


def test_what_came_while_a_lane_was_held_is_not_forgotten(
    way: Way, asked: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "listed_count", {"bulk": 1}.get)
    ask(way, 0)
    _, arguments = asked.pop()
    jobs.begun(inbox.line_name(way.space.pk, arguments["lane"]))
    run = drain.run

    def and_then_another(**known: Any) -> drain.Drained:
        done = run(**known)
        ask(way, 0, wamid="wamid.meanwhile")
        monkeypatch.setattr(drain, "run", run)
        return done

    monkeypatch.setattr(drain, "run", and_then_another)
    tasks.drain_workspace(**{**arguments, "bulk": True})

    assert [queue for queue, _ in asked] == ["interactive"]


def test_a_wake_up_that_stood_in_line_leaves_a_flood_to_bulk(
    way: Way, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    ask(way, 0)
    _, arguments = asked.pop()
    inbox.work_off(workspace_id=way.space.pk, lane=arguments["lane"])
    asked.clear()

    tasks.drain_workspace(**arguments)

    assert inside(way, lambda: inbox.has_due(workspace=way.space, now=clock.now()))
    tasks.drain_workspace(**{**arguments, "bulk": True})
    assert not inside(way, lambda: inbox.has_due(workspace=way.space, now=clock.now()))


def test_a_turn_of_bulk_keeps_its_holds_while_it_goes_on(
    way: Way, asked: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it looks up takes seconds when all are at it; others would take the lane meanwhile."""
    ask(way, 0)
    _, arguments = asked.pop()
    steps: list[str] = []
    look_up, take = desk.look_up, inbox.take

    def looks_up(*known: Any) -> Any:
        steps.append("looked up")
        return look_up(*known)

    def takes(**known: Any) -> Any:
        steps.append("took")
        return take(**known)

    monkeypatch.setattr("messaging.drain.look_up", looks_up)
    monkeypatch.setattr(inbox, "take", takes)
    monkeypatch.setattr(jobs, "keep_holds", lambda: steps.append("kept"))

    drain.take_turn(workspace=way.space, lane=arguments["lane"])

    assert steps == ["looked up", "kept", "took", "kept"]


def test_a_lane_whose_turn_of_bulk_breaks_off_is_free_for_others(
    way: Way, asked: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(way, 0)
    _, arguments = asked.pop()
    flood = inbox.line_name(way.space.pk, arguments["lane"], bulk=True)

    def breaks_off(*known: Any, **more: Any) -> None:
        raise OperationalError("terminating connection due to idle-in-transaction timeout")

    monkeypatch.setattr(drain, "_transact", breaks_off)
    with pytest.raises(OperationalError):
        tasks.drain_workspace(**{**arguments, "bulk": True})

    assert jobs.begun("another", unless=flood)


def test_two_threads_of_bulk_do_not_look_up_the_same_lane(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    beside: list[drain.Drained] = []

    def run(**known: Any) -> drain.Drained:
        begun.append(known["lanes"][0])
        if len(begun) == 1:  # while it goes on, others come to it and to the next one
            beside.extend(drain.take_turn(workspace=way.space, lane=lane) for lane in (0, 1))
        return drain.Drained(1, has_more=False)

    monkeypatch.setattr(drain, "run", run)
    done = drain.take_turn(workspace=way.space, lane=0)
    afterwards = drain.take_turn(workspace=way.space, lane=0)

    assert beside == [drain.Drained(0, has_more=False, is_taken=True), done]
    assert (begun, afterwards) == ([0, 1, 0], done)
