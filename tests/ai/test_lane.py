"""The model lane in real processes: many at once, nothing held, nothing lost, nothing paid twice."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ai import model_server
from tests.house import House, wait_until
from tests.lib import sockets

pytestmark = pytest.mark.processes
IN_FLIGHT = 60
ECHO_SECONDS = 0.3
MANY = 1500  # so many that a test is sure to come in their middle

_ASK = """
from ai import choosing
from lib import clock
from workspaces import registry, scope
candidates = [choosing.Candidate(12, "What time do you open?", "We open at nine.", 0.4)]
for slug, first, count in {wanted!r}:
    space = registry.by_slug(slug)
    with scope.workspace(space):
        accepted = choosing.request_all(workspace=space, now=clock.now(), asks=[
            choosing.Ask(n, "when do you open", candidates, "c") for n in range(first, first + count)])
        assert len(accepted) == count
"""
_TAKE = """
import json
from ai import choosing
from lib import clock
from workspaces import registry, scope
space = registry.by_slug({slug!r})
with scope.workspace(space):
    found = choosing.take_settled(workspace=space, limit=5000, now=clock.now())
print(json.dumps([[c.reference, c.verdict, c.failure] for c in found]))
"""

_SUGGEST = """
from ai import suggesting
from lib import clock
from workspaces import registry, scope
for slug in ("big", "small"):
    space = registry.by_slug(slug)
    with scope.workspace(space):
        suggesting.request(workspace=space, reference=7, question="How much is delivery?",
            answer="2,500.", known=[], now=clock.now())
"""
_SUGGESTED = """
import json
from ai import suggesting
from lib import clock
from workspaces import registry, scope
found = []
for slug in ("big", "small"):
    space = registry.by_slug(slug)
    with scope.workspace(space):
        found.append(suggesting.of(workspace=space, references=[7], now=clock.now())[7].texts)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("lane"), database="backroom_lane")
    house.environment |= {
        "AI_ECHO_SECONDS": str(ECHO_SECONDS),
        "AI_IN_FLIGHT": str(IN_FLIGHT),
        # Judged by what is counted, not by the clock of a busy machine.
        "AI_DEADLINE_SECONDS": "5",
    }
    try:
        house.manage("migrate", "--noinput", "-v0")
        for slug in ("big", "small"):
            house.manage(
                "workspace_create", "--name", slug, "--slug", slug, "--owner", "o@lane.example"
            )
        yield house
    finally:
        house.stop()
        house.drop_database()


@pytest.fixture
def house(built: House) -> Iterator[House]:
    """A house with an empty line, Redis and the lane."""
    for table in ("ai_call", "ai_budget"):
        built.sql(f"DELETE FROM {table} RETURNING id")
    (built.folder / "ai.log").unlink(missing_ok=True)
    built.start("redis", "ai")
    yield built
    built.stop()


def ask(house: House, *wanted: tuple[str, int, int]) -> None:
    house.manage("shell", "-v0", "-c", _ASK.format(wanted=list(wanted)))


def take(house: House, slug: str) -> list[list[Any]]:
    out = house.manage("shell", "-v0", "-c", _TAKE.format(slug=slug)).stdout
    found: list[list[Any]] = json.loads(out.strip().splitlines()[-1])
    return found


def states(house: House) -> dict[str, int]:
    return dict(house.sql("SELECT state, count(*) FROM ai_call GROUP BY 1"))


def events(log: Path, name: str) -> list[dict[str, Any]]:
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    return [event for line in lines if (event := json.loads(line))["event"] == name]


def is_booked_exactly(house: House) -> bool:
    """What the calls did cost is what is spent, and each answer's tokens are in the ledger once."""
    unbooked = house.sql(
        "SELECT (SELECT coalesce(sum(spent_nano), 0) FROM ai_budget)"
        " - (SELECT coalesce(sum(cost_nano), 0) FROM ai_call)"
    )[0][0]
    wrong = house.sql(
        "SELECT count(*) FROM ai_call c FULL JOIN (SELECT subject, sum(quantity) AS tokens"
        " FROM billing_usageevent WHERE meter_id = 'ai_tokens' GROUP BY 1) u ON u.subject = c.id"
        " WHERE coalesce(c.tokens_in + c.tokens_out, 0) <> coalesce(u.tokens, 0)"
        " AND c.id IS NOT NULL"
    )[0][0]
    return bool(unbooked == 0 and wrong == 0)


def test_as_many_wait_at_once_as_may_and_nothing_is_held_meanwhile(house: House) -> None:
    seen: list[tuple[int, int]] = []

    def watched() -> bool:
        seen.append(
            house.sql(
                "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%'"
                " AND now() - state_change > interval '100 ms') FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )[0]
        )
        return states(house).get("settled") == 300

    ask(house, ("big", 1, 300))
    wait_until(watched, "all are settled", house)

    asked = events(house.folder / "ai.log", "ai.calls.asked")
    assert max(event["in_flight"] for event in asked) == IN_FLIGHT
    assert sum(event["calls"] for event in asked) == 300
    # Two of the lane, and one of whoever else in that process looked for a moment.
    assert max(count for count, _ in seen) <= 4
    assert max(held for _, held in seen) == 0
    assert is_booked_exactly(house)
    assert [verdict for _, verdict, _ in take(house, "big")] == ["answer"] * 300


def test_a_small_workspace_does_not_wait_for_a_big_one(house: House) -> None:
    ask(house, ("big", 1, 600), ("small", 1, 5))

    wait_until(lambda: states(house).get("settled") == 605, "all are settled", house)

    order = [
        slug
        for (slug,) in house.sql(
            "SELECT w.slug FROM ai_call c JOIN workspaces_workspace w ON w.id = c.workspace_id"
            " ORDER BY c.settled_at, c.id"
        )
    ]
    last = max(place for place, slug in enumerate(order) if slug == "small")
    assert last < 4 * IN_FLIGHT


def test_two_lanes_never_ask_one_call_twice(house: House) -> None:
    log = house.folder / "second.log"
    with log.open("wb") as out:
        second = subprocess.Popen(
            [*house._command("ai"), "--hostname", "ai2@h"], env=house._environment("ai"),
            cwd=Path(__file__).resolve().parents[2], stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: (house.folder / "ai2.alive").exists(), "the second lives", house)
        ask(house, ("big", 1, 600))
        wait_until(lambda: states(house).get("settled") == 600, "all are settled", house)
    finally:
        os.killpg(second.pid, signal.SIGKILL)
        second.wait()

    by_each = [
        sum(event["calls"] for event in events(path, "ai.calls.asked"))
        for path in (house.folder / "ai.log", log)
    ]
    assert sum(by_each) == 600 and min(by_each) > 0
    assert is_booked_exactly(house)


def test_without_a_broker_the_lane_finds_its_work(house: House) -> None:
    house.kill("redis")

    ask(house, ("big", 1, 20))

    wait_until(lambda: states(house).get("settled") == 20, "all are settled", house)


def test_what_a_killed_lane_had_in_hand_goes_on_without_the_model(house: House) -> None:
    ask(house, ("big", 1, MANY))
    wait_until(lambda: {"settled", "asked"} <= set(states(house)), "it is in the middle", house)

    house.kill("ai")
    in_hand = house.sql("SELECT reference FROM ai_call WHERE state = 'asked'")
    house.start("ai")
    wait_until(lambda: "waiting" not in states(house), "the others are asked", house)
    wait_until(
        lambda: (
            house.sql("SELECT count(*) FROM ai_call WHERE state = 'asked' AND deadline_at > now()")[
                0
            ][0]
            == 0
        ),
        "the deadlines of those in hand are over",
        house,
    )
    found = {reference: (verdict, failure) for reference, verdict, failure in take(house, "big")}

    assert in_hand and len(found) == MANY
    for (reference,) in in_hand:
        assert found.pop(reference) == ("failed", "late")
    assert set(found.values()) == {("answer", "")}
    assert is_booked_exactly(house)


def test_asked_to_end_it_settles_what_is_in_hand_and_takes_no_more(house: House) -> None:
    ask(house, ("big", 1, MANY))
    wait_until(lambda: {"settled", "asked"} <= set(states(house)), "it is in the middle", house)

    process = house.processes.pop("ai")
    process.terminate()
    code = process.wait(20)

    left = states(house)
    assert code == 0
    assert set(left) == {"settled", "waiting"}
    assert left["settled"] + left["waiting"] == MANY and left["waiting"] > 0
    tokens = house.sql("SELECT count(*) FROM ai_call WHERE tokens_in > 0")[0][0]
    assert tokens == left["settled"]


@pytest.fixture
def vendor(built: House) -> Iterator[Counter[str]]:
    """A model of a vendor behind the lane, which writes phrasings; counts who asked."""
    hits: Counter[str] = Counter()
    before = built.environment
    with sockets.serving(lambda visitor: model_server.talk(visitor, hits)) as server:
        built.environment = before | {
            "AI_API_KEY": "key",
            "AI_FAST_MODEL": "openai/m",
            "AI_API_BASE": f"{server.url}/phrasings",
        }
        yield hits
    built.environment = before


def test_suggestions_come_by_the_lane_through_the_real_library(
    vendor: Counter[str], house: House
) -> None:
    house.manage("shell", "-v0", "-c", _SUGGEST)
    wait_until(lambda: states(house) == {"settled": 2}, "both are settled", house)

    assert house.script(_SUGGESTED) == [["how much una dey carry am", "delivery fee?"]] * 2
    assert vendor == {"phrasings": 2}
    assert house.sql("SELECT count(*) FROM ai_call WHERE used_at IS NULL OR cost_nano = 0") == [
        (0,)
    ]
    assert is_booked_exactly(house)
    assert take(house, "big") == take(house, "small") == []
