"""Sending: what each answer of WhatsApp does to the message, the number and the owner."""

import time
from datetime import timedelta
from typing import Any

import pytest

from billing import metering, meters, plans
from connections import manager, outbox, sender
from connections.events import OutboundKind
from connections.models import Connection, InboundEvent, OutboundJob
from connections.providers import cloud_error_table
from lib import clock
from messaging import drain
from messaging.models import Conversation, Message
from tests import whatsapp
from tests.connections.sends import fix, now_is, put
from tests.lib import sockets
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Notice, Workspace

pytestmark = pytest.mark.django_db
State = OutboundJob.State


@pytest.fixture(autouse=True)
def _one_at_a_time(settings: Any) -> None:
    """Each answer meets the message that it is meant for."""
    settings.SEND_IN_FLIGHT = 1


def send(way: Way, **options: Any) -> bool:
    return sender.send_due(workspace=way.space, connection_id=way.connection.pk, **options)


def number(way: Way) -> Connection:
    with scope.workspace(way.space):
        return Connection.objects.get(pk=way.connection.pk)


def set_number(way: Way, **values: Any) -> None:
    with scope.workspace(way.space):
        Connection.objects.filter(pk=way.connection.pk).update(**values)


def notices(way: Way) -> list[str]:
    with scope.workspace(way.space):
        return list(Notice.objects.values_list("text", flat=True))


def texts(way: Way) -> list[str]:
    return [m["text"]["body"] for m in way.api.messages]


def reply_of(way: Way) -> Message:
    with scope.workspace(way.space):
        return Message.objects.select_related("conversation").get(direction="out")


# --- Every code of WhatsApp's table ------------------------------------------------------------

AGAIN = "again"  # later, by ourselves
OFF = "off"  # the number is switched off, the message waits, the owner is told
TOLD = "told"  # final for this message, the owner is told
FINAL = "final"
WHAT_TO_DO = {
    AGAIN: (1, 2, 131000, 131016, 133004, 131057, 4, 80007, 130429, 131056),
    OFF: (0, 190, 3, 10, 200, 250, 299, 131005, 131031, 131042, 131045, 133010, 368),
    TOLD: (131048, 131030, 131037, 130497, 132015, 132016, 132068, 132069, 33,
           133005, 133008, 133009, 133006, 133015, 133016, 2593107, 2593108),
    FINAL: (131049, 131050, 130472, 131026, 131047, 131021, 131051, 131052, 131053, 100, 131008,
            131009, 131062, 132000, 132001, 132005, 132007, 132012, 135000),
}  # fmt: skip
RESTS = {131057, 4, 80007, 130429, 131048}  # the whole number rests, not this message alone


def test_every_code_of_the_table_is_expected_here() -> None:
    ranges = set(range(200, 300))
    expected = {code for codes in WHAT_TO_DO.values() for code in codes}

    assert set(cloud_error_table.RULES) - ranges == expected - ranges


@pytest.mark.parametrize("what", WHAT_TO_DO)
def test_each_code_leads_to_its_action(way: Way, what: str) -> None:
    for code in WHAT_TO_DO[what]:
        set_number(way, is_sending=True, slow_until=None, state="connected", state_code="")
        with scope.workspace(way.space):
            Notice.objects.all().delete()
        job = put(
            way, f"e{code}", talk=f"t{code}", message_id=10**9 + code,
            expires_at=clock.now() + timedelta(hours=1),
        )  # fmt: skip
        way.api.refuse(code, status=401 if code in (0, 190) else 400)

        send(way)

        now_is(job)
        is_off = not number(way).is_sending
        is_resting = number(way).slow_until is not None
        found = (
            (OFF if is_off else AGAIN)
            if job.state == State.QUEUED
            else (TOLD if notices(way) else FINAL)
            if job.state == State.FAILED
            else job.state
        )
        assert (code, found) == (code, what)
        assert (code, is_resting) == (code, code in RESTS)
        assert (code, bool(notices(way))) == (code, what in (OFF, TOLD))
        assert job.vendor_code == str(code)
        fix(job, state=State.FAILED)


# --- What it means for the message -------------------------------------------------------------


def test_a_lost_access_stops_the_number_and_the_message_goes_after_reconnecting(way: Way) -> None:
    way.api.refuse(190, status=401)
    way.say("What time do you open?", wamid="wamid.A1")
    assert (number(way).is_sending, number(way).state) == (False, "logged_out")
    assert "Connect the number again" in notices(way)[0]
    assert reply_of(way).status == "queued"
    way.work()
    assert len(way.api.requests) == 1

    with scope.workspace(way.space):
        manager.add(
            workspace=way.space, provider="cloud_api", phone="+15550783881",
            external_id=whatsapp.NUMBER_ID, account_id=whatsapp.ACCOUNT_ID,
            secrets={"access_token": "fresh"}, actor=None, now=clock.now(), is_verified=True)  # fmt: skip
    way.work()

    assert way.api.requests[-1]["auth"] == "Bearer fresh"
    assert reply_of(way).status == "sent"
    assert number(way).state == "connected"


def test_the_owner_is_told_once_a_day_however_many_messages_fail(way: Way) -> None:
    way.api.refuse(131030, times=3)
    for n in range(3):
        put(way, f"m{n}", talk=f"t{n}")
    send(way)

    assert len(notices(way)) == 1


def test_a_pair_limit_slows_this_customer_only(way: Way) -> None:
    put(way, "a1", talk="A")
    put(way, "a2", talk="A")
    put(way, "b1", talk="B")
    way.api.refuse(131056)

    send(way)

    assert texts(way)[1:] == ["text b1"]
    assert number(way).slow_until is None


def test_a_speed_limit_lets_the_number_rest_and_then_everything_goes_at_once(way: Way) -> None:
    for n in range(6):
        put(way, f"m{n}", talk=f"t{n}")
    way.api.refuse(130429)
    send(way)
    assert len(way.api.requests) == 1
    resting_until = number(way).slow_until
    assert resting_until is not None and resting_until > clock.now()

    set_number(way, slow_until=clock.now() - timedelta(seconds=1))
    with scope.workspace(way.space):
        OutboundJob.objects.update(due_at=clock.now())
    has_more = send(way)

    assert sorted(texts(way)[1:]) == [f"text m{n}" for n in range(6)]
    assert has_more is False


def test_the_numbers_of_one_account_rest_together(way: Way) -> None:
    with scope.workspace(way.space):
        sibling = Connection.objects.create(
            workspace=way.space, provider="cloud_api", phone="+2348030000001", external_id="o1",
            account_id=whatsapp.ACCOUNT_ID, state_changed_at=clock.now(), created_at=clock.now(),
        )  # fmt: skip
        stranger = Connection.objects.create(
            workspace=way.space, provider="cloud_api", phone="+2348030000002", external_id="o2",
            account_id="other", state_changed_at=clock.now(), created_at=clock.now(),
        )  # fmt: skip
    put(way, "a1")
    way.api.refuse(80007)

    send(way)

    with scope.workspace(way.space):
        sibling.refresh_from_db()
        stranger.refresh_from_db()
    assert sibling.slow_until is not None and stranger.slow_until is None


def test_a_closed_window_is_told_to_the_team(way: Way) -> None:
    way.api.refuse(131047)
    way.say("What time do you open?", wamid="wamid.A1")

    reply = reply_of(way)
    assert (reply.status, reply.error_code) == ("failed", "window_closed")
    assert reply.conversation.needs_person


def test_after_the_window_has_ended_nothing_is_even_tried(way: Way) -> None:
    job = put(way, "a1", expires_at=clock.now() - timedelta(seconds=1))

    send(way)

    assert way.api.requests == []
    assert (now_is(job).state, job.error_code) == (State.FAILED, "window_closed")


def test_a_fault_of_whatsapps_is_tried_again(way: Way) -> None:
    way.api.refuse(131016, status=503)
    job = put(way, "a1")

    send(way)
    assert (now_is(job).state, job.attempts) == (State.QUEUED, 1)
    fix(job, due_at=clock.now())
    send(way)

    assert (now_is(job).state, job.attempts) == (State.ACCEPTED, 2)


def test_the_waits_grow_and_after_five_tries_it_is_dead(way: Way) -> None:
    way.api.refuse(131000, status=500, times=5)
    job = put(way, "a1")
    waits = []

    for _ in range(5):
        fix(job, due_at=clock.now())
        send(way)
        waits.append((now_is(job).due_at - clock.now()).total_seconds())

    assert job.state == State.DEAD
    assert waits[0] < waits[1] < waits[2] < waits[3]
    assert 1 < waits[0] < 4


def test_however_often_whatsapp_says_slow_down_the_answer_is_not_given_up(way: Way) -> None:
    way.api.refuse(130429, times=8)
    job = put(way, "a1", expires_at=clock.now() + timedelta(hours=1))

    for _ in range(9):
        fix(job, due_at=clock.now())
        set_number(way, slow_until=None)
        send(way)

    assert (now_is(job).state, job.attempts) == (State.ACCEPTED, 9)


def test_a_message_that_was_given_up_and_sent_again_by_hand_shows_as_sent(way: Way) -> None:
    way.api.refuse(131000, status=500, times=5)
    way.say("What time do you open?", wamid="wamid.A1")
    with scope.workspace(way.space):
        job = OutboundJob.objects.get(message_id__isnull=False)
    for _ in range(4):
        fix(job, due_at=clock.now())
        way.work()
    assert reply_of(way).status == "failed"

    with scope.system():
        outbox.replay(ids=[job.pk], now=clock.now())
    way.work()

    assert (reply_of(way).status, reply_of(way).error) == ("sent", "")


def test_a_number_that_nobody_answers_for_is_tried_again(way: Way, settings: Any) -> None:
    settings.GRAPH_API_URL = "http://127.0.0.1:1"
    job = put(way, "a1")

    send(way)

    assert (now_is(job).state, job.error_code) == (State.QUEUED, "unreachable")


@pytest.mark.parametrize("talk", [sockets.hangs, sockets.drips(b"HTTP/1.1 200 OK\r\nX: ")])
def test_an_answer_that_does_not_come_is_unknown_and_settled_by_the_status(
    way: Way, settings: Any, talk: sockets.Talk
) -> None:
    settings.SEND_TIMEOUT_SECONDS = 0.3
    with sockets.serving(talk) as silent:
        settings.GRAPH_API_URL = silent.url
        started = time.monotonic()
        way.say("What time do you open?", wamid="wamid.A1")
        elapsed = time.monotonic() - started
    with scope.workspace(way.space):
        job = OutboundJob.objects.get(message_id__isnull=False)
    assert job.state == State.UNKNOWN
    assert elapsed < 2
    assert reply_of(way).status == "queued"

    way.post(whatsapp.status("wamid.LATE", "delivered", opaque=str(job.pk)))
    way.work()

    assert (now_is(job).state, job.provider_message_id) == (State.ACCEPTED, "wamid.LATE")
    assert (reply_of(way).status, reply_of(way).provider_message_id) == ("delivered", "wamid.LATE")
    assert silent.count == 1


@pytest.mark.parametrize(
    "data", [{}, {"messages": []}, {"messages": [{"id": ""}]}, {"messages": 3}]
)
def test_a_success_without_an_id_is_unknown(way: Way, data: dict[str, Any]) -> None:
    way.api.answers.append(lambda: (200, data))
    job = put(way, "a1")

    send(way)

    assert now_is(job).state == State.UNKNOWN


def test_a_damaged_payload_stops_nobody_else(way: Way) -> None:
    damaged = [put(way, f"d{n}", talk=f"d{n}") for n in range(3)]
    for job, payload in zip(
        damaged, ({}, {"kind": "fax"}, {"kind": "text", "fax": 1}), strict=True
    ):
        fix(job, payload=payload)
    put(way, "a1")

    send(way)

    assert [now_is(job).state for job in damaged] == [State.FAILED] * 3
    assert texts(way) == ["text a1"]


def test_a_read_mark_that_fails_bothers_nobody(way: Way) -> None:
    job = put(way, "r1", kind=OutboundKind.READ)
    way.api.refuse(100)

    send(way)

    assert now_is(job).state == State.FAILED
    assert notices(way) == []
    with scope.system():
        assert not InboundEvent.objects.filter(kind="receipt").exists()


def test_a_turn_ends_after_its_share_and_gives_the_next_one_back(way: Way) -> None:
    jobs = [put(way, f"m{n}", talk=f"t{n}") for n in range(4)]

    assert send(way, limit=2) is True

    assert [now_is(job).state for job in jobs] == [State.ACCEPTED] * 2 + [State.QUEUED] * 2
    assert jobs[2].attempts == 0


# --- Secrets and states ------------------------------------------------------------------------


def test_credentials_copied_to_another_row_do_not_open(way: Way) -> None:
    with scope.workspace(way.space):
        other = Connection.objects.create(
            workspace=way.space, provider="cloud_api", phone="+2348030000001", external_id="o1",
            credentials=number(way).credentials, state_changed_at=clock.now(), created_at=clock.now(),
        )  # fmt: skip
    fix(job := put(way, "a1", expires_at=clock.now() + timedelta(hours=1)), connection_id=other.pk)

    sender.send_due(workspace=way.space, connection_id=other.pk)

    with scope.workspace(way.space):
        other.refresh_from_db()
    assert way.api.requests == []
    assert (other.is_sending, other.state) == (False, "not_connected")
    assert "Enter them again" in notices(way)[0]
    assert now_is(job).state == State.FAILED  # nobody's message: nothing waits for it


def test_a_suspended_workspace_sends_nothing_even_when_the_worker_does_not_know_yet(
    way: Way,
) -> None:
    way.post(whatsapp.text("What time do you open?", wamid="wamid.A1"))
    drain.run(workspace=way.space)
    with scope.system():
        Workspace.objects.filter(pk=way.space.pk).update(state="suspended")

    assert send(way) is False
    assert way.api.requests == []


def test_a_failure_before_whatsapp_took_it_gives_the_place_back(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
    way.api.refuse(131026)
    way.say("What time do you open?", wamid="wamid.A1")

    with scope.workspace(way.space):
        used = metering.used_today(workspace=way.space, meter=meters.MESSAGES_SENT, now=clock.now())
        assert Conversation.objects.get().needs_person
    assert used == 0
