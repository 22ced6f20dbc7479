"""An alarm rings by its time, for whom it concerns, and is never lost between two transactions."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.utils import ProgrammingError

from lib import clock
from tests.conftest import NOW
from tests.messaging.conftest import Way
from workspaces import alarms, scope
from workspaces.models import Alarm, Workspace

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def set_alarm(space: Workspace, due_at: object, kind: str = "k") -> None:
    with scope.workspace(space):
        alarms.set_at_latest(workspace_id=space.pk, kind=kind, due_at=due_at)  # type: ignore[arg-type]


def due(now: object, kind: str = "k") -> list[int]:
    with scope.system():
        return alarms.due(kind=kind, now=now)  # type: ignore[arg-type]


def test_it_rings_at_its_time_for_its_workspace_and_kind(acme: Workspace, rival: Workspace) -> None:
    set_alarm(acme, NOW + HOUR)
    set_alarm(rival, NOW + 3 * HOUR)
    set_alarm(rival, NOW, kind="another")

    assert due(NOW) == []
    assert due(NOW + HOUR) == [acme.pk]
    assert due(NOW + 3 * HOUR) == [acme.pk, rival.pk]


def test_the_earlier_of_two_stays(acme: Workspace) -> None:
    set_alarm(acme, NOW + 2 * HOUR)
    set_alarm(acme, NOW + HOUR)
    set_alarm(acme, NOW + 3 * HOUR)

    assert due(NOW + HOUR) == [acme.pk]


def test_it_is_set_to_what_comes_next_or_taken_off(acme: Workspace) -> None:
    set_alarm(acme, NOW)
    with scope.workspace(acme):
        assert alarms.settle(workspace_id=acme.pk, kind="k", find_next=lambda: NOW + HOUR)
    assert (due(NOW), due(NOW + HOUR)) == ([], [acme.pk])

    with scope.workspace(acme):
        assert alarms.settle(workspace_id=acme.pk, kind="k", find_next=lambda: None)
        assert not Alarm.objects.exists()
        assert not alarms.settle(workspace_id=acme.pk, kind="k", find_next=lambda: None)


def test_a_suspended_workspace_waits_until_it_is_active(acme: Workspace) -> None:
    set_alarm(acme, NOW)
    with scope.system():
        Workspace.objects.filter(pk=acme.pk).update(state="suspended")
        assert due(NOW) == []
        Workspace.objects.filter(pk=acme.pk).update(state="active")

    assert due(NOW) == [acme.pk]


def test_a_workspace_in_trouble_waits_behind_the_others(acme: Workspace) -> None:
    set_alarm(acme, NOW)
    with scope.system():
        alarms.put_off(workspace_id=acme.pk, kind="k", until=NOW + HOUR)

    assert (due(NOW), due(NOW + HOUR)) == ([], [acme.pk])


def test_another_workspace_cannot_set_it(acme: Workspace, rival: Workspace) -> None:
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with scope.workspace(acme), refused, transaction.atomic():
        alarms.set_at_latest(workspace_id=rival.pk, kind="k", due_at=NOW)


def test_who_sets_it_and_who_takes_it_off_never_miss_each_other(committed_way: Way) -> None:
    space, now = committed_way.space, clock.now()
    set_alarm(space, now)
    has_set, may_commit = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with scope.workspace(space), transaction.atomic():
                # There is an earlier one: nothing is written, but it must not go now.
                alarms.set_at_latest(workspace_id=space.pk, kind="k", due_at=now + HOUR)
                has_set.set()
                may_commit.wait(20)
        finally:
            database.close()

    holding = threading.Thread(target=hold)
    holding.start()
    assert has_set.wait(20)
    with scope.workspace(space):
        was_settled = alarms.settle(workspace_id=space.pk, kind="k", find_next=lambda: None)
    may_commit.set()
    holding.join()

    assert not was_settled
    assert due(now) == [space.pk]


def test_two_who_set_it_do_not_wait_for_each_other(committed_way: Way) -> None:
    space, now = committed_way.space, clock.now()
    set_alarm(space, now)
    is_set = threading.Event()

    def hold() -> None:
        try:
            with scope.workspace(space), transaction.atomic():
                alarms.set_at_latest(workspace_id=space.pk, kind="k", due_at=now + 2 * HOUR)
                is_set.set()
        finally:
            database.close()

    with scope.workspace(space), transaction.atomic():
        alarms.set_at_latest(workspace_id=space.pk, kind="k", due_at=now + HOUR)
        holding = threading.Thread(target=hold)
        holding.start()
        assert is_set.wait(20)
    holding.join()
