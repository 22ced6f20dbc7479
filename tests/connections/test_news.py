"""News about our own messages: found when it has gathered, taken by lane, never blocked."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from connections import inbox, news, sweep
from connections.models import InboundEvent
from lib import clock
from messaging import drain
from messaging.models import Message
from tests import whatsapp
from tests.conftest import NOW
from tests.messaging.conftest import Way
from tests.messaging.test_racing import Side
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"


def tell(
    space: Workspace, word: str, *, kind: str = "status", age: float = 0.2, lane: int = 4,
    payload: Any = None,
) -> InboundEvent:  # fmt: skip
    """Let a piece of news about nobody's message lie in the inbox for `age` seconds."""
    at = NOW - timedelta(seconds=age)
    name = "outcome" if kind == "receipt" else "status"
    with scope.system():
        return InboundEvent.objects.create(
            workspace=space, provider="cloud_api", kind=kind, lane=lane, received_at=at, due_at=at,
            key=f"{kind}:{space.pk}:{lane}:{word}:{age}", subject="wamid.nobody",
            payload=payload if payload is not None else {"data": {name: word}},
        )  # fmt: skip


# --- Finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "word", "age", "is_found"),
    [
        ("status", "sent", 0.2, False),
        ("status", "delivered", 0.9, False),
        ("receipt", "sent", 0.2, False),
        ("status", "sent", 1.0, True),
        ("receipt", "sent", 1.5, True),
        ("status", "failed", 0.0, True),
        ("receipt", "failed", 0.0, True),
        ("receipt", "unknown", 0.0, True),
        ("status", "failed", -1.0, False),  # postponed
    ],
)
def test_good_news_gathers_for_a_second_and_bad_news_does_not_wait(
    acme: Workspace, kind: str, word: str, age: float, is_found: bool
) -> None:
    tell(acme, word, kind=kind, age=age)

    assert sweep.find_news(now=NOW) == ([acme.pk] if is_found else [])


def test_each_workspace_with_news_is_found_once(acme: Workspace, rival: Workspace) -> None:
    for space in (acme, rival):
        for lane in (4, 5):
            for age in (2.0, 3.0):
                tell(space, "sent", age=age, lane=lane)
    tell(rival, "sent", age=4.0, lane=0)  # what customers say is found elsewhere

    assert sorted(sweep.find_news(now=NOW)) == sorted([acme.pk, rival.pk])


def test_what_waits_for_its_next_try_hides_nothing_behind_it(acme: Workspace) -> None:
    tell(acme, "sent", age=-60)
    tell(acme, "sent", age=2)

    assert sweep.find_news(now=NOW) == [acme.pk]


# --- Taking ------------------------------------------------------------------------------------


def test_the_oldest_of_each_lane_are_taken(acme: Workspace, rival: Workspace) -> None:
    mine = [tell(acme, "sent", age=9 - n, lane=4 + n % 2) for n in range(6)]
    tell(acme, "sent", age=-5)
    tell(rival, "sent", age=9)

    with scope.workspace(acme), transaction.atomic():
        taken = news.take(workspace=acme, lanes=inbox.NEWS_LANES, limit=2, now=NOW)

    assert sorted(row.pk for row in taken) == [row.pk for row in mine[:4]]
    assert {(row.kind, row.subject, row.lane) for row in taken} == {
        ("status", "wamid.nobody", 4), ("status", "wamid.nobody", 5),
    }  # fmt: skip
    assert [row.received_at for row in taken if row.pk == mine[0].pk] == [mine[0].received_at]


def test_a_lane_in_other_hands_is_left_to_them(committed_way: Way) -> None:
    way = committed_way
    for lane in (4, 5):
        tell(way.space, "sent", lane=lane)
    held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with scope.workspace(way.space), transaction.atomic():
            assert news.take(workspace=way.space, lanes=[4], limit=9, now=clock.now())
            held.set()
            may_end.wait(10)

    holder = Side(hold)
    assert held.wait(5)
    with scope.workspace(way.space), transaction.atomic():
        free = news.take(workspace=way.space, lanes=[4, 5], limit=9, now=clock.now())
    may_end.set()
    holder.end()

    assert [row.lane for row in free] == [5]


@pytest.mark.parametrize(
    ("payload", "is_urgent"),
    [
        (5, False),
        ("text", False),
        ([1], False),
        ({"data": 7}, False),
        ({"data": {"status": ["sent"]}}, True),  # no word that we know to be good news
    ],
)
def test_a_payload_of_another_shape_holds_up_nobody(
    way: Way, payload: Any, is_urgent: bool
) -> None:
    way.say(QUESTION, wamid="wamid.1")
    tell(way.space, "odd", payload=payload)
    way.post(whatsapp.status("wamid.OUT1", "delivered"))

    assert sweep.find_news(now=NOW) == ([way.space.pk] if is_urgent else [])
    assert sweep.find_news(now=NOW + timedelta(seconds=1)) == [way.space.pk]
    done = drain.run(workspace=way.space, lanes=inbox.NEWS_LANES)

    assert done.count == 2
    with scope.workspace(way.space):
        assert Message.objects.get(direction="out").status == "delivered"


# --- Writing -----------------------------------------------------------------------------------


def test_what_was_known_is_written_into_the_account_only(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    way.post(whatsapp.status("wamid.OUT1", "read"))
    way.work()
    way.post(whatsapp.status("wamid.OUT1", "played"))
    way.post(whatsapp.status("wamid.OUT1", "sent"))

    with CaptureQueriesContext(database) as queries:
        assert drain.run(workspace=way.space, lanes=inbox.NEWS_LANES).count == 2

    said = " ".join(query["sql"] for query in queries)
    assert "INSERT INTO messaging_tracestep" in said
    for table in ("UPDATE messaging_message", "UPDATE connections_outboundjob", "billing_usage"):
        assert table not in said


def test_a_hundred_pieces_cost_no_more_statements_than_four(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    counts = []
    for pieces in (4, 100):
        for n in range(pieces):
            tell(way.space, "sent", age=n + 1000 + pieces)
        with CaptureQueriesContext(database) as queries:
            assert drain.run(workspace=way.space, lanes=inbox.NEWS_LANES, limit=300).count == pieces
        counts.append(len(queries))

    assert counts[0] == counts[1]
