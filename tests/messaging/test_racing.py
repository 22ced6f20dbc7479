"""The bot, people and sweeps at the same conversation in the same moment. Rows are committed."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction

from billing import metering, meters, plans
from billing.models import DailyCounter
from connections.events import Sender
from lib import clock
from messaging import contacts, drain, takeover, tasks
from messaging.models import Contact, Conversation, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Alarm, User

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"


class Side:
    """Something that runs beside the test, on a database connection of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.error = error
        finally:
            database.close()

    def is_waiting(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> Any:
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


def post(way: Way, text: str, wamid: str, sender: str = "2348061112222") -> None:
    payload = whatsapp.text(text, wamid=wamid, sender=sender, number_id=way.connection.external_id)
    assert way.post(payload).status_code == 200


def talk(way: Way, sender: str = "2348061112222") -> Conversation:
    with scope.workspace(way.space):
        return Conversation.objects.get(contact__phone=f"+{sender}")


def owner() -> User:
    return User.objects.get(email="racer@race.example")


def reply(way: Way, conversation_id: int, text: str = "Hello") -> Message:
    with scope.workspace(way.space):
        return takeover.reply(
            workspace=way.space, conversation_id=conversation_id, user=owner(), text=text,
            now=clock.now(),
        )  # fmt: skip


def on_the_free_plan(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip


def test_replies_of_people_and_answers_of_the_bot_never_lock_each_other_out(
    committed_way: Way,
) -> None:
    way = committed_way
    on_the_free_plan(way)  # its counter is one row that both write
    senders = [f"23480600000{n:02d}" for n in range(6)]
    for n, sender in enumerate(senders):
        post(way, "thanks", f"wamid.first{n}", sender)
    drain.run(workspace=way.space)
    ids = [talk(way, sender).pk for sender in senders]
    for n, sender in enumerate(senders):
        post(way, QUESTION, f"wamid.{n}", sender)

    people = [
        Side(lambda pk=pk: [reply(way, pk, f"text {n}") for n in range(2)])  # type: ignore[misc]
        for pk in reversed(ids)
    ]
    bot = Side(lambda: [drain.run(workspace=way.space, limit=6) for _ in range(10)])

    for side in (*people, bot):
        side.end()
    with scope.workspace(way.space):
        assert Message.objects.filter(author="member").count() == 12
        counter = DailyCounter.objects.get(meter_id=meters.MESSAGES_SENT)
        assert counter.used == Message.objects.filter(direction="out").count()


def test_a_question_that_comes_while_a_person_writes_is_left_to_them(committed_way: Way) -> None:
    way = committed_way
    post(way, "thanks", "wamid.0")
    drain.run(workspace=way.space)
    conversation_id = talk(way).pk
    post(way, QUESTION, "wamid.1")
    begun, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with scope.workspace(way.space), transaction.atomic():
            takeover._hold(takeover.in_hand(conversation_id), user_id=1, now=clock.now())
            begun.set()
            may_end.wait(10)

    person = Side(write)
    assert begun.wait(5)
    bot = Side(lambda: drain.run(workspace=way.space).count)
    time.sleep(0.2)
    assert bot.is_waiting()
    may_end.set()
    person.end()

    assert bot.end() == 1
    with scope.workspace(way.space):
        assert not Message.objects.filter(direction="out").exists()


def test_giving_back_by_time_does_not_undo_a_reply_of_the_same_moment(committed_way: Way) -> None:
    way = committed_way
    post(way, "agent", "wamid.0")
    drain.run(workspace=way.space)
    conversation_id = talk(way).pk
    with scope.workspace(way.space):
        Conversation.objects.update(held_until=clock.now() - timedelta(seconds=1))
    begun = threading.Event()

    def write() -> None:
        with scope.workspace(way.space), transaction.atomic():
            takeover._hold(takeover.in_hand(conversation_id), user_id=7, now=clock.now())
            begun.set()
            time.sleep(0.3)

    person = Side(write)
    assert begun.wait(5)
    with scope.workspace(way.space):
        given_back = takeover.hand_back_expired(now=clock.now())
    person.end()

    assert given_back == 0
    assert (talk(way).holder, talk(way).held_by_id) == ("person", 7)


def test_a_workspace_in_trouble_does_not_keep_others_from_being_handed_back(
    committed_way: Way,
) -> None:
    way = committed_way
    post(way, "agent", "wamid.0")
    drain.run(workspace=way.space)
    with scope.workspace(way.space):
        Conversation.objects.update(held_until=clock.now() - timedelta(seconds=1))
        Alarm.objects.update(due_at=clock.now() - timedelta(seconds=1))
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workspaces_workspace (name, slug, schema_name, country, time_zone, state,"
            " state_reason, schema_version, flags, created_at) VALUES ('Lost', 'lost-schema',"
            " 'w_000000000000', 'NG', 'UTC', 'active', '', '', '{}', now())"
        )
        cursor.execute("UPDATE workspaces_workspace SET id = -1 WHERE slug = 'lost-schema'")
        cursor.execute(
            "INSERT INTO workspaces_alarm (workspace_id, kind, due_at)"
            " VALUES (-1, 'hand back', now() - interval '1 day')"
        )
    try:
        tasks.hand_back()
    finally:
        with scope.owner(), database.cursor() as cursor:
            cursor.execute("DELETE FROM workspaces_alarm WHERE workspace_id = -1")
            cursor.execute("DELETE FROM workspaces_workspace WHERE slug = 'lost-schema'")

    assert talk(way).holder == "bot"


def test_two_drains_answer_each_question_once(committed_way: Way) -> None:
    way = committed_way
    for n in range(6):
        post(way, QUESTION, f"wamid.{n}", f"23480600000{n:02d}")

    def work() -> int:
        return sum(drain.run(workspace=way.space, limit=2).count for _ in range(12))

    sides = [Side(work) for _ in range(3)]

    assert sum(side.end() for side in sides) == 6
    with scope.workspace(way.space):
        assert Message.objects.filter(direction="out").count() == 6


def test_a_customer_whom_two_make_in_the_same_moment_is_one_and_is_answered(
    committed_way: Way,
) -> None:
    way = committed_way
    post(way, QUESTION, "wamid.0")
    begun, may_end = threading.Event(), threading.Event()

    def make() -> None:
        with scope.workspace(way.space), transaction.atomic():
            contacts.attach(
                workspace=way.space, sender=Sender(phone="+2348061112222"), now=clock.now()
            )
            begun.set()
            may_end.wait(10)

    other = Side(make)
    assert begun.wait(5)
    bot = Side(lambda: drain.run(workspace=way.space).count)
    time.sleep(0.3)
    assert bot.is_waiting()
    may_end.set()
    other.end()

    assert bot.end() == 1
    with scope.workspace(way.space):
        assert Contact.objects.get().phone == "+2348061112222"
        assert Message.objects.filter(direction="in").count() == 1
        assert Message.objects.filter(direction="out").count() == 1


def test_thirty_who_reserve_at_once_get_exactly_what_is_left(committed_way: Way) -> None:
    way = committed_way
    ready = threading.Barrier(6)

    def take() -> int:
        ready.wait()
        with scope.workspace(way.space):
            return sum(
                metering.reserve(
                    workspace=way.space, meter=meters.MESSAGES_SENT, per_day=10, now=clock.now()
                )
                for _ in range(5)
            )

    sides = [Side(take) for _ in range(6)]

    assert sum(side.end() for side in sides) == 10
