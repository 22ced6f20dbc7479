"""Sends of which nobody knows whether they went out: settled by evidence only."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database

from billing import metering, meters, plans
from connections import orphans, sweep
from connections.events import OutboundKind
from connections.models import Connection, OutboundJob
from lib import clock
from messaging.models import Message
from tests import whatsapp
from tests.connections.sends import claim, fix, key_of, now_is, put, settle
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
State = OutboundJob.State
GONE = 2**30 + 7  # no backend has this process id


# --- Settled by a status -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "attempts", "becomes"),
    [
        (State.UNKNOWN, 1, State.ACCEPTED),
        (State.DEAD, 5, State.ACCEPTED),
        (State.QUEUED, 1, State.ACCEPTED),  # refused, it seemed, but it went out
        (State.QUEUED, 0, State.QUEUED),  # a status for what was never tried: somebody's error
        (State.SENDING, 1, State.SENDING),  # its sender will say so itself
        (State.FAILED, 1, State.FAILED),
        (State.ACCEPTED, 1, State.ACCEPTED),
    ],
)
def test_a_status_settles_what_was_unknown(
    way: Way, state: str, attempts: int, becomes: str
) -> None:
    fix(job := put(way, "a1"), state=state, attempts=attempts)

    found = settle(way, opaque=str(job.pk), subject="wamid.S")

    assert found is not None and found.pk == job.pk
    assert now_is(job).state == becomes
    assert job.has_status is True


def test_a_status_is_matched_by_the_providers_id_too(way: Way) -> None:
    fix(job := put(way, "a1"), state=State.ACCEPTED, provider_message_id="wamid.S")

    found = settle(way, subject="wamid.S")

    assert found is not None and found.pk == job.pk


@pytest.mark.parametrize("opaque", ["", "x", "-1", "1e3", "٣", "9" * 30, "0"])
def test_nonsense_as_our_id_matches_nothing(way: Way, opaque: str) -> None:
    assert settle(way, opaque=opaque, subject="wamid.unknown") is None


def test_our_id_in_a_status_of_another_message_matches_nothing(way: Way) -> None:
    fix(job := put(way, "a1"), state=State.ACCEPTED, provider_message_id="wamid.ours")

    assert settle(way, opaque=str(job.pk), subject="wamid.another") is None


def test_a_status_cannot_settle_another_workspaces_send(way: Way, rival: Workspace) -> None:
    fix(job := put(way, "a1"), state=State.UNKNOWN)

    found = settle(way, opaque=str(job.pk), subject="w", space=rival)

    assert found is None
    assert now_is(job).state == State.UNKNOWN


# --- Senders that died -------------------------------------------------------------------------


def rescue() -> int:
    with scope.system():
        return orphans.rescue(now=clock.now())


def test_a_claim_whose_backend_is_gone_is_unknown(way: Way) -> None:
    put(way, "a1")
    job = claim(way)
    assert job is not None
    fix(job, claimed_pid=GONE)

    assert rescue() == 1
    assert (now_is(job).state, job.has_crashed) == (State.UNKNOWN, True)
    assert job.due_at > clock.now() + timedelta(seconds=200)


def test_a_read_mark_whose_backend_is_gone_goes_again_at_once(way: Way) -> None:
    put(way, "r1", kind=OutboundKind.READ)
    job = claim(way)
    assert job is not None
    fix(job, claimed_pid=GONE)

    assert rescue() == 1
    assert now_is(job).state == State.QUEUED
    assert key_of(claim(way)) == "r1"


def test_a_send_in_flight_is_nobodys_orphan(way: Way) -> None:
    put(way, "a1")
    job = claim(way)
    assert job is not None

    assert rescue() == 0
    assert now_is(job).state == State.SENDING


def test_a_clock_that_goes_wrong_makes_no_orphan(way: Way) -> None:
    # The worker's clock is behind the database's: its claim must not seem older than its backend.
    put(way, "a1", now=clock.now() - timedelta(minutes=5))
    job = claim(way, now=clock.now() - timedelta(minutes=2))
    assert job is not None

    assert rescue() == 0


def test_a_process_id_that_was_given_out_again_does_not_protect_a_claim(
    way: Way, settings: Any
) -> None:
    settings.SEND_TIMEOUT_SECONDS = 10**6  # not by age
    put(way, "a1")
    job = claim(way)
    assert job is not None
    with scope.owner(), database.cursor() as cursor:
        cursor.execute("SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        began = cursor.fetchone()[0]
    fix(job, claimed_at=began - timedelta(seconds=1))

    assert rescue() == 1


def test_a_claim_far_older_than_any_send_is_an_orphan(way: Way) -> None:
    put(way, "a1")
    job = claim(way)
    assert job is not None
    fix(job, claimed_at=clock.now() - timedelta(seconds=61))

    assert rescue() == 1


# --- Sending again what stayed unknown ---------------------------------------------------------


def unknown(way: Way, key: str = "lost", **values: Any) -> OutboundJob:
    now = clock.now()
    fix(
        job := put(way, key, talk=key),
        **{
            "state": State.UNKNOWN,
            "attempts": 1,
            "has_crashed": True,
            "claimed_at": now - timedelta(seconds=60),
            "due_at": now + timedelta(minutes=4),
            **values,
        },
    )
    return job


def accepted(way: Way, count: int, *, with_status: bool = True, **values: Any) -> None:
    for n in range(count):
        fix(
            put(way, f"ok{with_status}{n}{values.get('kind', '')}", talk="ok"),
            **{
                "state": State.ACCEPTED,
                "has_status": with_status,
                "claimed_at": clock.now() - timedelta(seconds=40),
                "settled_at": clock.now() - timedelta(seconds=30),
                **values,
            },
        )


def retry() -> list[tuple[str, str]]:
    with scope.system():
        return [(job.key, job.state) for job in orphans.retry_unknown(now=clock.now())]


def test_what_stayed_unknown_for_minutes_is_sent_again(way: Way) -> None:
    unknown(way, due_at=clock.now() - timedelta(seconds=1), has_crashed=False)

    assert retry() == [("lost", State.QUEUED)]


def test_what_is_unknown_for_a_moment_waits(way: Way) -> None:
    unknown(way)

    assert retry() == []


def test_a_crashed_send_without_a_status_among_others_with_one_was_never_sent(way: Way) -> None:
    unknown(way)
    accepted(way, 3)

    assert retry() == [("lost", State.QUEUED)]


@pytest.mark.parametrize(
    ("own", "others", "why"),
    [
        ({}, {"count": 2}, "two others are no evidence"),
        ({}, {"count": 6, "with_status": False}, "statuses do not come back here"),
        ({"has_crashed": False}, {"count": 5}, "a timeout: it may be on its way"),
        ({"claimed_at": clock.now() + timedelta(hours=1)}, {"count": 5}, "it is too young"),
        ({}, {"count": 5, "kind": "read"}, "read marks never have a status"),
        (
            {},
            {"count": 5, "claimed_at": clock.now() - timedelta(hours=2)},
            "they began before it: their statuses say nothing about its own",
        ),
        ({}, {"count": 5, "settled_at": clock.now() + timedelta(hours=1)}, "too young to judge"),
    ],
)
def test_without_good_evidence_a_crashed_send_waits(
    way: Way, own: dict[str, Any], others: dict[str, Any], why: str
) -> None:
    unknown(way, **own)
    accepted(way, **others)

    assert retry() == [], why


def test_a_status_that_waits_in_our_own_line_may_be_the_one(way: Way) -> None:
    unknown(way)
    accepted(way, 5)
    way.post(whatsapp.status("wamid.SOME", "sent"))

    assert retry() == []


def test_a_send_whose_status_came_before_its_sender_died_is_never_sent_again(way: Way) -> None:
    job = put(way, "a1", message_id=7)
    assert claim(way) is not None
    settle(way, opaque=str(job.pk), subject="wamid.S")
    fix(job, claimed_pid=GONE)

    sweep.settle(now=clock.now())

    assert (now_is(job).state, job.provider_message_id) == (State.ACCEPTED, "wamid.S")
    assert job.settled_at is not None


def test_one_number_is_no_evidence_for_another(way: Way, rival: Workspace) -> None:
    accepted(way, 5)
    with scope.workspace(way.space):
        other = Connection.objects.create(
            workspace=way.space, provider="cloud_api", phone="+2348030000001", external_id="o",
            state_changed_at=clock.now(), created_at=clock.now(),
        )  # fmt: skip
    fix(unknown(way), connection_id=other.pk)

    assert retry() == []


def test_most_of_the_others_are_evidence_enough(way: Way) -> None:
    unknown(way)
    accepted(way, 18)
    accepted(way, 1, with_status=False)

    assert retry() == [("lost", State.QUEUED)]


def test_after_the_last_try_the_customer_is_given_to_a_person_and_the_place_back(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
    way.post(whatsapp.text("What time do you open?", wamid="wamid.A1"))
    way.api.answers += [lambda: (504, {})]
    way.work()
    with scope.workspace(way.space):
        job = OutboundJob.objects.get(kind="text")
    assert job.state == State.UNKNOWN
    fix(job, attempts=5, due_at=clock.now())

    sweep.settle(now=clock.now())
    way.work()

    with scope.workspace(way.space):
        reply = Message.objects.select_related("conversation").get(direction="out")
        used = metering.used_today(workspace=way.space, meter=meters.MESSAGES_SENT, now=clock.now())
    assert now_is(job).state == State.DEAD
    assert (reply.status, reply.conversation.needs_person) == ("failed", True)
    assert used == 0
