"""Many customers in one transaction: in order for each, fairly for all, exact in what counts."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import InternalError, OperationalError, transaction
from django.db import connection as database

from billing import meters, plans
from billing.models import DailyCounter, UsageEvent
from connections import inbox
from connections.models import InboundEvent, OutboundJob
from faqs import search, versions
from faqs.models import Entry
from lib import clock
from messaging import desk, drain, inbound, sentences
from messaging.models import Contact, Conversation, Message
from tests import whatsapp
from tests.messaging.asks import QUESTION, ask, inside, sender
from tests.messaging.conftest import Way
from tests.messaging.test_racing import Side
from workspaces import scope

pytestmark = pytest.mark.django_db


def count(way: Way, **where: Any) -> int:
    return int(inside(way, lambda: Message.objects.filter(**where).count()))


# --- Statements --------------------------------------------------------------------------------


def test_forty_customers_cost_hardly_more_statements_than_one(
    way: Way, django_assert_max_num_queries: Any
) -> None:
    way.say(QUESTION, wamid="wamid.warm")
    for n in range(40):
        ask(way, n)

    # Six lanes are looked at in one go, one transaction for the talk.
    with django_assert_max_num_queries(60):
        done = drain.run(workspace=way.space, lanes=inbox.TALK_LANES, limit=40)

    assert done.count == 40
    assert count(way, direction="out") == 41


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement as it is sent, those that go past Django's cursor too."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def note(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    return sent


@pytest.mark.parametrize("is_known", [False, True])
def test_a_batch_costs_as_many_round_trips_as_one_message(
    way: Way, round_trips: list[str], is_known: bool
) -> None:
    way.say(QUESTION, wamid="wamid.warm", sender=sender(99))
    if is_known:
        for n in range(21):
            ask(way, n, wamid=f"wamid.before.{n}")
        drain.run(workspace=way.space, limit=100)
    counts = []
    for batch in (range(1), range(1, 21)):
        for n in batch:
            ask(way, n)
        round_trips.clear()
        assert drain.run(workspace=way.space, lanes=inbox.TALK_LANES, limit=20).count == len(batch)
        counts.append(len(round_trips))

    # One message is followed by a look for more, a full batch is not; its places of the plan's
    # day are taken by more statements than a single one.
    assert counts[1] <= counts[0] + 4
    assert counts[0] <= 24


# --- Lanes -------------------------------------------------------------------------------------


def test_a_conversation_always_stands_in_the_same_lane(way: Way) -> None:
    for n in range(12):
        for again in range(2):
            ask(way, n, wamid=f"wamid.{n}.{again}")
    with scope.system():
        rows = list(InboundEvent.objects.values_list("conversation_key", "lane").distinct())

    assert len(rows) == 12
    assert {lane for _, lane in rows} <= set(inbox.TALK_LANES)
    assert len({lane for _, lane in rows}) > 1


def test_one_lane_goes_on_while_another_is_held(committed_way: Way) -> None:
    way = committed_way
    for n in range(8):
        ask(way, n)
    with scope.system():
        lanes = sorted(set(InboundEvent.objects.filter(
            workspace=way.space).values_list("lane", flat=True)))  # fmt: skip
    held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with scope.workspace(way.space), transaction.atomic():
            rows = inbox.peek(workspace=way.space, lanes=[lanes[0]], limit=9, now=clock.now())
            assert inbox.take(workspace=way.space, rows=rows, now=clock.now())
            held.set()
            may_end.wait(10)

    holder = Side(hold)
    assert held.wait(5)
    blocked = drain.run(workspace=way.space, lanes=[lanes[0]])
    free = drain.run(workspace=way.space, lanes=[lanes[1]])
    may_end.set()
    holder.end()

    assert (blocked.count, free.count > 0) == (0, True)
    assert drain.run(workspace=way.space).count > 0
    assert count(way, direction="out") == 8


def test_statuses_stand_in_lanes_of_their_own(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.0")
    way.post(whatsapp.status("wamid.OUT1", "delivered"))
    ask(way, 1)

    assert drain.run(workspace=way.space, lanes=inbox.TALK_LANES).count == 1
    with scope.system():
        assert InboundEvent.objects.get(state="pending").kind == "status"


# --- Exactly what one by one would do ----------------------------------------------------------


def test_a_customer_under_two_addresses_waits_for_the_first_to_be_answered(way: Way) -> None:
    way.say("hello", wamid="wamid.0", sender=sender(1))
    with scope.workspace(way.space):
        contact = Contact.objects.get()
        contact.identities.create(
            scope="whatsapp", kind="bsuid", value="NG.1", first_seen_at=clock.now(),
            last_seen_at=clock.now(),
        )  # fmt: skip
    ask(way, 1, wamid="wamid.1")
    payload = whatsapp.text(QUESTION, wamid="wamid.2", sender=sender(1))
    value = payload["entry"][0]["changes"][0]["value"]
    value["messages"][0] |= {"from_user_id": "NG.1"}
    del value["messages"][0]["from"]
    value["contacts"] = [{"profile": {"name": "Ada"}, "user_id": "NG.1"}]
    assert way.post(payload).status_code == 200
    with scope.system():
        keys = InboundEvent.objects.filter(subject__in=["wamid.1", "wamid.2"])
        assert len(set(keys.values_list("conversation_key", flat=True))) == 2

    way.work()

    with scope.workspace(way.space):
        assert Contact.objects.count() == 1
        assert Conversation.objects.count() == 1
    assert count(way, direction="out") == 3


def test_the_plans_last_places_go_to_exactly_as_many(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
        cap = plans.standing(workspace=way.space, now=clock.now()).per_day(meters.MESSAGES_SENT)
        assert cap is not None
        DailyCounter.objects.create(
            workspace=way.space, meter_id=meters.MESSAGES_SENT, used=cap - 3,
            day=clock.local_day(clock.now(), way.space.time_zone),
        )  # fmt: skip
    for n in range(8):
        ask(way, n, "ok" if n < 2 else QUESTION)  # thanks need no place

    drain.run(workspace=way.space, lanes=inbox.TALK_LANES, limit=50)

    assert count(way, direction="out") == 3
    assert inside(way, lambda: DailyCounter.objects.get().used) == cap
    assert inside(way, lambda: Conversation.objects.filter(needs_person=True).count()) == 3


def test_a_batch_gives_back_the_places_that_it_did_not_need(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
    for n in range(6):
        ask(way, n, QUESTION if n == 0 else "thanks")

    drain.run(workspace=way.space, lanes=inbox.TALK_LANES, limit=50)

    assert inside(way, lambda: DailyCounter.objects.get().used) == 1


def test_who_writes_after_the_owners_pause_gets_no_answer(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.commands.is_commander", lambda **_: True)
    ask(way, 0)
    ask(way, 1, "pause")
    for n in range(2, 6):
        ask(way, n)

    way.work()

    answered = inside(
        way,
        lambda: set(
            Message.objects.filter(direction="out").values_list(
                "answers__provider_message_id", flat=True
            )
        ),
    )
    assert "wamid.1" in answered
    lane = {n: inbox.lane_of("message", f"+{sender(n)}") for n in range(6)}
    assert not answered & {f"wamid.{n}" for n in range(2, 6) if lane[n] == lane[1]}


def test_each_customers_consent_counts_for_them_alone(way: Way) -> None:
    for n in range(4):
        ask(way, n, "STOP" if n == 2 else QUESTION)
    way.work()

    assert inside(
        way, lambda: list(Contact.objects.filter(is_opted_out=True).values_list("phone", flat=True))
    ) == [f"+{sender(2)}"]
    told = inside(way, lambda: Message.objects.get(answers__provider_message_id="wamid.2").text)
    assert told == sentences.OPTED_OUT


def test_what_was_looked_up_before_an_edit_is_not_sent(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(way, 0)

    def and_edit(*known: Any) -> Any:
        found = desk.look_up(*known)
        Entry.objects.filter(faq_id="opening_hours").update(answer="Closed for good.")
        versions.bump()
        return found

    monkeypatch.setattr("messaging.drain.look_up", and_edit)
    way.work()

    assert [m["text"]["body"] for m in way.api.messages] == ["Closed for good."]


# --- When something breaks ---------------------------------------------------------------------


@pytest.mark.parametrize("fault", [OperationalError, InternalError])
def test_a_database_that_goes_away_is_not_the_messages_fault(
    way: Way, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    ask(way, 0)

    def breaks(*_: Any, **__: Any) -> Any:
        raise fault("terminating connection due to idle-in-transaction timeout")

    monkeypatch.setattr(inbound, "handle_all", breaks)
    with pytest.raises(fault):
        drain.run(workspace=way.space)
    monkeypatch.undo()

    with scope.system():
        row = InboundEvent.objects.get(subject="wamid.0")
    assert (row.state, row.attempts) == ("pending", 0)


def test_a_question_that_cannot_be_looked_up_stops_nobody_else(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = search.look

    def breaks(workspace: Any, texts: Any, **known: Any) -> Any:
        if "break" in texts:
            raise KeyError(0)
        return look(workspace, texts, **known)

    monkeypatch.setattr(search, "look", breaks)
    for n, text in enumerate(["break", QUESTION, QUESTION]):
        way.post(
            whatsapp.text(
                text, wamid=f"wamid.{n}", sender=sender(n), number_id=way.connection.external_id
            )
        )

    drain.run(workspace=way.space, limit=10)

    assert count(way, direction="out") == 2
    with scope.system():
        [left] = InboundEvent.objects.filter(state="pending", kind="message")
    assert (left.subject, left.attempts, left.error) == ("wamid.0", 1, "KeyError")


def test_two_drains_of_all_lanes_count_everything_once(committed_way: Way) -> None:
    way = committed_way
    for n in range(30):
        ask(way, n % 10, wamid=f"wamid.{n}")

    def work() -> None:
        for _ in range(40):
            for lane in inbox.TALK_LANES:
                drain.run(workspace=way.space, lanes=[lane], limit=3)

    sides = [Side(work) for _ in range(3)]
    for side in sides:
        side.end()

    with scope.workspace(way.space):
        assert Message.objects.filter(direction="in").count() == 30
        assert OutboundJob.objects.filter(message_id__isnull=False).count() == 30
        assert UsageEvent.objects.filter(meter="messages_received").count() == 30
        for talk in Conversation.objects.all():
            order = Message.objects.filter(conversation=talk, direction="in").order_by("id")
            numbers = [int(m.provider_message_id.split(".")[1]) for m in order]
            assert numbers == sorted(numbers)
    database.close()
