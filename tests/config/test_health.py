"""Alive is one question, ready another: who takes which process out of the line, and why."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from ai.models import Call
from config import health
from connections.models import InboundEvent, OutboundJob
from lib import clock, jobs
from messaging import waiting
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _looks_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(jobs, "broker_answers", lambda: True)
    health.forget()
    yield
    health.forget()


def arrive(space: Workspace, *, seconds_ago: int, kind: str = "message") -> None:
    at = clock.now() - timedelta(seconds=seconds_ago)
    with scope.system():
        InboundEvent.objects.create(
            workspace=space, provider="cloud_api", kind=kind, key=f"{space.slug}{kind}{seconds_ago}",
            received_at=at, due_at=at,
        )  # fmt: skip


def wait_for_a_model(space: Workspace, *, seconds_ago: int, purpose: str = "choose") -> None:
    at = clock.now() - timedelta(seconds=seconds_ago)
    with scope.system():
        Call.objects.create(
            workspace=space, purpose=purpose, reference=seconds_ago, route="fast", request={},
            deadline_at=at, created_at=at,
        )  # fmt: skip


def test_alive_asks_nobody(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_house_without_work_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "problems": [],
        "database": "ok",
        "broker": "ok",
        "oldest_unanswered_seconds": None,
        "queues": {"messages": None, "news": None, "models": None, "sends": None},
    }


def test_without_the_database_no_page_is_served(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("connection to 10.1.2.3 failed: password is hunter2")

    monkeypatch.setattr("config.health.connection.cursor", fail)
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["problems"] == ["no database"]
    assert "hunter2" not in answer.text


def test_without_the_broker_the_work_is_done_seconds_later(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "broker_answers", lambda: False)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["broker"]) == ("degraded", "away")


def test_slow_workers_take_no_page_away(client: Client, acme: Workspace) -> None:
    arrive(acme, seconds_ago=300)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "behind"
    assert 299 <= answer.json()["oldest_unanswered_seconds"] <= 310


def test_a_message_at_a_model_is_not_answered_yet(client: Client, acme: Workspace) -> None:
    arrive(acme, seconds_ago=5)
    wait_for_a_model(acme, seconds_ago=40)
    wait_for_a_model(acme, seconds_ago=70, purpose="phrasings")  # for a manager
    arrive(acme, seconds_ago=900, kind="status")  # news, for which no customer waits

    facts = client.get("/readyz").json()

    assert facts["status"] == "ok"
    assert 40 <= facts["oldest_unanswered_seconds"] < 60
    assert facts["queues"]["news"] >= 900


def test_who_asks_often_makes_the_house_look_once(
    client: Client, django_assert_num_queries: Any
) -> None:
    client.get("/readyz")

    with django_assert_num_queries(0):
        assert client.get("/readyz").status_code == 200


def test_the_longest_wait_stands_first(way: Way, rival: Workspace) -> None:
    arrive(rival, seconds_ago=500)
    arrive(way.space, seconds_ago=20)
    arrive(way.space, seconds_ago=10)
    now = clock.now()
    with scope.system():
        OutboundJob.objects.create(
            workspace=way.space, connection=way.connection, key="k", kind="text",
            conversation_key="t", payload={}, created_at=now, due_at=now, state="dead",
        )  # fmt: skip

    found = [(w.workspace.slug, w.inbound_count, w.dead_count) for w in waiting.by_workspace()]

    assert found == [("rival", 1, 0), ("acme", 2, 1)]


def test_staff_see_what_waits(client_for: Any, sam: Any, rival: Workspace) -> None:
    client = client_for(sam)
    assert "<h2>Waiting</h2>" not in client.get("/staff/").text

    arrive(rival, seconds_ago=500)

    page = client.get("/staff/").text
    assert "<h2>Waiting</h2>" in page
    assert "/staff/w/rival/" in page.partition("<h2>Waiting</h2>")[2].partition("</section>")[0]
