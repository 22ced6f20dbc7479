"""The pace of a number and of a customer, with a clock of our own."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db import connection as database

from connections import allowances, outbox, pacing
from connections.events import OutboundKind
from connections.models import Connection, OutboundJob, PairPacing
from lib import clock
from tests.connections.sends import accept, fix, put
from tests.connections.test_outbox_racing import together
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import User

ROOT = Path(__file__).resolve().parents[2]


def take(way: Way, now: datetime, *, limit: int = 1_000) -> pacing.Claimed:
    with scope.workspace(way.space):
        return outbox.claim_batch(
            workspace=way.space, connection_id=way.connection.pk, limit=limit, now=now
        )


def pace(way: Way, rate: int) -> None:
    with scope.workspace(way.space):
        Connection.objects.filter(pk=way.connection.pk).update(rate_per_second=rate)


def fill(way: Way, count: int, *, now: datetime, talks: int = 0) -> None:
    for n in range(count):
        put(way, f"m{n}", talk=f"t{n % talks if talks else n}", now=now)


@pytest.mark.django_db
def test_a_batch_holds_the_oldest_of_each_conversation(way: Way) -> None:
    now = clock.now()
    for key, talk in (("a1", "A"), ("a2", "A"), ("b1", "B"), ("a3", "A"), ("c1", "C")):
        put(way, key, talk=talk, now=now)

    first, second = take(way, now), take(way, now)

    assert [job.key for job in first.jobs] == ["a1", "b1", "c1"]
    assert second.jobs == []


@pytest.mark.django_db
def test_a_number_sends_one_seconds_worth_at_once_and_then_its_rate(way: Way) -> None:
    now = clock.now()
    pace(way, 10)
    fill(way, 60, now=now)
    counts = []

    for tenth in range(31):  # three seconds
        counts.append(len(take(way, now + timedelta(seconds=tenth / 10)).jobs))

    assert counts[0] == 10
    assert counts[1:] == [1] * 30


@pytest.mark.django_db
def test_after_a_rest_no_more_than_one_seconds_worth_is_saved_up(way: Way) -> None:
    now = clock.now()
    pace(way, 5)
    fill(way, 20, now=now)
    take(way, now)

    after_an_hour = take(way, now + timedelta(hours=1))

    assert len(after_an_hour.jobs) == 5


@pytest.mark.django_db
@pytest.mark.parametrize("rate", [1, 3, 7, 80, 999])
def test_who_is_held_back_is_told_how_long_and_it_is_enough(way: Way, rate: int) -> None:
    now = clock.now()
    pace(way, rate)
    fill(way, 4, now=now)
    with scope.workspace(way.space):
        take(way, now, limit=1)
        full = now + timedelta(seconds=1) - timedelta(milliseconds=1)
        with database.cursor() as cursor:
            cursor.execute("UPDATE connections_pacing SET arrives_at = %s", [full])

    held = take(way, now)
    later = take(way, now + timedelta(seconds=held.wait_seconds + 0.0001))

    assert held.jobs == [] or rate == 999
    assert 0 < held.wait_seconds <= 1 / rate
    assert len(later.jobs) >= 1


@pytest.mark.django_db
def test_a_batch_within_the_pace_is_not_held_back(way: Way) -> None:
    now = clock.now()
    fill(way, 20, now=now)

    claimed = take(way, now, limit=16)

    assert (len(claimed.jobs), claimed.wait_seconds) == (16, 0.0)


@pytest.mark.django_db
def test_read_marks_are_no_messages(way: Way) -> None:
    now = clock.now()
    pace(way, 2)
    for n in range(2):
        put(way, f"r{n}", talk=f"r{n}", kind=OutboundKind.READ, now=now)
    take(way, now)
    fill(way, 5, now=now)

    assert len(take(way, now).jobs) == 2
    with scope.workspace(way.space):
        assert PairPacing.objects.count() == 2


@pytest.mark.django_db
def test_a_customer_gets_45_at_once_and_then_one_in_six_seconds(way: Way) -> None:
    now = clock.now()
    pace(way, 1000)
    fill(way, 60, now=now, talks=1)
    moments = []

    for second in range(31):
        at = now + timedelta(seconds=second)
        while jobs := take(way, at).jobs:
            assert len(jobs) == 1
            moments.append(second)
            assert accept(way, jobs[0], "w", now=at)

    assert moments[:45] == [0] * 45
    assert moments[45:] == [6, 12, 18, 24, 30]


@pytest.mark.django_db
def test_a_customer_over_the_pace_holds_up_nobody_else(way: Way) -> None:
    now = clock.now()
    put(way, "a1", talk="A", now=now)
    put(way, "b1", talk="B", now=now)
    with scope.workspace(way.space), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_pairpacing (connection_id, workspace_id, digest, arrives_at)"
            " VALUES (%s, %s, hashtextextended('A', 0), %s)",
            [way.connection.pk, way.space.pk, now + timedelta(minutes=5)],
        )

    assert [job.key for job in take(way, now).jobs] == ["b1"]
    assert [job.key for job in take(way, now + timedelta(minutes=1)).jobs] == ["a1"]


@pytest.mark.django_db
def test_paces_that_are_long_past_are_forgotten(way: Way) -> None:
    now = clock.now()
    fill(way, 3, now=now)
    take(way, now)

    with scope.system():
        early = pacing.forget(now=now + timedelta(seconds=30))
        late = pacing.forget(now=now + timedelta(minutes=2))

    assert (early, late) == (0, 3)


@pytest.mark.django_db
@pytest.mark.parametrize("rate", [0, -1, 1_001])
def test_a_pace_out_of_bounds_is_refused(way: Way, sam: User, rate: int) -> None:
    with scope.workspace(way.space):
        with pytest.raises(ValueError, match="1 to 1,000"):
            allowances.set_pace(
                connection=way.connection, rate_per_second=rate, actor=sam, now=clock.now()
            )
        with pytest.raises(IntegrityError), transaction.atomic():
            Connection.objects.filter(pk=way.connection.pk).update(rate_per_second=rate)


@pytest.mark.django_db
def test_one_workspace_does_not_see_the_paces_of_another(way: Way, rival: Any) -> None:
    fill(way, 1, now=clock.now())
    take(way, clock.now())

    with scope.workspace(rival), database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM connections_pacing")
        numbers = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM connections_pairpacing")
        pairs = cursor.fetchone()[0]

    assert (numbers, pairs) == (0, 0)


def test_many_senders_together_keep_the_pace(committed_way: Way) -> None:
    now = clock.now()
    pace(committed_way, 20)
    fill(committed_way, 60, now=now)

    claimed = together(6, lambda: sum(len(take(committed_way, now, limit=4).jobs) for _ in "12345"))

    assert sum(claimed) == 20


_CLAIM_ALL = """
import os, sys
import django
django.setup()
from connections import outbox
from lib import clock
from workspaces import registry, scope
space = registry.by_id(int(sys.argv[1]))
sys.stdin.readline()
with scope.workspace(space):
    while jobs := outbox.claim_batch(
        workspace=space, connection_id=int(sys.argv[2]), limit=3, now=clock.now()
    ).jobs:
        print(*(job.pk for job in jobs))
"""


@pytest.mark.processes
def test_two_processes_never_claim_the_same_send(committed_way: Way) -> None:
    way = committed_way
    fill(way, 60, now=clock.now())
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{database.settings_dict['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "BACKROOM_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIM_ALL, str(way.space.pk), str(way.connection.pk)],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip

    outputs = [process.communicate("go\n", timeout=60)[0] for process in processes]

    claimed = [int(word) for output in outputs for word in output.split() if word.isdigit()]
    with scope.workspace(way.space):
        expected = list(OutboundJob.objects.values_list("pk", flat=True).order_by("pk"))
    assert sorted(claimed) == expected


@pytest.mark.django_db
def test_a_claim_given_back_counts_no_try(way: Way) -> None:
    now = clock.now()
    fill(way, 2, now=now)
    jobs = take(way, now).jobs
    fix(jobs[1], claimed_at=now - timedelta(hours=1))  # somebody else's by now

    with scope.workspace(way.space):
        count = outbox.give_back(jobs=jobs, now=now)
        found = list(OutboundJob.objects.order_by("pk").values_list("state", "attempts"))

    assert count == 1
    assert found == [("queued", 0), ("sending", 1)]


# --- When the next may go --------------------------------------------------------------------


def next_in(way: Way, now: datetime) -> float | None:
    with scope.workspace(way.space):
        return pacing.next_in_seconds(connection_id=way.connection.pk, now=now)


@pytest.mark.django_db
def test_the_next_is_the_oldest_of_its_conversation_once_it_is_due(way: Way) -> None:
    now = clock.now()
    put(way, "a1", talk="A", now=now, not_before=now + timedelta(seconds=3))
    put(way, "a2", talk="A", now=now)

    assert next_in(way, now) == pytest.approx(3.0)


@pytest.mark.django_db
def test_nothing_is_next_behind_one_that_is_being_sent(way: Way) -> None:
    now = clock.now()
    put(way, "a1", talk="A", now=now)
    put(way, "a2", talk="A", now=now)
    take(way, now)

    assert next_in(way, now + timedelta(seconds=6)) is None


@pytest.mark.django_db
def test_a_customer_over_the_pace_is_next_when_it_allows_one(way: Way) -> None:
    now = clock.now()
    put(way, "a1", talk="A", now=now)
    with scope.workspace(way.space), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_pairpacing (connection_id, workspace_id, digest, arrives_at)"
            " VALUES (%s, %s, hashtextextended('A', 0), %s)",
            [way.connection.pk, way.space.pk, now + timedelta(seconds=6 * 44 + 30)],
        )

    seconds = next_in(way, now)

    assert seconds == pytest.approx(30.0)
    assert take(way, now + timedelta(seconds=29.9)).jobs == []
    assert [job.key for job in take(way, now + timedelta(seconds=30.1)).jobs] == ["a1"]
