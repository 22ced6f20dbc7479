"""Without any broker, every worker's own sweep does what is due."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections

from ai import choosing
from ai.models import Call
from config.sweeper import Sweeper
from connections import inbox
from connections.models import InboundEvent, OutboundJob
from faqs import search
from lib import clock, jobs
from messaging import drain, inbound
from messaging.models import BotSettings, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"


@pytest.fixture
def sweeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sweeper]]:
    # Its threads outlive a test; their connections are not to outlive the test's database.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    made: list[Sweeper] = []

    def make(*queues: str) -> Sweeper:
        made.append(Sweeper(set(queues)))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def arrive(way: Way, wamid: str = "wamid.1", text: str = QUESTION) -> None:
    """Let a message come in some seconds ago, whose wake-up got lost."""
    payload = whatsapp.text(text, wamid=wamid, number_id=way.connection.external_id)
    assert way.post(payload).status_code == 200
    with scope.system():
        InboundEvent.objects.filter(subject=wamid).update(due_at=clock.now() - timedelta(seconds=3))


def sweep_until(one: Sweeper, condition: Callable[[], bool], seconds: float = 10) -> bool:
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        one.sweep()
        if condition():
            return True
        time.sleep(0.1)
    return False


def is_sent(way: Way) -> Callable[[], bool]:
    def asked() -> bool:
        with scope.workspace(way.space):
            return Message.objects.filter(direction="out", status="sent").exists()

    return asked


def test_a_stored_message_is_answered_without_a_broker(
    committed_way: Way, sweeper: Callable[..., Sweeper]
) -> None:
    way = committed_way
    arrive(way)
    drains, sends = sweeper("interactive", "housekeeping"), sweeper("send")
    started = time.monotonic()

    def both() -> bool:
        sends.sweep()
        return is_sent(way)()

    assert sweep_until(drains, both)

    assert time.monotonic() - started < 8
    assert [m["text"]["body"] for m in way.api.messages] == [
        "We open 9am to 6pm, Monday to Saturday."
    ]


def test_a_model_that_never_answers_is_given_up_by_the_sweep(
    committed_way: Way, sweeper: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    way = committed_way
    with scope.workspace(way.space):
        BotSettings.objects.update(uses_ai=True)
    look = search.look

    def unsure(*args: Any, **known: Any) -> list[search.Finding]:
        return [
            replace(found, decision="menu", answers=(), offered=found.shown)
            for found in look(*args, **known)
        ]

    monkeypatch.setattr(search, "look", unsure)
    arrive(way)
    drain.run(workspace=way.space)
    with scope.workspace(way.space):
        Call.objects.update(deadline_at=clock.now() - timedelta(seconds=1))
    with scope.system():
        assert way.space.pk in choosing.find_late(now=clock.now())

    one = sweeper("interactive")

    def is_offered() -> bool:
        with scope.workspace(way.space):
            return OutboundJob.objects.filter(message_id__isnull=False).exists()

    assert sweep_until(one, is_offered)


def test_a_workspace_in_trouble_keeps_no_other_from_its_turn(
    committed_way: Way, sweeper: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    way = committed_way
    arrive(way)
    handle = inbound.handle_all

    def breaks_once(*args: Any, **known: Any) -> None:
        monkeypatch.setattr(inbound, "handle_all", handle)
        raise OperationalError("the database went away")

    monkeypatch.setattr(inbound, "handle_all", breaks_once)

    assert sweep_until(sweeper("interactive", "send"), is_sent(way))


def test_a_sweeper_that_stopped_takes_no_more_work(
    committed_way: Way, sweeper: Callable[..., Sweeper]
) -> None:
    one = sweeper("interactive", "send")
    one.stop()
    arrive(committed_way)

    one.sweep()
    time.sleep(0.3)

    assert not is_sent(committed_way)()


def is_done(way: Way) -> bool:
    with scope.workspace(way.space):
        return Message.objects.filter(direction="out").exists()


@pytest.fixture
def marks(own_redis: str, settings: Any) -> Iterator[None]:
    settings.REDIS_URL = own_redis
    jobs._marks.forget()
    yield
    jobs._marks.forget()


@pytest.mark.django_db(transaction=True)
def test_a_lane_whose_holder_died_is_worked_off_and_free_again(
    committed_way: Way, sweeper: Callable[..., Sweeper], marks: None
) -> None:
    way = committed_way
    lane = inbox.lane_of("message", "+2348061112222")
    bulk = sweeper("housekeeping", "bulk")
    bulk.sweep()  # nothing to do: it lives
    inbox.work_off(workspace_id=way.space.pk, lane=lane)  # and its wake-up is lost
    arrive(way)
    assert inbox.is_worked_off(way.space.pk, lane)

    assert sweep_until(sweeper("interactive"), lambda: is_done(way), seconds=0.5) is False
    assert sweep_until(bulk, lambda: is_done(way))

    assert sweep_until(bulk, lambda: not inbox.is_worked_off(way.space.pk, lane), seconds=3)


def test_where_bulk_gets_nothing_done_workers_go_on_with_a_flood(
    way: Way, marks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        jobs, "enqueue", lambda name, queue="interactive", **rest: asked.append(queue)
    )

    inbox.work_off(workspace_id=way.space.pk, lane=0)
    jobs.keep_holds()
    inbox.work_off(workspace_id=way.space.pk, lane=0)

    assert asked == ["interactive", "bulk"]
