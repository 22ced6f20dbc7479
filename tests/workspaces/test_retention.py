"""Old rows go in batches; what must stay stays; tables are kept small by themselves."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database

from ai.models import Call
from billing.models import UsageEvent
from connections.models import (
    Connection,
    ConnectionEvent,
    DirectoryEntry,
    InboundEvent,
    OutboundJob,
)
from messaging import keeping, tasks
from messaging.models import Conversation, TraceStep
from tests.conftest import NOW
from tests.messaging.conftest import Way, graph, number, way
from workspaces import alarms, retention, scope
from workspaces import tasks as workspace_tasks
from workspaces.models import Alarm, AuditEntry, Workspace
from workspaces.retention import Rule

__all__ = ["graph", "number", "way"]

pytestmark = pytest.mark.django_db


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def receive(space: Workspace, days: float, *, kind: str = "message", state: str = "done") -> int:
    with scope.system():
        row = InboundEvent.objects.create(
            workspace=space, provider="p", kind=kind, state=state, received_at=ago(days),
            key=f"{kind}-{state}-{days}", due_at=ago(days),
        )  # fmt: skip
    return int(row.pk)


def apply(**options: Any) -> dict[str, int]:
    gone: dict[str, int] = {}
    with scope.system():
        for rule in retention.public_rules():
            count = retention.apply(rule, now=NOW, **options).count
            gone[rule.table] = gone.get(rule.table, 0) + count
    return gone


def test_of_the_inbox_goes_what_no_repetition_can_ask_for(acme: Workspace) -> None:
    stay = [
        receive(acme, 90, state="pending"),
        receive(acme, 29, kind="receipt", state="pending"),
        receive(acme, 20),
        receive(acme, 8, state="dead"),
        receive(acme, 1.5, kind="receipt"),
        receive(acme, 0),
    ]
    # Ids rise with time, but for a clock that went back.
    for days, kind, state in (
        (40, "message", "done"), (35, "message", "dead"), (33, "status", "unrouted"),
        (31, "receipt", "done"), (4, "receipt", "done"),
    ):  # fmt: skip
        receive(acme, days, kind=kind, state=state)
    with scope.system():
        rows = list(InboundEvent.objects.order_by("received_at"))
        kept = []
        for n, row in enumerate(rows, start=1):
            new = 1_000_000 + n * 10
            InboundEvent.objects.filter(pk=row.pk).update(id=new)
            if row.pk in stay:
                kept.append(new)

        assert apply(batch=15)["connections_inboundevent"] == 5
        assert sorted(InboundEvent.objects.values_list("pk", flat=True)) == kept


def test_of_the_outbox_goes_what_is_settled(acme: Workspace, number: Connection) -> None:
    cases = [
        (50, "text", "accepted", False), (50, "text", "queued", True), (50, "text", "unknown", True),
        (40, "text", "failed", False), (31, "text", "dead", False), (3, "read", "accepted", False),
        (3, "text", "accepted", True), (1, "read", "accepted", True),
    ]  # fmt: skip
    with scope.system():
        for n, (days, kind, state, _) in enumerate(cases):
            OutboundJob.objects.create(
                workspace=acme, connection=number, key=f"k{n}", kind=kind, state=state,
                conversation_key="c", created_at=ago(days), due_at=ago(days),
            )  # fmt: skip
        expected = [n for n, case in enumerate(cases) if case[3]]

        assert apply()["connections_outboundjob"] == 4
        left = OutboundJob.objects.order_by("pk").values_list("key", flat=True)
        assert list(left) == [f"k{n}" for n in expected]


def test_logs_calls_and_the_directory_go_by_their_own_days(
    acme: Workspace, number: Connection
) -> None:
    with scope.system():
        ConnectionEvent.objects.all().delete()
        for days, kind in ((201, "paused"), (200, "k"), (10, "k")):
            ConnectionEvent.objects.create(
                workspace=acme, connection=number, kind=kind, at=ago(days)
            )
        for n, (days, used) in enumerate([(40, True), (40, False), (5, True)]):
            Call.objects.create(
                workspace=acme, purpose="choose", reference=n, route="fast", request={},
                deadline_at=ago(days), created_at=ago(days), used_at=ago(days) if used else None,
            )  # fmt: skip
        for n, days in enumerate((10, 500, 20)):  # seen again: the id does not rise with it
            DirectoryEntry.objects.create(
                workspace=acme, digest=f"{n}", contact_id=n, last_at=ago(days)
            )

        gone = apply()
        assert gone["connections_connectionevent"] == 1
        assert (gone["ai_call"], Call.objects.count()) == (1, 2)
        assert sorted(DirectoryEntry.objects.values_list("digest", flat=True)) == ["0", "2"]


def test_the_ledger_and_the_audit_are_in_no_rule() -> None:
    rules = [*retention.public_rules(), *retention.workspace_rules()]

    tables = {rule.table for rule in rules}
    assert len(tables) > 5
    assert not tables & {UsageEvent._meta.db_table, AuditEntry._meta.db_table}


def test_zero_days_keep_for_ever(settings: Any) -> None:
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "trace": 0, "mailbox_keys": 0}

    assert "messaging_tracestep" not in {rule.table for rule in retention.workspace_rules()}
    assert "updates that are done, unrouted or dead" not in {
        rule.what for rule in retention.public_rules()
    }


def test_a_batch_is_small_and_a_turn_has_an_end(acme: Workspace) -> None:
    for n in range(25):
        receive(acme, 100 - n / 10)
    rule = Rule("connections_inboundevent", "all", 30, "received_at")
    deleted: list[int] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("DELETE"):
            deleted.append(context["cursor"].rowcount)
        return result

    with scope.system(), database.execute_wrapper(watch):
        first = retention.apply(rule, now=NOW, batch=10, most=15)
        second = retention.apply(rule, now=NOW, batch=10)

    assert (first.count, first.is_done) == (20, False)
    assert (second.count, second.is_done) == (5, True)
    assert max(deleted) <= 10


def test_the_command_says_what_would_go_and_does_it(acme: Workspace, settings: Any) -> None:
    receive(acme, 4000)

    def run(*words: str) -> dict[str, int]:
        out = StringIO()
        call_command("retention", *words, "--json", stdout=out)
        return {line["what"]: line["rows"] for line in json.loads(out.getvalue())}

    what = "updates that are done, unrouted or dead"
    assert (run("--dry-run")[what], run("--dry-run")[what]) == (1, 1)
    assert (run()[what], run()[what]) == (1, 0)
    out = StringIO()
    call_command("retention", "--dry-run", stdout=out)
    assert f"0 would go: {what}, older than 30 days (connections_inboundevent)" in out.getvalue()


def test_the_hourly_job_does_the_same(acme: Workspace) -> None:
    receive(acme, 4000)

    workspace_tasks.keep_tables_small()

    with scope.system():
        assert not InboundEvent.objects.exists()


# --- A workspace's day -------------------------------------------------------------------------


def minute_of(space: Workspace) -> datetime:
    midnight = NOW.replace(hour=0, minute=0)
    return midnight + timedelta(days=200, minutes=space.pk % 1440)


def test_each_workspace_has_its_minute_of_the_day(acme: Workspace, rival: Workspace) -> None:
    assert keeping.keep(now=minute_of(acme)) == 1
    assert keeping.keep(now=minute_of(acme) - timedelta(minutes=1)) == 0
    day = [keeping.keep(now=minute_of(acme) + timedelta(minutes=n)) for n in range(5)]
    assert sum(day) == 2  # the neighbour's follows


def test_old_traces_go_and_their_messages_stay(way: Way) -> None:
    way.say("What time do you open?", wamid="wamid.1")
    with scope.workspace(way.space):
        old, young = TraceStep.objects.order_by("pk")[:2]
        TraceStep.objects.exclude(pk=old.pk).update(at=minute_of(way.space))
        TraceStep.objects.filter(pk=old.pk).update(at=minute_of(way.space) - timedelta(days=91))

    keeping.keep(now=minute_of(way.space))

    with scope.workspace(way.space):
        assert not TraceStep.objects.filter(pk=old.pk).exists()
        assert TraceStep.objects.filter(pk=young.pk).exists()
        assert Conversation.objects.get().messages.count() == 2
        assert not Alarm.objects.filter(kind=keeping.ALARM).exists()


def test_who_has_more_than_a_turn_comes_again_soon(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.say("What time do you open?", wamid="wamid.1")
    monkeypatch.setattr(keeping, "_MOST_ROWS", 1)
    monkeypatch.setattr(retention, "apply", _one_by_one)
    now = minute_of(way.space)
    keeping.keep(now=now)

    with scope.workspace(way.space):
        before = TraceStep.objects.count()
    assert keeping.keep(now=now + timedelta(seconds=60)) >= 1
    with scope.workspace(way.space):
        assert TraceStep.objects.count() < before
        TraceStep.objects.all().delete()
    keeping.keep(now=now + timedelta(minutes=2))
    with scope.workspace(way.space):
        assert not Alarm.objects.filter(kind=keeping.ALARM).exists()


_whole = retention.apply


def _one_by_one(rule: Rule, **options: Any) -> Any:
    return _whole(rule, **{**options, "batch": 1})


def test_an_alarm_that_was_lost_is_set_again(way: Way) -> None:
    way.say("help, I want a person", wamid="wamid.1")
    until = minute_of(way.space) + timedelta(hours=1)
    with scope.workspace(way.space):
        Conversation.objects.update(holder="person", held_until=until)
        Alarm.objects.all().delete()

    keeping.keep(now=minute_of(way.space))

    with scope.system():
        assert way.space.pk in alarms.due(kind="hand back", now=until)
        assert way.space.pk not in alarms.due(kind="hand back", now=until - timedelta(seconds=1))


def test_idle_workspaces_cost_the_hand_back_one_query(
    acme: Workspace, rival: Workspace, django_assert_num_queries: Any
) -> None:
    tasks.hand_back()
    with scope.system():
        assert not Alarm.objects.filter(kind="hand back").exists()

    with django_assert_num_queries(2):  # who speaks, and what is due
        tasks.hand_back()
