"""A provider that is down: left alone, tried now and then, and back at once."""

from datetime import timedelta
from typing import Any

import pytest

from connections import breaker, sender
from connections.models import OutboundJob
from connections.providers.base import Code, ProviderError
from lib import clock
from tests.connections.sends import fix, now_is, put
from tests.messaging.conftest import Way

GONE = ProviderError(Code.UNREACHABLE, "nobody is there")
LOST = ProviderError(Code.UNKNOWN_OUTCOME, "no answer", vendor_code="http_502")
REFUSED = ProviderError(Code.UNREACHABLE, "Meta says so", vendor_code="131000")
LOCAL = ProviderError(Code.INVALID_MESSAGE, "never sent")


def fail(times: int, *, at: float = 0.0, error: ProviderError | None = GONE) -> None:
    for _ in range(times):
        breaker.note("p", error, now=at)


def test_it_opens_after_five_failures_in_a_row() -> None:
    fail(4)
    before = breaker.room("p", 16, now=0.0)
    fail(1, error=LOST)

    assert (before, breaker.room("p", 16, now=0.0)) == (16, 0)


@pytest.mark.parametrize("answer", [None, REFUSED])
def test_any_answer_begins_the_count_anew(answer: ProviderError | None) -> None:
    fail(4)
    breaker.note("p", answer, now=0.0)
    fail(4)

    assert breaker.room("p", 16, now=0.0) == 16


def test_a_message_that_never_left_says_nothing_about_the_provider() -> None:
    fail(4)
    fail(1, error=LOCAL)
    fail(1)

    assert breaker.room("p", 16, now=0.0) == 0


def test_one_provider_is_no_other() -> None:
    fail(5)

    assert breaker.room("q", 16, now=0.0) == 16


def test_after_the_pause_one_send_finds_out() -> None:
    fail(5)

    early = breaker.room("p", 16, now=1.5)
    probe = breaker.room("p", 16, now=2.5)
    breaker.begin("p", 1)
    meanwhile = breaker.room("p", 16, now=2.5)
    breaker.note("p", None, now=2.6)

    assert (early, probe, meanwhile, breaker.room("p", 16, now=2.6)) == (0, 1, 0, 16)


def test_a_probe_that_never_came_to_a_call_lets_another_try() -> None:
    fail(5)
    breaker.begin("p", breaker.room("p", 16, now=3))
    fail(1, at=3, error=LOCAL)

    assert breaker.room("p", 16, now=3) == 1


def test_the_pauses_double_up_to_half_a_minute() -> None:
    fail(5)
    now, pauses = 0.0, []
    for _ in range(7):
        pauses.append(float(breaker.states(now=now)["p"]["seconds_left"]))  # type: ignore[arg-type]
        now += 100
        breaker.begin("p", breaker.room("p", 16, now=now))
        fail(1, at=now)

    for pause, expected in zip(pauses, (2, 4, 8, 16, 30, 30, 30), strict=True):
        assert 0.79 * expected <= pause <= 1.21 * expected


def test_sends_that_had_begun_before_it_opened_do_not_lengthen_the_pause() -> None:
    fail(5)
    left = breaker.states(now=0.0)["p"]["seconds_left"]
    fail(10)

    assert breaker.states(now=0.0)["p"]["seconds_left"] == left


def test_its_states_are_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    fail(5)
    shown = [breaker.states(now=now)["p"]["state"] for now in (0.0, 60.0)]
    fail(1, error=None, at=60.0)

    assert shown == ["open", "half-open"]
    assert breaker.states() == {}
    assert [r.message for r in caplog.records if "breaker" in r.message] == [
        "connections.breaker.opened",
        "connections.breaker.closed",
    ]


@pytest.mark.django_db
def test_while_it_is_open_nothing_is_claimed_and_no_try_is_used_up(way: Way, settings: Any) -> None:
    settings.SEND_IN_FLIGHT = 1
    url = settings.GRAPH_API_URL
    settings.GRAPH_API_URL = "http://127.0.0.1:1"
    jobs = [
        put(way, f"m{n}", talk=f"t{n}", expires_at=clock.now() + timedelta(hours=1))
        for n in range(8)
    ]

    assert sender.send_due(workspace=way.space, connection_id=way.connection.pk) is False
    tried = sum(now_is(job).attempts for job in jobs)
    assert sender.send_due(workspace=way.space, connection_id=way.connection.pk) is False
    assert sum(now_is(job).attempts for job in jobs) == tried == breaker.FAILURES

    settings.GRAPH_API_URL = url
    breaker._breakers["cloud_api"].open_until = 0.0
    for job in jobs:
        fix(job, due_at=clock.now())
    sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    assert {now_is(job).state for job in jobs} == {OutboundJob.State.ACCEPTED}
    assert breaker.states() == {}


@pytest.mark.django_db
def test_in_a_long_outage_no_message_is_given_up(way: Way, settings: Any) -> None:
    settings.SEND_IN_FLIGHT = 1
    settings.GRAPH_API_URL = "http://127.0.0.1:1"
    job = put(way, "m", expires_at=clock.now() + timedelta(hours=1))
    fail(5)
    for _ in range(5):
        breaker.note("cloud_api", GONE)

    for _ in range(8):
        breaker._breakers["cloud_api"].open_until = 0.0
        fix(job, due_at=clock.now())
        sender.send_due(workspace=way.space, connection_id=way.connection.pk)

    assert (now_is(job).state, job.attempts) == (OutboundJob.State.QUEUED, 8)
