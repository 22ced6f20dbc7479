"""The front door's promise: 200 means committed, and only what is at fault fails."""

import psycopg
import pytest

from tests import whatsapp
from tests.connections.edge.doors import (
    Edge,
    Posting,
    ask,
    edge,
    held_table,
    kept,
    wait_for_held_store,
    wire,
)
from tests.house import House, free_port, wait_until
from tests.lib import sockets

pytestmark = pytest.mark.processes


def test_nothing_is_acknowledged_before_its_commit(house: House, door: Edge, wamid: str) -> None:
    with held_table(house):
        posting = Posting(door, whatsapp.text("hi", wamid=wamid))
        wait_for_held_store(house)
        answer_while_held = posting.answer

    assert answer_while_held is None
    assert posting.wait().status == 200
    assert kept(house, wamid) == [wamid]


def test_those_who_arrive_during_a_commit_share_the_next_one(
    house: House, door: Edge, wamid: str
) -> None:
    names = [f"{wamid}-{n:02d}" for n in range(20)]
    lines_before = len(door.lines("connections.webhook.accepted"))
    with held_table(house):
        postings = [Posting(door, whatsapp.text("hi", wamid=name)) for name in names]
        wait_for_held_store(house)

    assert [posting.wait().status for posting in postings] == [200] * 20
    assert kept(house, *names) == names
    lines = door.lines("connections.webhook.accepted")[lines_before:]
    assert sum(line["new"] for line in lines) == 20
    assert len(lines) < 20


def test_a_second_delivery_is_acknowledged_and_kept_once(
    house: House, door: Edge, wamid: str
) -> None:
    payload = whatsapp.text("hi", wamid=wamid)

    answers = [Posting(door, payload) for _ in range(8)]

    assert [posting.wait().status for posting in answers] == [200] * 8
    assert kept(house, wamid) == [wamid]


def test_a_poisonous_update_fails_alone(house: House, door: Edge, wamid: str) -> None:
    poison, good = f"{wamid}-poison", [f"{wamid}-{n}" for n in range(6)]
    with psycopg.connect(house.database_url, autocommit=True) as owner:
        owner.execute(
            "ALTER TABLE connections_inboundevent ADD CONSTRAINT no_poison"
            f" CHECK (subject <> '{poison}') NOT VALID"
        )
        try:
            with held_table(house):
                postings = [
                    Posting(door, whatsapp.text("secret words", wamid=name))
                    for name in (*good[:3], poison, *good[3:])
                ]
                wait_for_held_store(house)
            answers = {p: posting.wait() for p, posting in enumerate(postings)}
        finally:
            owner.execute("ALTER TABLE connections_inboundevent DROP CONSTRAINT no_poison")

    assert [answers[n].status for n in range(7)] == [200, 200, 200, 500, 200, 200, 200]
    assert answers[3].code == "not_stored"
    assert kept(house, poison, *good) == good
    assert door.lines("connections.webhook.not-stored")[-1]["code"] == "23514"
    assert "secret words" not in door.log.read_text()


def test_a_table_that_is_not_migrated_yet_is_no_fault_of_the_update(
    house: House, door: Edge, wamid: str
) -> None:
    rename = "ALTER TABLE connections_inboundevent RENAME COLUMN {} TO {}"
    with psycopg.connect(house.database_url, autocommit=True) as owner:
        owner.execute(rename.format("subject", "later"))
        try:
            early = door.post(whatsapp.text("hi", wamid=wamid))
        finally:
            owner.execute(rename.format("later", "subject"))

    assert (early.status, early.code) == (503, "away")
    assert door.post(whatsapp.text("hi", wamid=wamid)).status == 200
    assert kept(house, wamid) == [wamid]


def test_what_is_full_says_so_before_it_accepts_anything(house: House, wamid: str) -> None:
    with edge(house, EDGE_MAX_WAITING="3", EDGE_PATIENCE_SECONDS="30") as small:
        with held_table(house):
            first = [Posting(small, whatsapp.text("hi", wamid=f"{wamid}-{n}")) for n in range(3)]
            wait_for_held_store(house)
            late = f"{wamid}-late"
            refused = small.post(whatsapp.text("hi", wamid=late), seconds=5)
            while refused.status == 0:  # one of the first was not there yet: this one is in hand
                late += "-again"
                refused = small.post(whatsapp.text("hi", wamid=late), seconds=5)

        statuses = [posting.wait().status for posting in first]
        after = small.post(whatsapp.text("hi", wamid=f"{wamid}-after"))

    assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "full", "1")
    assert set(statuses) <= {200, 503}
    assert after.status == 200
    assert kept(house, late) == []


def test_too_many_bytes_in_hand_are_refused(house: House, wamid: str) -> None:
    with edge(house, EDGE_MAX_BYTES="2000") as small:
        big = small.post(whatsapp.text("x" * 5_000, wamid=f"{wamid}-big"))
        fits = small.post(whatsapp.text("x", wamid=wamid))

    assert (big.status, big.code) == (503, "full")
    assert fits.status == 200
    assert kept(house, wamid, f"{wamid}-big") == [wamid]


def test_without_a_database_nothing_is_acknowledged_and_it_comes_back_by_itself(
    house: House, wamid: str
) -> None:
    with wire(house) as line, edge(house, DATABASE_URL=line.url) as apart:
        assert apart.post(whatsapp.text("hi", wamid=f"{wamid}-before")).status == 200

        line.cut()
        away = apart.post(whatsapp.text("hi", wamid=f"{wamid}-during"))
        line.mend()
        wait_until(
            lambda: apart.post(whatsapp.text("hi", wamid=f"{wamid}-after")).status == 200,
            "the door stores again",
        )

    assert (away.status, away.code) == (503, "away")
    assert int(away.headers["retry-after"]) > 0
    assert kept(house, *(f"{wamid}-{when}" for when in ("before", "during", "after"))) == [
        f"{wamid}-after",
        f"{wamid}-before",
    ]


def test_a_database_that_came_back_costs_nobody_an_answer(house: House, wamid: str) -> None:
    with wire(house) as line, edge(house, DATABASE_URL=line.url) as apart:
        assert apart.post(whatsapp.text("hi", wamid=f"{wamid}-1")).status == 200
        line.cut()
        line.mend()

        assert apart.post(whatsapp.text("hi", wamid=f"{wamid}-2")).status == 200


def test_a_database_that_hangs_does_not_hold_the_line(house: House, wamid: str) -> None:
    with (
        wire(house) as line,
        edge(house, DATABASE_URL=line.url, EDGE_PATIENCE_SECONDS="1") as apart,
    ):
        assert apart.post(whatsapp.text("hi", wamid=f"{wamid}-1")).status == 200

        line.block()
        hung = [apart.post(whatsapp.text("hi", wamid=f"{wamid}-{n}")) for n in (2, 3)]
        readiness = ask(apart.url, method="GET", path="/readyz")
        life = ask(apart.url, method="GET", path="/healthz")
        line.mend()
        wait_until(
            lambda: apart.post(whatsapp.text("hi", wamid=f"{wamid}-4")).status == 200,
            "the door stores again",
        )

    assert {(answer.status, answer.code) for answer in hung} == {(503, "away")}
    assert (readiness.status, life.status) == (503, 200)


def test_a_broker_that_hangs_or_is_away_holds_up_no_acknowledgement(
    house: House, wamid: str
) -> None:
    with sockets.serving(sockets.hangs) as silent:
        for number, port in enumerate((silent.port, free_port())):
            broker = f"redis://127.0.0.1:{port}/0"
            with edge(house, REDIS_URL=broker, BROKER_URL=broker) as apart:
                for n in range(10):
                    payload = whatsapp.text("hi", wamid=f"{wamid}-{number}-{n}")
                    assert apart.post(payload, seconds=2).status == 200

    assert len(kept(house, *(f"{wamid}-{k}-{n}" for k in (0, 1) for n in range(10)))) == 20
