"""What a claim hands the sender: the number as it is now, by a plan that all workspaces share."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database

from connections import breaker, manager, outbox, recording, sender, tasks
from connections.calls import Outcome
from connections.models import Connection, OutboundJob
from connections.providers.base import Code, ProviderError, SendReceipt
from lib import clock
from messaging.models import BotSettings
from tests.connections.sends import now_is, put
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

State = OutboundJob.State
Answer = tuple[int, dict[str, Any]]
ACCEPTED = {"messages": [{"id": "wamid.X"}]}


def renew(way: Way, token: str) -> None:
    with scope.workspace(way.space):
        manager.add(
            workspace=way.space, provider="cloud_api", phone=way.connection.phone,
            external_id=way.connection.external_id, account_id=way.connection.account_id,
            secrets={"access_token": token}, actor=None, now=clock.now(), is_verified=True,
        )  # fmt: skip


def meanwhile(work: Any) -> Any:
    """Answer a send after somebody else has done `work`."""

    def answer() -> Answer:
        try:
            work()
        finally:
            database.close()
        return 200, ACCEPTED

    return answer


def send(way: Way) -> bool:
    return sender.send_due(workspace=way.space, connection_id=way.connection.pk)


def test_a_token_that_is_changed_in_the_middle_of_a_turn_is_used_at_once(
    committed_way: Way, settings: Any
) -> None:
    settings.SEND_IN_FLIGHT = 1
    way = committed_way
    way.api.answers.append(meanwhile(lambda: renew(way, "fresh")))
    for n in range(2):
        put(way, f"m{n}", talk=f"t{n}")

    send(way)

    assert [r["auth"] for r in way.api.requests] == ["Bearer token", "Bearer fresh"]


def test_a_number_that_is_removed_in_the_middle_of_a_turn_sends_nothing_more(
    committed_way: Way, settings: Any
) -> None:
    settings.SEND_IN_FLIGHT = 1
    way = committed_way

    def remove() -> None:
        with scope.workspace(way.space):
            Connection.objects.filter(pk=way.connection.pk).update(removed_at=clock.now())

    way.api.answers.append(meanwhile(remove))
    jobs = [put(way, f"m{n}", talk=f"t{n}") for n in range(2)]

    assert send(way) is False

    assert [now_is(job).state for job in jobs] == [State.ACCEPTED, State.QUEUED]
    assert way.api.count == 1


@pytest.mark.django_db
def test_a_wake_up_may_name_the_workspace_and_need_not(way: Way, rival: Workspace) -> None:
    jobs = [put(way, "m0")]
    tasks.send(connection_id=way.connection.pk)
    jobs.append(put(way, "m1"))
    tasks.send(connection_id=way.connection.pk, workspace_id=rival.pk)
    states = [now_is(job).state for job in jobs]
    tasks.send(connection_id=way.connection.pk, workspace_id=way.space.pk)

    assert states == [State.ACCEPTED, State.QUEUED]
    assert now_is(jobs[1]).state == State.ACCEPTED


@pytest.mark.django_db
def test_what_was_claimed_for_a_provider_that_is_down_goes_back_untried(way: Way) -> None:
    # This process has not met the number, so it could not know before.
    sender._seen.clear()
    for _ in range(breaker.FAILURES):
        breaker.note("cloud_api", ProviderError(Code.UNREACHABLE, "Nobody is there."))
    job = put(way, "m")

    assert send(way) is False

    assert way.api.requests == []
    assert (now_is(job).state, job.attempts) == (State.QUEUED, 0)


@pytest.mark.django_db
def test_one_plan_serves_all_workspaces(way: Way, rival: Workspace) -> None:
    for n in range(12):
        put(way, f"m{n}", talk=f"t{n}", message_id=n + 1)
    for n in range(6):
        for space in (way.space, rival):
            with scope.mailboxes(space):
                claimed = outbox.claim_batch(
                    workspace=space, connection_id=way.connection.pk, limit=n + 1, now=clock.now()
                )
                if claimed.connection is not None:
                    claimed.connection.state = Connection.State.CONNECTED
                    taken = [Outcome(job, SendReceipt("wamid.X", ms=1)) for job in claimed.jobs]
                    recording.record(connection=claimed.connection, outcomes=taken, now=clock.now())
        with scope.system():  # as the sweep of the same process does
            assert OutboundJob.objects.count() == 12

    with scope.mailboxes(way.space), database.cursor() as cursor:
        cursor.execute(
            "SELECT substring(statement, 'UPDATE connections_outboundjob'), custom_plans,"
            " generic_plans >= 4 FROM pg_prepared_statements"
            " WHERE statement ~ 'UPDATE connections_outboundjob'"
        )
        kept = cursor.fetchall()
    assert kept == [("UPDATE connections_outboundjob", 0, True)] * 2


def kept_plans(way: Way) -> dict[str, str]:
    """Return the plans by which this session claims and records."""
    parameters = {
        "pacing": [clock.now(), way.connection.pk, way.space.pk, 16, ""],
        "inbound": ["[]", clock.now(), "cloud_api", way.connection.pk, False],
    }
    with scope.mailboxes(way.space), database.cursor() as cursor:
        cursor.execute(
            "SELECT name, substring(statement, 'connections_(pacing|inbound)')"
            " FROM pg_prepared_statements WHERE statement ~ 'UPDATE connections_outboundjob'"
        )
        names = {what: name for name, what in cursor.fetchall()}
        plans = {}
        for what, values in parameters.items():
            marks = ", ".join(["%s"] * len(values))
            cursor.execute(f"EXPLAIN EXECUTE {names[what]}({marks})", values)
            plans[what] = "\n".join(line for (line,) in cursor.fetchall())
    return plans


@pytest.fixture
def unanalysed() -> Iterator[None]:
    """Keep the analyzer from the outbox.

    One that comes while a test's rows are not committed yet finds many pages and no row, and has
    the planner believe that none fits into as many more.
    """
    with scope.owner(), database.cursor() as cursor:
        cursor.execute("ALTER TABLE connections_outboundjob SET (autovacuum_enabled = off)")
    yield
    with scope.owner(), database.cursor() as cursor:
        cursor.execute("ALTER TABLE connections_outboundjob RESET (autovacuum_enabled)")


def test_plans_made_while_the_tables_were_empty_do_not_serve_a_deep_line(
    committed_way: Way, unanalysed: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, now = committed_way, clock.now()
    monkeypatch.setattr(sender, "TURN_SECONDS", 0.5)
    put(way, "first", talk="first", message_id=1)
    send(way)
    with scope.workspace(way.space):
        OutboundJob.objects.bulk_create(
            OutboundJob(
                workspace=way.space, connection=way.connection, key=f"m{n}", kind="text",
                conversation_key=f"t{n}", created_at=now, due_at=now, message_id=n,
                payload={"kind": "text", "to_phone": "+2348061112222", "text": "hello"},
            )
            for n in range(4_000)
        )  # fmt: skip

    assert send(way) is True

    for plan in kept_plans(way).values():
        assert "Index Scan using outbound_key_once" not in plan
        assert "connections_outboundjob_pkey" in plan


@pytest.mark.django_db
def test_who_speaks_for_the_mailboxes_sees_no_content(way: Way, rival: Workspace) -> None:
    put(way, "m")
    with scope.mailboxes(rival), database.cursor() as cursor:
        assert not OutboundJob.objects.exists()
        assert list(Workspace.objects.all()) == [rival]
        cursor.execute("SELECT current_schema(), to_regclass(%s)", [BotSettings._meta.db_table])
        assert cursor.fetchone() == ("public", None)
        cursor.execute("SELECT current_setting('enable_seqscan')")
        assert cursor.fetchone() == ("off",)
    with scope.workspace(rival), database.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_seqscan')")
        assert cursor.fetchone() == ("on",)
        assert BotSettings.objects.exists()


def test_a_claim_and_its_outcome_wait_for_the_disk(way: Way) -> None:
    """What a crash of the server took back would be sent again, or be nobody's."""
    put(way, "m0", talk="t0")
    with scope.mailboxes(way.space), database.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")  # as in production, not in tests

        claimed = outbox.claim_batch(
            workspace=way.space, connection_id=way.connection.pk, limit=1, now=clock.now()
        )
        recording.record(
            connection=claimed.connection or way.connection,
            outcomes=[Outcome(job, receipt=SendReceipt("wamid.X", 1)) for job in claimed.jobs],
            now=clock.now(),
        )

        assert len(claimed.jobs) == 1
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
