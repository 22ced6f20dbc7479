"""What a workspace may spend on models: never more, however many ask at once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction

from ai import budgets, choosing
from ai.models import Budget, Call
from connections import inbox
from lib import clock
from tests.ai import models
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db
CANDIDATES = [choosing.Candidate(11, "How much is delivery?", "Delivery is 2,500.", 0.5)]


def ask(way: Way, *references: int) -> set[int]:
    """Ask a model about these messages, in a transaction of its own unless one is open."""
    asks = [choosing.Ask(n, "how much", CANDIDATES, "c") for n in references]
    with scope.workspace(way.space), transaction.atomic():
        return choosing.request_all(workspace=way.space, asks=asks, now=clock.now())


def side_by_side(*works: Callable[[], object]) -> None:
    def run(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


@pytest.fixture
def each(committed_way: Way, settings: Any) -> int:
    """What one call may cost at the most."""
    settings.AI_API_KEY, settings.AI_ROUTES = "key", {"fast": "gpt-6-luna"}
    ask(committed_way, 1)
    with scope.workspace(committed_way.space):
        cost = Call.objects.get().estimated_nano
        Call.objects.all().delete()
        Budget.objects.all().delete()
    assert cost > 0
    return int(cost)


def test_thirty_who_ask_at_once_get_what_ten_may_have(
    committed_way: Way, settings: Any, each: int
) -> None:
    way = committed_way
    settings.AI_MONTHLY_LIMIT_NANO = each * 10 + each // 2
    granted: list[set[int]] = []

    side_by_side(
        *(
            lambda first=first: granted.extend(ask(way, first + n) for n in range(3))
            for first in range(0, 30, 3)
        )
    )

    assert (len(granted), sum(map(len, granted))) == (30, 10)
    with scope.workspace(way.space):
        assert models.left(way.space) == each // 2


def test_all_lanes_at_once_never_get_more_than_there_is(
    committed_way: Way, settings: Any, each: int
) -> None:
    way, most = committed_way, 200
    settings.AI_MONTHLY_LIMIT_NANO = each * most + each // 2

    def spend(lane: int) -> None:
        # In batches of other sizes, so that some pass by each other and some must wait.
        first = lane * 10_000
        while taken := ask(way, *range(first, first + 1 + 7 * lane)):
            first += len(taken)

    side_by_side(*(lambda lane=lane: spend(lane) for lane in range(budgets.ASKING_AT_ONCE)))

    with scope.workspace(way.space):
        assert Call.objects.count() == most


def test_a_transaction_that_asks_one_by_one_does_so_alone(
    committed_way: Way, settings: Any, each: int
) -> None:
    way, most, size = committed_way, 62, 30
    settings.AI_MONTHLY_LIMIT_NANO = each * most + each // 2

    def ask_one_by_one(lane: int) -> None:
        with scope.workspace(way.space), transaction.atomic():
            for n in range(size):
                one = choosing.Ask(lane * 1000 + n, "how much", CANDIDATES, "c")
                choosing.request_all(
                    workspace=way.space, asks=[one], now=clock.now(), is_alone=True
                )

    side_by_side(*(lambda lane=lane: ask_one_by_one(lane) for lane in range(4)))

    with scope.workspace(way.space):
        assert Call.objects.count() == most


def test_who_takes_little_of_plenty_waits_for_nobody(
    committed_way: Way, settings: Any, each: int
) -> None:
    way = committed_way
    settings.AI_MONTHLY_LIMIT_NANO = each * 1000
    ask(way, 1)
    is_open, may_commit, has_committed = (threading.Event() for _ in range(3))

    def slowly() -> None:
        with scope.workspace(way.space), transaction.atomic():
            ask(way, 2)
            is_open.set()
            may_commit.wait(10)
        has_committed.set()

    thread = threading.Thread(target=lambda: side_by_side(slowly))
    thread.start()
    assert is_open.wait(5)
    taken: list[set[int]] = []
    side_by_side(lambda: taken.append(ask(way, 3)))
    is_committed = has_committed.is_set()
    may_commit.set()
    thread.join(10)

    assert (taken, is_committed) == ([{3}], False)


def test_there_are_as_many_who_may_ask_at_once_as_lanes() -> None:
    assert len(inbox.TALK_LANES) <= budgets.ASKING_AT_ONCE
