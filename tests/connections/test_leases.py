"""Senders that die or are cut off: seen by their silence, judged within seconds, never too early."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from connections import leases, orphans, outbox, sweep
from connections.models import OutboundJob, SenderHeartbeat
from lib import clock
from tests import whatsapp
from tests.connections.sends import accept, claim, fix, now_is, put, settle_all
from tests.connections.test_outbox_unknown import GONE, accepted, rescue, retry, unknown
from tests.messaging.conftest import Way
from workspaces import scope

State = OutboundJob.State
ROOT = Path(__file__).resolve().parents[2]


def beat(token: str, *, silent_seconds: float, pid: int | None = None) -> None:
    # A backend that has been there for long: the test's own is younger than what is told here.
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_senderheartbeat (token, pid, started_at, last_at)"
            " VALUES (%s, COALESCE(%s, (SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'checkpointer')), now() - interval '1 hour',"
            " clock_timestamp() - make_interval(secs => %s))",
            [token, pid, silent_seconds],
        )


def claimed(way: Way, token: str, **values: Any) -> OutboundJob:
    put(way, "a1")
    job = claim(way)
    assert job is not None
    fix(job, claimed_by=token, claimed_pid=GONE, **values)
    return job


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("silent_seconds", "pid", "becomes", "was_cut_off"),
    [
        (1.0, None, State.SENDING, False),  # it beats: its claims are in good hands
        (5.0, None, State.SENDING, False),  # the lease is not over
        (7.0, None, State.UNKNOWN, True),  # its backend hangs on, it is silent
        (1.0, GONE, State.SENDING, False),  # the database has restarted; it will beat again
        (4.0, GONE, State.UNKNOWN, False),  # killed
        (400.0, GONE, State.UNKNOWN, False),
    ],
)
def test_a_claim_is_judged_by_its_process(
    way: Way, silent_seconds: float, pid: int | None, becomes: str, was_cut_off: bool
) -> None:
    beat("s1", silent_seconds=silent_seconds, pid=pid)
    # The turn's own connection is gone in each case: only the process counts.
    job = claimed(way, "s1")

    rescue()

    assert now_is(job).state == becomes
    assert (job.has_crashed, job.was_cut_off) == (becomes == State.UNKNOWN, was_cut_off)


@pytest.mark.django_db
def test_a_process_that_nobody_remembers_was_cut_off(way: Way) -> None:
    job = claimed(way, "forgotten")

    assert rescue() == 1
    assert (now_is(job).state, job.was_cut_off) == (State.UNKNOWN, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("was_cut_off", "age_seconds", "found"),
    [
        (False, 3, []),
        (False, 5, [("lost", State.QUEUED)]),
        (True, 5, []),  # its request may still be on the way
        (True, 7, [("lost", State.QUEUED)]),
    ],
)
def test_a_request_that_may_be_on_its_way_is_waited_for(
    way: Way, was_cut_off: bool, age_seconds: float, found: list[Any], settings: Any
) -> None:
    settings.SEND_TIMEOUT_SECONDS = 5.0
    claimed_at = clock.now() - timedelta(seconds=age_seconds)
    unknown(way, was_cut_off=was_cut_off, claimed_at=claimed_at)
    accepted(
        way,
        5,
        claimed_at=claimed_at + timedelta(seconds=0.1),
        settled_at=clock.now() - timedelta(seconds=4.5),
    )

    assert retry() == found


@pytest.mark.django_db
def test_statuses_that_wait_in_our_line_count_for_the_sends_they_are_about(way: Way) -> None:
    # In the middle of a flood there are always some: they must not keep everybody waiting.
    unknown(way)
    accepted(way, 4, with_status=False)
    with scope.workspace(way.space):
        others = list(OutboundJob.objects.filter(state=State.ACCEPTED))
    for job in others:
        way.post(whatsapp.status(f"wamid.{job.pk}", "sent", opaque=str(job.pk)))

    assert retry() == [("lost", State.QUEUED)]


@pytest.mark.django_db
def test_a_status_of_its_own_that_waits_in_our_line_holds_it_back(way: Way) -> None:
    lost = unknown(way)
    accepted(way, 5)
    way.post(whatsapp.status("wamid.L", "sent", opaque=str(lost.pk)))

    assert retry() == []


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.UNKNOWN, State.QUEUED])
def test_a_sender_that_comes_back_tells_what_it_had_sent(way: Way, state: str) -> None:
    put(way, "a1")
    job = claim(way)
    assert job is not None
    fix(job, state=state, has_crashed=True)  # given up, or even put back in line

    assert accept(way, job, "wamid.B")

    assert (now_is(job).state, job.provider_message_id) == (State.ACCEPTED, "wamid.B")


@pytest.mark.django_db
def test_what_somebody_else_has_claimed_since_is_not_touched_by_the_first(way: Way) -> None:
    put(way, "a1")
    job = claim(way)
    assert job is not None
    fix(job, claimed_at=clock.now() + timedelta(seconds=9))

    took = accept(way, job, "w")
    with scope.workspace(way.space):
        failed = outbox.mark(job=job, state=State.FAILED, now=clock.now())

    assert (took, failed, now_is(job).state) == (False, False, State.SENDING)


# --- Real heartbeats ---------------------------------------------------------------------------


@pytest.fixture
def _beating(committed_way: Way) -> Iterator[None]:
    leases.begin()
    try:
        yield
    finally:
        leases.end()


def wait_for(condition: Any, *, seconds: float = 10) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.02)


def test_a_sender_beats_and_says_goodbye(committed_way: Way) -> None:
    leases.begin()
    wait_for(leases.token)
    token = leases.token()
    shown = [state["sender"] for state in leases.states()]
    leases.end()

    assert token in shown
    assert leases.token() == ""
    with scope.system():
        assert not SenderHeartbeat.objects.filter(token=token).exists()


def test_a_heartbeat_goes_on_over_a_broken_connection(
    committed_way: Way, _beating: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(leases.token)
    with scope.system():
        before = SenderHeartbeat.objects.get(token=leases.token()).pid
    with scope.owner(), database.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [before])

    def has_new_backend() -> bool:
        with scope.system():
            return SenderHeartbeat.objects.get(token=leases.token()).pid != before

    wait_for(has_new_backend)


_SEND = """
import sys
import django
django.setup()
from connections import leases, sender
from workspaces import registry
leases.begin()
while not leases.token():
    pass
sender.serve(workspace=registry.by_id(int(sys.argv[1])), connection_id=int(sys.argv[2]))
"""


@pytest.mark.processes
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_claims_of_a_sender_that_is_gone_are_given_up_and_sent_by_another(
    committed_way: Way, how: signal.Signals, settings: Any
) -> None:
    """Killed: its backends are gone. Stopped: its connections hang, as those of a host cut off."""
    way = committed_way
    settings.SENDER_LEASE_SECONDS = 2.5
    settings.SEND_TIMEOUT_SECONDS = 2.0
    gate = threading.Event()

    def never() -> tuple[int, dict[str, Any]]:
        gate.wait(20)
        return 500, {}

    way.api.answers += [never] * 2
    lost = [put(way, f"lost{n}", talk=f"lost{n}") for n in range(2)]
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{database.settings_dict['NAME']}"
    process = subprocess.Popen(
        [sys.executable, "-c", _SEND, str(way.space.pk), str(way.connection.pk)],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "BACKROOM_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "GRAPH_API_URL": settings.GRAPH_API_URL,
            "SEND_TIMEOUT_SECONDS": "60",
        },
    )
    try:
        wait_for(lambda: way.api.count == 2, seconds=40)
        sweep.settle(now=clock.now())
        assert [now_is(job).state for job in lost] == [State.SENDING] * 2
        process.send_signal(how)
        # Others go on: later sends of the number, whose statuses come back.
        for n in range(4):
            put(way, f"later{n}", talk=f"later{n}")
        way.work()
        sent = way.api.messages[2:]
        items = [(m["biz_opaque_callback_data"], m["wamid"], "delivered") for m in sent]
        assert len(settle_all(way, items)) == 4

        def is_settled() -> bool:
            sweep.settle(now=clock.now())
            way.work()
            return [now_is(job).state for job in lost] == [State.ACCEPTED] * 2

        wait_for(is_settled, seconds=20)
    finally:
        gate.set()
        process.kill()
        process.wait(10)

    assert len(way.api.messages) == 2 + 4 + 2  # nothing was sent a third time
    assert {now_is(job).was_cut_off for job in lost} == {False}  # as claimed again


@pytest.mark.django_db
def test_a_judgement_needs_no_row_of_the_sender(way: Way) -> None:
    put(way, "a1")
    assert claim(way) is not None

    with scope.system():
        assert leases.prune() == 0
        assert orphans.rescue(now=clock.now()) == 0
