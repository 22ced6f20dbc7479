"""The line in front of the models: fair, each call once, booked exactly whatever happens."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database

from ai import asking, choosing, gateway, line
from ai.models import Budget, Call
from billing.models import UsageEvent
from lib import clock
from tests.ai import models
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
CANDIDATES = [
    choosing.Candidate(11, "How much is delivery?", "Delivery is 2,500.", 0.5),
    choosing.Candidate(12, "What time do you open?", "We open at nine.", 0.4),
]


def asks(references: Sequence[int]) -> list[choosing.Ask]:
    return [choosing.Ask(n, f"when do you open {n}", CANDIDATES, f"c{n}") for n in references]


def request(space: Workspace, references: Sequence[int], now: datetime | None = None) -> set[int]:
    with scope.workspace(space):
        return choosing.request_all(workspace=space, asks=asks(references), now=now or clock.now())


def take(space: Workspace, *, limit: int = 100, seconds_later: float = 0) -> list[choosing.Choice]:
    with scope.workspace(space):
        return choosing.take_settled(
            workspace=space, limit=limit, now=clock.now() + timedelta(seconds=seconds_later)
        )


def owners(calls: Sequence[asking.Asked]) -> list[int]:
    return [call.workspace_id for call in calls]


# --- Into the line -----------------------------------------------------------------------------


def test_many_are_asked_in_a_few_statements(
    acme: Workspace, django_assert_max_num_queries: Any
) -> None:
    request(acme, [1])
    with django_assert_max_num_queries(8):  # two of them savepoints, one the scope
        assert request(acme, range(2, 150)) == set(range(2, 150))


def test_who_was_asked_about_before_is_not_accepted_again(acme: Workspace, settings: Any) -> None:
    settings.AI_API_KEY, settings.AI_ROUTES = "key", {"fast": "gpt-6-luna"}
    request(acme, [1, 2])

    assert request(acme, [1, 2, 3]) == {3}
    with scope.workspace(acme):
        estimates = sum(Call.objects.values_list("estimated_nano", flat=True))
        free = models.left(acme)
        assert Budget.objects.get().limit_nano - free == estimates > 0


def test_a_budget_for_two_lets_the_first_two_pass(acme: Workspace, settings: Any) -> None:
    settings.AI_API_KEY, settings.AI_ROUTES = "key", {"fast": "gpt-6-luna"}
    request(acme, [1])
    with scope.workspace(acme):
        each = Call.objects.get().estimated_nano
        Budget.objects.update(limit_nano=each * 3 + each // 2)

    assert request(acme, range(2, 9)) == {2, 3}


# --- Out of the line ---------------------------------------------------------------------------


def test_a_workspace_with_one_call_does_not_stand_behind_anothers_many(
    acme: Workspace, rival: Workspace
) -> None:
    request(acme, range(50))
    request(rival, [1, 2])

    first = line.claim(limit=4, busy={}, now=clock.now())
    request(rival, [3])
    second = line.claim(limit=1, busy={acme.pk: 2, rival.pk: 0}, now=clock.now())

    assert sorted(owners(first)) == sorted([acme.pk, acme.pk, rival.pk, rival.pk])
    assert owners(second) == [rival.pk]


def test_what_is_in_flight_counts_for_whose_turn_it_is(acme: Workspace, rival: Workspace) -> None:
    request(acme, range(10))
    request(rival, range(10))

    calls = line.claim(limit=6, busy={acme.pk: 4}, now=clock.now())

    assert owners(calls).count(rival.pk) == 5


def test_a_call_is_taken_out_of_the_line_once(acme: Workspace) -> None:
    request(acme, range(5))

    first = line.claim(limit=3, busy={}, now=clock.now())
    second = line.claim(limit=100, busy={}, now=clock.now())

    taken = [call.call_id for call in (*first, *second)]
    assert len(taken) == len(set(taken)) == 5
    assert line.claim(limit=100, busy={}, now=clock.now()) == []


def test_lanes_that_claim_at_once_never_get_the_same_call(committed_way: Way) -> None:
    request(committed_way.space, range(60))
    taken: list[int] = []
    ready = threading.Barrier(4)

    def claim() -> None:
        try:
            ready.wait()
            for _ in range(10):
                calls = line.claim(limit=7, busy={}, now=clock.now())
                taken.extend(call.call_id for call in calls)
        finally:
            database.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 60


def test_time_in_line_does_not_count_as_the_models(acme: Workspace, settings: Any) -> None:
    now = clock.now()
    request(acme, [1], now=now)
    later = now + timedelta(seconds=30)

    (call,) = line.claim(limit=1, busy={}, now=later)

    assert call.deadline_at == later + timedelta(seconds=settings.AI_DEADLINE_SECONDS)


def test_who_stood_in_line_too_long_goes_on_without_a_model(acme: Workspace, settings: Any) -> None:
    now = clock.now() - timedelta(seconds=settings.AI_LINE_SECONDS + 1)
    request(acme, [1], now=now)

    assert line.claim(limit=1, busy={}, now=clock.now()) == []
    with scope.system():
        assert acme.pk in choosing.find_late(now=clock.now())
    (choice,) = take(acme)
    assert (choice.verdict, choice.failure) == ("failed", "late")


# --- Into the books ----------------------------------------------------------------------------


def test_calls_of_two_workspaces_are_booked_to_each(
    acme: Workspace, rival: Workspace, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.AI_API_KEY, settings.AI_ROUTES = "key", {"fast": "gpt-6-luna"}

    async def complete(**_: Any) -> gateway.Reply:
        return gateway.Reply('{"verdict": "none"}', "gpt-6-luna", 1000, 20, 5)

    monkeypatch.setattr(gateway, "complete", complete)
    request(acme, [1, 2, 3])
    request(rival, [1])

    assert models.answer() == 4

    for space, count in ((acme, 3), (rival, 1)):
        with scope.workspace(space):
            budget = Budget.objects.get()
            tokens = UsageEvent.objects.filter(meter="ai_tokens")
            free = models.left(space)
            assert (budget.spent_nano, free) == (
                110_000 * count,
                budget.limit_nano - 110_000 * count,
            )
            assert [use.quantity for use in tokens] == [1020] * count


def test_a_batch_is_settled_in_as_many_statements_as_one(
    acme: Workspace, rival: Workspace, django_assert_max_num_queries: Any
) -> None:
    request(acme, range(40))
    request(rival, range(40))
    calls = line.claim(limit=80, busy={}, now=clock.now())
    outcomes = [gateway.run(asking.consult(call), seconds=5) for call in calls]

    with django_assert_max_num_queries(11):
        assert line.settle(outcomes=outcomes, now=clock.now()) == 80


def test_an_outcome_is_booked_once(acme: Workspace) -> None:
    request(acme, [1])
    (call,) = line.claim(limit=1, busy={}, now=clock.now())
    outcome = gateway.run(asking.consult(call), seconds=5)

    assert line.settle(outcomes=[outcome], now=clock.now()) == 1
    assert line.settle(outcomes=[outcome], now=clock.now()) == 0


def test_a_vendor_that_counts_wildly_keeps_no_other_from_being_settled(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def complete(**_: Any) -> gateway.Reply:
        return gateway.Reply('{"verdict": "none"}', "x" * 300, 10**15, -5, 5)

    monkeypatch.setattr(gateway, "complete", complete)
    request(acme, [1, 2])

    assert models.answer() == 2
    assert len(take(acme)) == 2


# --- Taking up ---------------------------------------------------------------------------------


def test_settled_and_late_ones_are_handed_out_once_together(acme: Workspace) -> None:
    request(acme, [1, 2, 3])
    models.answer(limit=2)

    first = take(acme)
    late = take(acme, seconds_later=61)

    assert [(c.reference, c.verdict, c.entry_id) for c in first] == [
        (1, "answer", 12),
        (2, "answer", 12),
    ]
    assert [(c.reference, c.verdict, c.failure) for c in late] == [(3, "failed", "late")]
    assert take(acme, seconds_later=999) == []


def test_what_is_still_being_asked_is_not_handed_out(acme: Workspace) -> None:
    request(acme, [1, 2])
    line.claim(limit=1, busy={}, now=clock.now())

    assert take(acme) == []


def test_handing_out_many_takes_a_few_statements(
    acme: Workspace, django_assert_max_num_queries: Any
) -> None:
    request(acme, range(60))
    models.answer()

    with django_assert_max_num_queries(5):
        assert len(take(acme, limit=50)) == 50
    assert len(take(acme, limit=50)) == 10


def test_nobody_elses_choices_are_handed_out(acme: Workspace, rival: Workspace) -> None:
    request(acme, [1])
    models.answer()

    assert take(rival) == []
    assert len(take(acme)) == 1


def test_two_who_take_up_at_once_share_what_there_is(committed_way: Way) -> None:
    space = committed_way.space
    request(space, range(40))
    models.answer()
    found: list[int] = []
    ready = threading.Barrier(4)

    def take_all() -> None:
        try:
            ready.wait()
            for _ in range(10):
                found.extend(choice.reference for choice in take(space, limit=5))
        finally:
            database.close()

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == list(range(40))


def test_a_settled_choice_that_nobody_took_up_is_found(acme: Workspace) -> None:
    request(acme, [1])
    models.answer()
    now = clock.now()

    with scope.system():
        at_once = choosing.find_late(now=now)
        later = choosing.find_late(now=now + timedelta(seconds=2))

    assert acme.pk not in at_once
    assert acme.pk in later
