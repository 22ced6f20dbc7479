"""Linked phones are looked after: plans, missed news, a gone engine, incidents, silence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from billing.models import Subscription
from connections import incidents
from connections.linked import limits, supervising
from connections.models import Connection, ConnectionEvent, Incident
from lib import clock, jobs
from tests.connections.linked.conftest import PHONE, Phone
from workspaces import scope
from workspaces.models import Notice, Workspace

pytestmark = pytest.mark.django_db


def subscribe(space: Workspace, state: str) -> None:
    with scope.system():
        Subscription.objects.filter(workspace=space).update(state=state)


def held(phone: Phone) -> None:
    phone.engine(lease_until=clock.now() + timedelta(seconds=15))


def notices_of(space: Workspace) -> list[str]:
    with scope.workspace(space):
        return list(Notice.objects.values_list("text", flat=True))


def open_incidents() -> int:
    with scope.system():
        return Incident.objects.filter(closed_at__isnull=True).count()


def logged(kind: str) -> int:
    with scope.system():
        return ConnectionEvent.objects.filter(kind=kind).count()


def test_a_workspace_without_a_plan_is_disconnected_and_comes_back_by_itself(phone: Phone) -> None:
    phone.opens()
    held(phone)
    subscribe(phone.space, "cancelled")

    supervising.look(now=clock.now())
    rests = phone.read()
    phone.engine(state="off", lease_until=None)
    subscribe(phone.space, "active")
    supervising.look(now=clock.now())

    assert (rests.state, rests.state_code) == ("not_connected", "not_served")
    assert "Choose a plan" in rests.state_reason
    assert phone.session.wanted == "on"
    assert phone.read().state == "reconnecting"
    assert phone.opens().state == "connected"


@pytest.mark.parametrize("state", ["trial", "active", "past_due"])
def test_who_has_a_plan_stays_connected(phone: Phone, state: str) -> None:
    phone.opens()
    held(phone)
    subscribe(phone.space, state)

    assert supervising.look(now=clock.now()) == {}
    assert phone.session.wanted == "on"


def test_news_that_was_missed_is_taken_from_the_sessions_row(phone: Phone) -> None:
    phone.opens()
    late = clock.now() + timedelta(seconds=30)
    phone.engine(state="logged_out", state_at=clock.now(), lease_until=None)

    found = supervising.look(now=late)

    assert found == {"mirrored": 1}
    assert phone.read().state == "logged_out"


def test_fresh_news_is_left_to_its_event(phone: Phone) -> None:
    phone.opens()
    held(phone)
    phone.engine(state="backoff", state_at=clock.now())

    assert supervising.look(now=clock.now()) == {}


def test_a_line_that_nobody_holds_is_shown_as_away_and_comes_back(phone: Phone) -> None:
    phone.opens()
    phone.engine(lease_until=clock.now() - timedelta(seconds=20))

    found = supervising.look(now=clock.now())
    away = phone.read()

    assert found == {"without engine": 1}
    assert (away.state, away.state_code) == ("reconnecting", "no_engine")
    assert phone.opens().state == "connected"


def test_a_link_that_nobody_takes_up_says_so_once(phone: Phone) -> None:
    later = clock.now() + timedelta(seconds=30)

    first, second = supervising.look(now=later), supervising.look(now=later)

    assert (first, second) == ({"without engine": 1}, {})
    assert "does not answer" in phone.read().state_reason


def test_after_two_minutes_the_owner_is_told_once_and_the_incident_ends_with_it(
    phone: Phone,
) -> None:
    phone.opens()
    held(phone)
    phone.says("backoff", code="428")
    soon, late = (clock.now() + timedelta(seconds=s) for s in (100, 130))

    supervising.look(now=soon)
    before = open_incidents()
    supervising.look(now=late)
    supervising.look(now=late)
    during = open_incidents()
    phone.opens()

    assert (before, during, open_incidents()) == (0, 1, 0)
    assert sum("is not connected" in text for text in notices_of(phone.space)) == 1


def test_ten_failures_in_a_row_are_an_incident(phone: Phone) -> None:
    phone.opens()
    for n in range(incidents.MOST_FAILURES):
        assert open_incidents() == 0
        phone.says("backoff", code=str(400 + n))

    assert open_incidents() == 1


def test_failures_that_are_not_in_a_row_are_none(phone: Phone) -> None:
    for _ in range(3):
        phone.opens()
        for _ in range(incidents.MOST_FAILURES - 1):
            phone.says("backoff", code="428")

    assert open_incidents() == 0


def test_what_only_a_person_mends_is_told_at_once(phone: Phone) -> None:
    phone.opens()

    after = phone.says("logged_out", code="401")

    assert (after.is_sending, open_incidents()) == (False, 0)
    assert any("logged this device out" in text for text in notices_of(phone.space))
    assert after.last_disconnected_at is not None


def quiet(one: Phone, now: datetime, *, phone: str = PHONE) -> None:
    one.opens(phone)
    held(one)
    one.change(last_inbound_at=now - timedelta(hours=7), state_changed_at=now - timedelta(hours=30))


def test_a_number_that_is_unusually_quiet_is_checked_once(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    now = clock.now()
    quiet(phone, now)
    monkeypatch.setattr(jobs, "enqueue", lambda name, **kw: asked.append((name, kw)))

    supervising.look(now=now)
    silent = phone.read()

    assert (silent.state, asked[0][0]) == ("silent", "connections.probe")
    with scope.system():  # what the check writes
        ConnectionEvent.objects.create(
            workspace=phone.space, connection=phone.connection, kind="checked", at=now
        )
        Connection.objects.filter(pk=phone.connection.pk).update(
            state="connected", state_changed_at=now - timedelta(hours=30)
        )
    supervising.look(now=now)
    assert len(asked) == 1


def test_few_are_checked_at_once(
    acme: Workspace, link: Callable[[Workspace], Phone], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(supervising, "_MOST_PROBES", 2)
    monkeypatch.setattr(jobs, "enqueue", lambda name, **kw: asked.append(kw["connection_id"]))
    now = clock.now()
    for n in range(3):
        quiet(link(acme), now, phone=f"+234801234567{n}")
    asked.clear()

    found = [supervising.look(now=now).get("silent", 0) for _ in range(3)]

    assert found == [2, 1, 0]
    assert len(set(asked)) == 3


def test_a_step_that_fails_leaves_the_others_alone(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(now: datetime) -> int:
        raise OperationalError("away")

    phone.opens()
    phone.engine(lease_until=clock.now() - timedelta(seconds=20))
    monkeypatch.setitem(supervising._STEPS, "at rest", fail)

    found = supervising.look(now=clock.now())

    assert found == {"without engine": 1}
    assert "connections.supervise.failed" in caplog.text


@pytest.mark.parametrize(
    ("opened_seconds_ago", "rests"),
    [
        (3, True),  # its event is on the way
        (20, False),
        (300, True),  # open for long, and it does not answer
    ],
)
def test_a_number_whose_line_is_back_rests_no_longer(
    phone: Phone, opened_seconds_ago: int, rests: bool
) -> None:
    now = clock.now()
    phone.opens()
    held(phone)
    phone.engine(state_at=now - timedelta(seconds=opened_seconds_ago))
    phone.change(slow_until=now + timedelta(seconds=50))

    supervising.look(now=now)

    assert (phone.read().slow_until is not None) is rests


def test_a_moments_rest_of_a_line_that_is_back_is_left_to_end_by_itself(phone: Phone) -> None:
    now = clock.now()
    phone.opens()
    held(phone)
    phone.engine(state_at=now - timedelta(seconds=20))
    phone.change(slow_until=now + timedelta(seconds=2))

    assert supervising.look(now=now) == {}
    assert phone.read().slow_until is not None


def test_resting_lines_are_tried_once_more_at_the_start(
    phone: Phone, rival: Workspace, link: Callable[[Workspace], Phone]
) -> None:
    phone.opens()
    phone.engine(creds=b"sealed")
    phone.says("replaced", code="440")
    other = link(rival)
    other.says("logged_out")

    count = supervising.reconnect_all(now=clock.now())
    phone.engine(state="off")
    supervising.look(now=clock.now())

    assert count == 1
    assert (phone.session.wanted, phone.read().state) == ("on", "reconnecting")
    assert other.read().state == "logged_out"


# --- How near a ban ------------------------------------------------------------------------


def risk(phone: Phone) -> limits.Risk:
    with scope.workspace(phone.space):
        return limits.risk(connection=phone.read(), now=clock.now())


def test_the_risk_of_an_old_and_calm_number_is_low(phone: Phone) -> None:
    phone.opens()
    phone.change(linked_at=clock.now() - timedelta(days=60))

    assert (risk(phone).score, risk(phone).level, list(risk(phone).reasons)) == (0, "low", [])


def test_a_new_number_that_writes_first_and_was_limited_is_near_a_ban(phone: Phone) -> None:
    phone.opens()
    with scope.workspace(phone.space):
        for n in range(5):
            limits.may_begin(connection=phone.read(), phone=f"+23480900000{n:02d}", now=clock.now())
    phone.change(cold_until=clock.now() + timedelta(hours=1))

    found = risk(phone)

    assert (found.level, found.score) == ("high", 15 + 15 + 40)
    assert len(found.reasons) == 3


def test_a_time_lock_is_noted_told_and_leaves_answers_alone(phone: Phone) -> None:
    phone.opens()
    until = clock.now() + timedelta(hours=3)
    with scope.workspace(phone.space):
        for _ in range(2):
            limits.take(
                connection=phone.read(),
                data={"event": "reachout", "details": {"until": until.isoformat()}, "text": ""},
                now=clock.now(),
            )

    after = phone.read()

    assert after.cold_until == until and after.is_sending
    assert logged("linked-reachout") == 1
    assert sum("begin no conversations" in text for text in notices_of(phone.space)) == 1
    assert PHONE not in str(logged)
