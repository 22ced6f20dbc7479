"""Accepted, never delivered: flagged, said once an hour, and cleared by a delivery."""

from datetime import timedelta
from typing import Any

import pytest

from connections import cards, watchdog
from connections.events import OutboundKind
from connections.models import Connection, ConnectionEvent, OutboundJob
from lib import clock
from tests.connections.sends import fix, put, settle, settle_all
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db
NOW = clock.now()


def taken(way: Way, count: int, *, minutes: float = 5, **values: Any) -> list[OutboundJob]:
    at = NOW - timedelta(minutes=minutes)
    jobs = []
    for n in range(count):
        key = f"m{minutes}-{n}-{values.get('kind', '')}"
        jobs.append(
            put(way, key, talk=key, now=at, **{k: v for k, v in values.items() if k == "kind"})
        )
        fix(
            jobs[-1],
            state="accepted",
            settled_at=at,
            provider_message_id=f"wamid.{jobs[-1].pk}",
            **{k: v for k, v in values.items() if k != "kind"},
        )
    return jobs


def kinds(way: Way) -> list[str]:
    with scope.workspace(way.space):
        return list(
            ConnectionEvent.objects.filter(
                kind__in=[watchdog.SILENT, watchdog.AGAIN]
            ).order_by("pk").values_list("kind", flat=True)
        )  # fmt: skip


def page_of(way: Way) -> cards.Page:
    with scope.workspace(way.space):
        connection = Connection.objects.get(pk=way.connection.pk)
        return cards.page(connection=connection, now=NOW)


def warning(way: Way) -> str:
    return page_of(way).card.warning


def test_five_sends_and_no_delivery_are_flagged_and_shown(way: Way) -> None:
    taken(way, 5)

    assert watchdog.look(now=NOW) == (1, 0)
    assert kinds(way) == ["accepted-never-delivered"]
    assert "has not delivered" in warning(way)
    assert page_of(way).log[0].what == "WhatsApp took messages and delivered none"


@pytest.mark.parametrize(
    ("sends", "why"),
    [
        ([(4, {})], "four are too few"),
        ([(9, {"minutes": 1})], "too young"),
        ([(9, {"minutes": 40})], "too old"),
        ([(9, {"kind": OutboundKind.READ})], "read marks are never delivered"),
        ([(4, {}), (1, {"minutes": 6, "delivered_at": NOW})], "one came through"),
        ([(9, {}), (1, {"minutes": 1, "delivered_at": NOW})], "it is working by now"),
        ([(9, {"state": "unknown"})], "WhatsApp has not taken them"),
    ],
)
def test_without_good_reason_nobody_is_alarmed(way: Way, sends: Any, why: str) -> None:
    for count, options in sends:
        state = options.pop("state", None) if "state" in options else None
        jobs = taken(way, count, **options)
        if state:
            for job in jobs:
                fix(job, state=state)

    assert (watchdog.look(now=NOW), why) == ((0, 0), why)
    assert warning(way) == ""


def test_it_is_said_once_an_hour(way: Way) -> None:
    taken(way, 5)
    watchdog.look(now=NOW)
    watchdog.look(now=NOW + timedelta(minutes=1))
    assert len(kinds(way)) == 1

    with scope.workspace(way.space):
        ConnectionEvent.objects.update(at=NOW - timedelta(minutes=61))
    watchdog.look(now=NOW + timedelta(minutes=2))

    assert len(kinds(way)) == 2


def test_a_delivery_clears_it(way: Way) -> None:
    jobs = taken(way, 5)
    watchdog.look(now=NOW)
    settle(
        way, opaque=str(jobs[0].pk), subject=f"wamid.{jobs[0].pk}", status="delivered",
        now=NOW + timedelta(minutes=3),
    )  # fmt: skip

    assert watchdog.look(now=NOW + timedelta(minutes=4)) == (0, 1)
    assert watchdog.look(now=NOW + timedelta(minutes=5)) == (0, 0)
    assert kinds(way) == ["accepted-never-delivered", "delivered-again"]
    assert warning(way) == ""


def test_one_number_is_no_other(way: Way) -> None:
    taken(way, 5)
    with scope.workspace(way.space):
        other = Connection.objects.create(
            workspace=way.space, provider="cloud_api", phone="+2348030000001", external_id="o1",
            state_changed_at=NOW, created_at=NOW,
        )  # fmt: skip

    watchdog.look(now=NOW)

    with scope.workspace(way.space):
        other.refresh_from_db()
    assert other.undelivered_since is None


# --- What statuses say, many at once -----------------------------------------------------------


def test_many_statuses_are_settled_together(way: Way, django_assert_max_num_queries: Any) -> None:
    known = taken(way, 2)
    fix(lost := put(way, "lost"), state="unknown", attempts=1)
    items = [
        (str(known[0].pk), f"wamid.{known[0].pk}", "sent"),
        ("", f"wamid.{known[1].pk}", "delivered"),
        (str(lost.pk), "wamid.L", "read"),
        (str(known[0].pk), f"wamid.{known[0].pk}", "delivered"),
        ("77777777", "wamid.nobody", "sent"),
        (str(known[0].pk), "wamid.another", "sent"),
        ("", "", "sent"),
    ]

    with django_assert_max_num_queries(5):  # two of them are the savepoint's
        found = settle_all(way, items, now=NOW)

    assert {place: job.pk for place, job in found.items()} == {
        0: known[0].pk, 1: known[1].pk, 2: lost.pk, 3: known[0].pk,
    }  # fmt: skip
    assert found[2].state == "accepted"
    assert found[2].provider_message_id == "wamid.L"
    assert all(job.has_status and job.delivered_at == NOW for job in found.values())


def test_the_first_delivery_is_remembered_and_sent_is_none(way: Way) -> None:
    (job,) = taken(way, 1)

    def say(status: str, minutes: int) -> Any:
        at = NOW + timedelta(minutes=minutes)
        found = settle(way, opaque=str(job.pk), status=status, now=at)
        assert found is not None
        return found.delivered_at

    assert say("sent", 1) is None
    assert say("delivered", 2) == NOW + timedelta(minutes=2)
    assert say("read", 3) == NOW + timedelta(minutes=2)
