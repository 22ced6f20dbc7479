"""Asking one call: the routes in order, the deadline, and a model that rests after its failures."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ai import asking, breaker, gateway
from lib import clock

NONE = '{"verdict": "none"}'


@pytest.fixture(autouse=True)
def _two_models(settings: Any) -> Iterator[None]:
    settings.AI_API_KEY = "key"
    settings.AI_ROUTES = {"fast": "gpt-6-luna", "backup": "claude-haiku-5-5"}
    breaker.forget()
    yield
    breaker.forget()


def call(seconds: float = 1.9) -> asking.Asked:
    return asking.Asked(
        call_id=1,
        workspace_id=1,
        purpose="choose",
        prompt=json.dumps({"entries": [], "message": "m"}),
        entry_count=2,
        estimated_nano=100,
        correlation="c",
        deadline_at=clock.now() + timedelta(seconds=seconds),
    )


def consult(seconds: float = 1.9) -> asking.Outcome:
    return gateway.run(asking.consult(call(seconds)), seconds=5)


def models(monkeypatch: pytest.MonkeyPatch, **answers: str) -> Counter[str]:
    """Let each route answer, or fail with a word of one piece; count who is asked."""
    asked: Counter[str] = Counter()

    async def complete(*, route: str, **_: Any) -> gateway.Reply:
        asked[route] += 1
        said = answers[route]
        if not said.startswith("{"):
            raise gateway.UnableToComplete(said, may_have_cost=said != "throttled")
        return gateway.Reply(said, route, 10, 1, 5)

    monkeypatch.setattr(gateway, "complete", complete)
    return asked


def test_the_backup_answers_when_the_fast_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    models(monkeypatch, fast="broken", backup=NONE)

    outcome = consult()

    assert (outcome.route, outcome.failure) == ("backup", "")
    assert outcome.cost_nano > 50  # what the first may have cost, and what the second did


def test_without_a_backup_the_one_model_has_the_whole_time(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.AI_ROUTES = {"fast": "gpt-6-luna"}
    given: list[float] = []

    async def complete(*, seconds: float, **_: Any) -> gateway.Reply:
        given.append(seconds)
        return gateway.Reply(NONE, "gpt-6-luna", 1, 1, 1)

    monkeypatch.setattr(gateway, "complete", complete)
    consult(1.9)

    assert given[0] > 1.5


def test_with_no_time_left_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = models(monkeypatch, fast=NONE, backup=NONE)

    assert consult(0.1).failure == "late"
    assert not asked


def test_a_model_that_fails_again_and_again_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = models(monkeypatch, fast="timeout", backup=NONE)

    routes = [consult().route for _ in range(breaker.FAILURES + 3)]

    assert set(routes) == {"backup"}
    assert asked == {"fast": breaker.FAILURES, "backup": breaker.FAILURES + 3}


def test_when_both_rest_the_customer_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = models(monkeypatch, fast="broken", backup="timeout")
    for _ in range(breaker.FAILURES):
        consult()
    before = asked.total()

    outcome = consult()

    assert (outcome.failure, outcome.cost_nano) == ("resting", 0)
    assert asked.total() == before


def test_after_its_rest_one_call_tries_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = breaker.Breaker()
    for _ in range(breaker.FAILURES):
        guard.note(is_failure=True)
    assert guard.allows() is False

    monkeypatch.setattr(breaker, "REST_SECONDS", 0.0)
    guard.note(is_failure=True)
    monkeypatch.setattr(breaker, "REST_SECONDS", 60.0)

    assert [guard.allows() for _ in range(3)] == [True, False, False]
    guard.note(is_failure=False)
    assert [guard.allows() for _ in range(3)] == [True, True, True]


def test_a_vendor_that_refuses_is_there_and_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = models(monkeypatch, fast="throttled", backup=NONE)

    for _ in range(breaker.FAILURES * 2):
        consult()

    assert asked["fast"] == breaker.FAILURES * 2
