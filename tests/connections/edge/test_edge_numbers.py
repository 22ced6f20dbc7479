"""Whose updates the front door takes them for, though it asks the database seldom."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from connections import ingress, providers
from connections.edge.numbers import KEEP_SECONDS, MOST_NAMES, Numbers
from connections.edge.signers import NAMES_A_SECOND, Signers, UnableToTell
from connections.models import Connection
from tests import whatsapp
from tests.connections.edge.conftest import (
    RIVAL_ACCOUNT,
    RIVAL_NUMBER,
    RIVAL_SECRET,
    connect,
    rows,
)
from tests.connections.edge.doors import Edge
from tests.house import House, wait_until
from workspaces import scope
from workspaces.models import Workspace


@pytest.mark.processes
def test_an_own_secret_speaks_for_its_own_number_only(house: House, door: Edge, wamid: str) -> None:
    own = whatsapp.text("hi", wamid=wamid, number_id=RIVAL_NUMBER)
    own["entry"][0]["id"] = RIVAL_ACCOUNT
    forged = whatsapp.text("hi", wamid=f"{wamid}-forged")

    assert door.post(own, secret=RIVAL_SECRET).status == 200
    assert door.post(forged, secret=RIVAL_SECRET).status == 401
    assert door.post(own, secret="another").status == 401

    assert rows(house, wamid) == [("rival", "pending", "")]
    assert rows(house, f"{wamid}-forged") == []


@pytest.mark.processes
def test_in_a_mixed_batch_only_the_own_numbers_updates_count(
    house: House, door: Edge, wamid: str
) -> None:
    payload = whatsapp.text("hi", wamid=wamid, number_id=RIVAL_NUMBER)
    payload["entry"] += whatsapp.text("hi", wamid=f"{wamid}-forged")["entry"]

    assert door.post(payload, secret=RIVAL_SECRET).status == 200

    assert rows(house, wamid) == [("rival", "pending", "")]
    assert rows(house, f"{wamid}-forged") == []


@pytest.mark.processes
def test_what_is_signed_for_an_unknown_number_is_kept_and_never_adopted(
    house: House, door: Edge, wamid: str
) -> None:
    number = str(secrets.randbelow(10**11))
    payload = whatsapp.text("hi", wamid=wamid, number_id=number)
    payload["entry"][0]["id"] = "0"

    assert door.post(payload, secret=RIVAL_SECRET).status == 200
    connect(house, "shop", number=number, account="")

    assert rows(house, wamid) == [(None, "unrouted", "signed for another number")]


@pytest.mark.processes
def test_a_newly_connected_number_is_known_at_once_and_gets_what_came_before(
    house: House, door: Edge, wamid: str
) -> None:
    number = str(secrets.randbelow(10**11))
    early = whatsapp.text("hi", wamid=f"{wamid}-early", number_id=number)
    late = whatsapp.text("hi", wamid=f"{wamid}-late", number_id=number)

    assert door.post(early).status == 200
    unrouted = rows(house, f"{wamid}-early")
    connect(house, "shop", number=number, account="")
    assert door.post(late).status == 200

    assert unrouted == [(None, "unrouted", "")]
    assert rows(house, f"{wamid}-early") == [("shop", "pending", "")]
    assert rows(house, f"{wamid}-late") == [("shop", "pending", "")]


@pytest.mark.processes
def test_a_removed_number_gets_nothing_more(house: House, door: Edge, wamid: str) -> None:
    number = str(secrets.randbelow(10**11))
    connect(house, "shop", number=number, account="")
    door.post(whatsapp.text("hi", wamid=f"{wamid}-0", number_id=number))
    with psycopg.connect(house.database_url) as owner:
        owner.execute(
            f"UPDATE connections_connection SET removed_at = now() WHERE external_id = '{number}'"
        )
    posted = [f"{wamid}-0"]

    def is_unrouted() -> bool:
        posted.append(f"{wamid}-{len(posted)}")
        door.post(whatsapp.text("hi", wamid=posted[-1], number_id=number))
        return bool(rows(house, posted[-1]) == [(None, "unrouted", "")])

    assert rows(house, posted[0]) == [("shop", "pending", "")]
    wait_until(is_unrouted, "the removed number is nobody's", seconds=10)


# --- What is remembered --------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """What the database was asked after: nobody has these numbers."""
    questions: list[set[str]] = []

    def find(names: set[str]) -> list[Connection]:
        questions.append(set(names))
        return []

    monkeypatch.setattr(ingress, "find", find)
    return questions


def test_that_nobody_has_a_number_never_decides_where_an_update_is_stored(
    asked: list[set[str]],
) -> None:
    numbers = Numbers()

    numbers.ask(["1"])

    assert numbers.known("1") == ()
    assert numbers.held("1") is None


@pytest.mark.django_db
def test_a_number_that_was_only_typed_is_asked_after_each_time(acme: Workspace) -> None:
    with scope.workspace(acme):
        typed = Connection.objects.create(
            workspace=acme, provider="cloud_api", phone="+15550001111", external_id="111",
            state_changed_at="2026-11-20T09:00Z", created_at="2026-11-20T09:00Z",
        )  # fmt: skip
    numbers = Numbers()
    with scope.system():
        numbers.ask(["111"])
        assert [c.pk for c in numbers.known("111") or ()] == [typed.pk]
        assert numbers.held("111") is None

        Connection.objects.filter(pk=typed.pk).update(verified_at="2026-11-20T09:00Z")
        numbers.ask(["111"])
        assert [c.pk for c in numbers.held("111") or ()] == [typed.pk]


def test_what_is_remembered_is_forgotten_after_its_time(asked: list[set[str]]) -> None:
    now = [100.0]
    numbers = Numbers(clock=lambda: now[0])
    numbers.ask(["1"])

    now[0] += KEEP_SECONDS + 0.01

    assert numbers.known("1") is None


def test_no_flood_of_names_is_remembered_without_end(asked: list[set[str]]) -> None:
    numbers = Numbers()

    for start in range(0, 3 * MOST_NAMES, 1_000):
        numbers.ask(str(n) for n in range(start, start + 1_000))

    assert len(numbers._known) == MOST_NAMES
    assert numbers.known(str(3 * MOST_NAMES - 1)) == ()
    assert all(len(question) <= 200 for question in asked)


# --- A flood of forged webhooks ------------------------------------------------------------


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def nobody_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingress, "may_be_unnamed", lambda body: False)


def forged(number: str) -> bytes:
    return json.dumps(whatsapp.text("hi", wamid="w", number_id=number)).encode()


def test_a_thousand_forged_webhooks_for_one_number_cost_one_question(
    asked: list[set[str]], thread: ThreadPoolExecutor, nobody_signs: None
) -> None:
    provider = providers.get("cloud_api")

    async def flood() -> set[frozenset[int]]:
        signers = Signers(Numbers(), thread=thread, seconds=5)
        headers = {"x-hub-signature-256": "sha256=" + "0" * 64}
        told = [signers.of(provider, body=forged("5"), headers=headers) for _ in range(1_000)]
        return set(await asyncio.gather(*told))

    assert asyncio.run(flood()) == {frozenset()}
    assert len(asked) == 1


def test_forged_webhooks_for_ever_new_numbers_are_asked_after_together_and_within_bounds(
    asked: list[set[str]], thread: ThreadPoolExecutor, nobody_signs: None
) -> None:
    provider = providers.get("cloud_api")

    async def flood() -> list[object]:
        signers = Signers(Numbers(), thread=thread, seconds=5, clock=lambda: 100.0)
        bodies = [forged(str(10**9 + n)) for n in range(2 * NAMES_A_SECOND)]
        told = [signers.of(provider, body=body, headers={}) for body in bodies]
        return list(await asyncio.gather(*told, return_exceptions=True))

    outcomes = asyncio.run(flood())

    assert sum(map(len, asked)) == NAMES_A_SECOND
    assert len(asked) <= NAMES_A_SECOND / 100
    assert {type(outcome) for outcome in outcomes} == {frozenset, UnableToTell}
