"""The outbox: once per key, in order per conversation; what is due and what is forgotten."""

from datetime import timedelta
from typing import Any

import pytest

from connections import outbox, sweep
from connections.models import Connection, InboundEvent, OutboundJob
from lib import clock
from tests import whatsapp
from tests.connections.sends import accept, claim, fix, key_of, now_is, put
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
State = OutboundJob.State


# --- Putting and claiming ----------------------------------------------------------------------


def test_the_same_key_is_one_send(way: Way) -> None:
    put(way, "message:1")
    put(way, "message:1")

    with scope.workspace(way.space):
        assert OutboundJob.objects.count() == 1


def test_a_conversation_goes_out_in_order_while_others_overtake_it(way: Way) -> None:
    for key, talk in (("a1", "A"), ("a2", "A"), ("b1", "B"), ("a3", "A")):
        put(way, key, talk=talk)

    first = claim(way)
    others = [key_of(claim(way)), key_of(claim(way))]
    assert first is not None
    assert accept(way, first, "w1")

    assert (first.key, others) == ("a1", ["b1", ""])
    assert key_of(claim(way)) == "a2"


def test_a_send_that_waits_to_be_tried_again_holds_its_conversation(way: Way) -> None:
    waits = put(way, "a1", talk="A")
    put(way, "a2", talk="A")
    fix(waits, due_at=clock.now() + timedelta(seconds=30), attempts=1)

    assert claim(way) is None
    assert key_of(claim(way, now=clock.now() + timedelta(seconds=31))) == "a1"


def test_a_send_of_unknown_outcome_does_not_hold_its_conversation(way: Way) -> None:
    fix(put(way, "a1", talk="A"), state=State.UNKNOWN)
    put(way, "a2", talk="A")

    assert key_of(claim(way)) == "a2"


def test_a_send_for_later_waits(way: Way) -> None:
    put(way, "later", not_before=clock.now() + timedelta(minutes=1))

    assert claim(way) is None


@pytest.mark.parametrize(
    "change",
    [{"is_sending": False}, {"slow_until": clock.now() + timedelta(hours=1)}],
)
def test_nothing_is_claimed_on_a_number_that_is_off_or_rests(
    way: Way, change: dict[str, Any]
) -> None:
    put(way, "a1")
    with scope.workspace(way.space):
        Connection.objects.update(**change)

    assert claim(way) is None


def test_nothing_is_claimed_for_a_suspended_workspace(way: Way) -> None:
    put(way, "a1")
    with scope.system():
        Workspace.objects.filter(pk=way.space.pk).update(state="suspended")

    assert claim(way) is None


def test_another_workspace_claims_nothing_of_this_one(way: Way, rival: Workspace) -> None:
    put(way, "a1")

    assert claim(way, space=rival) is None
    with scope.workspace(rival):
        taken = outbox.claim_batch(
            workspace=way.space, connection_id=way.connection.pk, limit=1, now=clock.now()
        )
    assert taken.jobs == []


def test_a_send_can_be_taken_back_until_it_is_tried(way: Way) -> None:
    put(way, "fresh")
    fix(put(way, "tried"), attempts=1)
    fix(put(way, "running"), state=State.SENDING)

    with scope.workspace(way.space):
        done = {
            key: outbox.cancel(workspace=way.space, key=key)
            for key in ("fresh", "tried", "running", "unheard of")
        }

    assert done == {"fresh": True, "tried": False, "running": False, "unheard of": False}


def test_a_moved_send_is_not_moved_again(way: Way) -> None:
    job = put(way, "a1")

    early = accept(way, job, "w")
    with scope.workspace(way.space):
        fix(job, state=State.ACCEPTED)
        late = outbox.mark(job=job, state=State.FAILED, now=clock.now())

    assert (early, late, now_is(job).state) == (False, False, State.ACCEPTED)


@pytest.mark.parametrize("state", [State.DEAD, State.FAILED])
def test_dead_and_failed_sends_can_be_put_back_in_line(way: Way, state: str) -> None:
    fix(job := put(way, "a1"), state=state, attempts=5, settled_at=clock.now())

    with scope.system():
        assert outbox.replay(ids=[job.pk], now=clock.now()) == 1

    assert (now_is(job).state, job.attempts, job.settled_at) == (State.QUEUED, 0, None)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN, State.SENDING, State.QUEUED])
def test_what_may_have_gone_out_is_not_put_back_in_line(way: Way, state: str) -> None:
    fix(job := put(way, "a1"), state=state)

    with scope.system():
        assert outbox.replay(ids=[job.pk], now=clock.now()) == 0


def test_an_erased_send_cannot_be_put_back_in_line(way: Way) -> None:
    fix(job := put(way, "a1"), state=State.DEAD, payload=None)

    with scope.system():
        assert outbox.replay(ids=[job.pk], now=clock.now()) == 0


# --- What is due, and what is forgotten --------------------------------------------------------


def test_the_sweep_finds_what_is_due_and_may_be_sent(way: Way) -> None:
    put(way, "a1", now=clock.now() - timedelta(seconds=5))
    pair = (way.space.pk, way.connection.pk)

    def found() -> bool:
        return pair in sweep.find_due(now=clock.now()).connections

    assert found()
    for change in ({"is_sending": False}, {"slow_until": clock.now() + timedelta(minutes=1)}):
        with scope.workspace(way.space):
            Connection.objects.update(**change)
        assert not found()
        with scope.workspace(way.space):
            Connection.objects.update(is_sending=True, slow_until=None)
    with scope.system():
        Workspace.objects.filter(pk=way.space.pk).update(state="suspended")
    assert not found()


def test_the_sweep_leaves_a_wake_up_its_time(way: Way) -> None:
    way.post(whatsapp.text("hello", wamid="wamid.D"))

    assert not sweep.find_due(now=clock.now()).lanes
    later = clock.now() + timedelta(seconds=2)
    assert [pk for pk, _ in sweep.find_due(now=later).lanes] == [way.space.pk]


def test_after_retention_contents_and_persons_are_gone_and_keys_stay(way: Way) -> None:
    way.say("What time do you open?", wamid="wamid.P1")
    way.post(whatsapp.text("hello", wamid="wamid.P2"))  # not yet drained
    later = clock.now() + timedelta(days=8)

    assert sweep.erase_payloads(now=later, batch=1) >= 2
    assert sweep.erase_payloads(now=later) == 0

    with scope.system():
        done = InboundEvent.objects.get(subject="wamid.P1")
        pending = InboundEvent.objects.get(subject="wamid.P2")
        sent = OutboundJob.objects.get(kind="text")
    assert (done.payload, done.conversation_key, sent.payload, sent.conversation_key) == (
        None, "", None, "",
    )  # fmt: skip
    assert pending.payload is not None
    assert way.post(whatsapp.text("What time do you open?", wamid="wamid.P1")).status_code == 200
    with scope.system():
        assert InboundEvent.objects.filter(subject="wamid.P1").count() == 1


def test_within_retention_nothing_is_forgotten(way: Way) -> None:
    way.say("What time do you open?", wamid="wamid.P1")

    assert sweep.erase_payloads(now=clock.now() + timedelta(days=6)) == 0
