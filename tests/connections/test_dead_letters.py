"""Dead letters: counted and listed without contents, put back in line by command and by staff."""

import json
from typing import Any

import pytest
from django.test import Client

from connections import outbox
from connections.events import Outbound, OutboundKind
from connections.models import Connection, InboundEvent, OutboundJob
from lib import clock
from tests import whatsapp
from tests.connections.sends import fix, now_is, put
from tests.messaging.conftest import Way
from tests.workspaces.test_operating import run
from workspaces import scope
from workspaces.models import AuditEntry, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead(way: Way) -> OutboundJob:
    fix(
        job := put(way, "m1", message_id=7),
        state="dead", attempts=5, error_code="unreachable", vendor_code="131000",
    )  # fmt: skip
    way.post(whatsapp.text("my secret words", wamid="wamid.D"))
    with scope.system():
        InboundEvent.objects.filter(subject="wamid.D").update(
            state="dead", attempts=5, error="KeyError"
        )
    return job


def test_they_are_listed_by_ids_and_codes_alone(dead: OutboundJob) -> None:
    code, printed = run("dead_letters", "--json")

    report = json.loads(printed)
    assert code == 0
    assert report["counts"] == {"in": {"acme": 1}, "out": {"acme": 1}}
    assert [(r["box"], r["code"]) for r in report["rows"]] == [
        ("in", "KeyError"),
        ("out", "131000"),
    ]
    assert report["replayed"] == 0
    assert "secret words" not in printed and "234806" not in printed and "text m1" not in printed
    assert "131000" in run("dead_letters")[1]


def test_one_mailbox_and_one_workspace_can_be_asked_for(dead: OutboundJob) -> None:
    only_out = json.loads(run("dead_letters", "--json", "--kind", "out")[1])
    nobody = json.loads(run("dead_letters", "--json", "--workspace", "rival")[1])

    assert [row["box"] for row in only_out["rows"]] == ["out"]
    assert (nobody["rows"], nobody["counts"]) == ([], {"in": {}, "out": {}})


def test_they_go_back_in_line_and_the_audit_says_so(dead: OutboundJob) -> None:
    code, printed = run("dead_letters", "--replay", "--json", "--workspace", "acme")

    assert (code, json.loads(printed)["replayed"]) == (0, 2)
    assert (now_is(dead).state, dead.attempts) == ("queued", 0)
    with scope.system():
        assert InboundEvent.objects.get(subject="wamid.D").state == "pending"
        entries = AuditEntry.objects.filter(action="mailbox.replayed", actor_kind="command")
        assert entries.count() == 2
    assert json.loads(run("dead_letters", "--json")[1])["rows"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workspace", "nowhere"], "no workspace"),
        (["--limit", "0"], "--limit"),
        (["--limit", "99999"], "--limit"),
    ],
)
def test_what_is_asked_wrongly_ends_with_2(arguments: list[str], words: str) -> None:
    code, printed = run("dead_letters", *arguments)

    assert code == 2
    assert words in printed


# --- Staff -------------------------------------------------------------------------------------


@pytest.fixture
def support(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client


def test_staff_put_dead_sends_back_in_line(support: Client, dead: OutboundJob) -> None:
    answer = support.post(
        "/staff/admin/connections/outboundjob/",
        {"action": "replay", "_selected_action": [dead.pk]},
    )

    assert answer.status_code == 302
    assert now_is(dead).state == "queued"


def test_staff_set_a_numbers_pace_and_nothing_else(support: Client, way: Way) -> None:
    address = f"/staff/admin/connections/connection/{way.connection.pk}/change/"

    refused = support.post(address, {"rate_per_second": "1001"})
    done = support.post(address, {"rate_per_second": "1000", "is_sending": "", "label": "x"})

    with scope.system():
        connection = Connection.objects.get(pk=way.connection.pk)
        assert AuditEntry.objects.filter(action="connection.pace-changed").count() == 1
    assert (refused.status_code, done.status_code) == (200, 302)
    assert (connection.rate_per_second, connection.is_sending, connection.label) == (1000, True, "")


def test_a_member_is_no_staff(client: Client, ada: User, way: Way) -> None:
    client.force_login(ada)

    answer = client.post(
        f"/staff/admin/connections/connection/{way.connection.pk}/change/",
        {"rate_per_second": "1000"},
    )

    with scope.system():
        assert Connection.objects.get(pk=way.connection.pk).rate_per_second == 80
    assert answer.status_code in (302, 403, 404)


# --- Putting many ------------------------------------------------------------------------------


def test_many_sends_are_put_in_one_statement_once_each(
    way: Way, django_assert_num_queries: Any
) -> None:
    now = clock.now()
    items = [
        outbox.Item(
            way.connection.pk, f"k{n % 3}", Outbound(kind=OutboundKind.TEXT, text=f"{n}"), "t", "c"
        )
        for n in range(5)
    ]
    with scope.workspace(way.space):
        OutboundJob.objects.exists()  # the scope is set
        with django_assert_num_queries(1):
            count = outbox.put_all(workspace=way.space, items=items, now=now)
        again = outbox.put_all(workspace=way.space, items=items, now=now)
        found = list(OutboundJob.objects.order_by("pk").values_list("key", "payload__text"))

    assert (count, again) == (3, 0)
    assert found == [("k0", "0"), ("k1", "1"), ("k2", "2")]
    with scope.workspace(way.space):
        assert outbox.put_all(workspace=way.space, items=[], now=now) == 0
