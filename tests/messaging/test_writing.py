"""Taking back, trying again, assigning: what two people do to one conversation."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from billing import metering, meters, plans
from connections import outbox
from connections.models import OutboundJob
from lib import clock
from messaging import retrying, takeover, undoing
from messaging.models import Conversation, Message
from tests.messaging.conftest import Way
from tests.messaging.test_racing import Side, post
from workspaces import members, scope
from workspaces.models import AuditEntry, User

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"


def talk(way: Way) -> Conversation:
    with scope.workspace(way.space):
        return Conversation.objects.get()


def reply(way: Way, user: User, text: str = "Hello", *, seconds: int = 5) -> Message:
    with scope.workspace(way.space):
        return takeover.reply(
            workspace=way.space, conversation_id=talk(way).pk, user=user, text=text,
            undo_seconds=seconds, now=clock.now(),
        )  # fmt: skip


def undo(way: Way, message: Message, user: User) -> Message:
    with scope.workspace(way.space):
        return undoing.undo(workspace=way.space, message_id=message.pk, user=user, now=clock.now())


def retry(way: Way, message: Message, user: User) -> Message:
    with scope.workspace(way.space):
        return retrying.retry(
            workspace=way.space, message_id=message.pk, user=user, now=clock.now()
        )


def sent(way: Way) -> list[str]:
    return [m["text"]["body"] for m in way.api.messages]


def due_now(way: Way) -> None:
    with scope.workspace(way.space):
        OutboundJob.objects.filter(workspace=way.space).update(due_at=clock.now())


# --- Undo ---------------------------------------------------------------------------------------


def test_a_reply_waits_and_can_be_taken_back(way: Way, bola: User) -> None:
    way.say("zebra quantum bicycle insurance?", wamid="wamid.1")
    before = talk(way)
    message = reply(way, bola)
    way.work()

    undone = undo(way, message, bola)
    due_now(way)
    way.work()

    assert undone.text == "Hello" and "Hello" not in sent(way)
    after = talk(way)
    assert (after.holder, after.needs_person) == ("bot", True) == (
        before.holder, before.needs_person,
    )  # fmt: skip
    with scope.workspace(way.space):
        assert not Message.objects.filter(author="member").exists()


def test_a_reply_that_nobody_takes_back_goes_out_once(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    message = reply(way, bola)
    due_now(way)
    way.work()

    with pytest.raises(undoing.UnableToUndo, match="Too late"):
        undo(way, message, bola)
    assert sent(way)[1:] == ["Hello"]


def test_only_who_wrote_it_takes_it_back_and_only_once(way: Way, bola: User, ada: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    message = reply(way, bola)

    with pytest.raises(takeover.UnableToFindConversation):
        undo(way, message, ada)
    undo(way, message, bola)
    with pytest.raises(takeover.UnableToFindConversation):
        undo(way, message, bola)


def test_what_is_taken_back_does_not_count_for_the_plans_day(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        plans.change(workspace=way.space, plan="free", state="active", actor=None, actor_kind="x", now=clock.now())  # fmt: skip
        used = metering.used_today(workspace=way.space, meter=meters.MESSAGES_SENT, now=clock.now())
    message = reply(way, bola)
    undo(way, message, bola)

    with scope.workspace(way.space):
        again = metering.used_today(
            workspace=way.space, meter=meters.MESSAGES_SENT, now=clock.now()
        )
    assert again == used


def test_undo_and_sender_at_the_same_moment_agree(committed_way: Way) -> None:
    way = committed_way
    user = User.objects.get(email="racer@race.example")
    post(way, "agent", "wamid.0")
    way.work()
    for _ in range(3):
        before = len(way.api.messages)
        message = reply(way, user, seconds=0)
        ready = threading.Barrier(2)

        def take_back(message: Message = message, ready: Any = ready) -> bool:
            ready.wait()
            try:
                undo(way, message, user)
            except undoing.UnableToUndo:
                return False
            return True

        def send(ready: Any = ready) -> None:
            ready.wait()
            way.work()

        person, sender = Side(take_back), Side(send)
        was_undone = person.end()
        sender.end()
        way.work()

        assert len(way.api.messages) - before == (0 if was_undone else 1)


def test_what_a_sender_has_just_claimed_is_not_taken_back(committed_way: Way) -> None:
    way = committed_way
    user = User.objects.get(email="racer@race.example")
    post(way, "agent", "wamid.0")
    way.work()
    message = reply(way, user, seconds=0)

    with scope.system(), transaction.atomic():
        OutboundJob.objects.filter(message_id=message.pk).update(state="sending", attempts=1)
        person = Side(lambda: undo(way, message, user))
        time.sleep(0.3)
        assert person.is_waiting(), "for the claim to be committed"

    with pytest.raises(undoing.UnableToUndo):
        person.end()
    with scope.workspace(way.space):
        assert Message.objects.filter(pk=message.pk).exists()


# --- Retry --------------------------------------------------------------------------------------


def failed(way: Way, user: User) -> Message:
    """A reply that WhatsApp refused for good."""
    way.say(QUESTION, wamid="wamid.1")
    message = reply(way, user, seconds=0)
    with scope.workspace(way.space):
        OutboundJob.objects.filter(message_id=message.pk).update(state="dead", attempts=5)
        Message.objects.filter(pk=message.pk).update(status="failed", error="No such number.")
    return message


def test_a_failed_message_is_sent_again_as_a_new_one_once(way: Way, bola: User) -> None:
    message = failed(way, bola)

    again = retry(way, message, bola)
    with pytest.raises(retrying.UnableToRetry, match="already"):
        retry(way, message, bola)
    way.work()

    assert sent(way)[1:] == ["Hello"] and again.pk != message.pk
    with scope.workspace(way.space):
        message.refresh_from_db()
        again.refresh_from_db()
    assert (message.status, message.content["retried_as"]) == ("failed", again.pk)
    assert (again.status, again.content["retry_of"]) == ("sent", message.pk)


def test_what_was_retried_is_not_replayed_by_support_as_well(way: Way, bola: User) -> None:
    message = failed(way, bola)
    retry(way, message, bola)

    with scope.workspace(way.space):
        [old] = OutboundJob.objects.filter(message_id=message.pk)
    with scope.system():
        assert outbox.replay(ids=[old.pk], now=clock.now()) == 0
    way.work()

    assert sent(way)[1:] == ["Hello"]


def test_what_support_replays_is_not_retried_as_well(way: Way, bola: User) -> None:
    message = failed(way, bola)
    with scope.workspace(way.space):
        [old] = OutboundJob.objects.filter(message_id=message.pk)
    with scope.system():
        assert outbox.replay(ids=[old.pk], now=clock.now()) == 1

    with pytest.raises(retrying.UnableToRetry, match="on its way again"):
        retry(way, message, bola)
    way.work()

    assert sent(way)[1:] == ["Hello"]


def test_only_what_failed_is_retried_and_only_in_the_window(way: Way, bola: User) -> None:
    message = failed(way, bola)
    with scope.workspace(way.space):
        Conversation.objects.update(last_inbound_at=clock.now() - timedelta(hours=25))
    with pytest.raises(retrying.UnableToRetry, match="24 hours"):
        retry(way, message, bola)

    with scope.workspace(way.space):
        Message.objects.filter(pk=message.pk).update(status="delivered")
    with pytest.raises(retrying.UnableToRetry, match="reached WhatsApp"):
        retry(way, message, bola)


def test_two_who_retry_at_once_send_it_once(committed_way: Way) -> None:
    way = committed_way
    user = User.objects.get(email="racer@race.example")
    post(way, "agent", "wamid.0")
    way.work()
    message = reply(way, user, seconds=0)
    with scope.workspace(way.space):
        OutboundJob.objects.filter(message_id=message.pk).update(state="dead")
        Message.objects.filter(pk=message.pk).update(status="failed")
    ready = threading.Barrier(2)

    def again() -> bool:
        ready.wait()
        try:
            retry(way, message, user)
        except retrying.UnableToRetry:
            return False
        return True

    sides = [Side(again), Side(again)]

    assert sorted(side.end() for side in sides) == [False, True]
    before = len(way.api.messages)
    way.work()
    assert len(way.api.messages) - before == 1


# --- Who has it ---------------------------------------------------------------------------------


def assign(way: Way, to: str, user: User, **options: Any) -> str:
    with scope.workspace(way.space):
        return takeover.assign(
            workspace=way.space, conversation_id=talk(way).pk, to=to, user=user, now=clock.now(), **options,
        )  # fmt: skip


def test_a_conversation_is_assigned_and_given_on(way: Way, ada: User, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")

    assert assign(way, str(bola.pk), ada, had="bot") == "bot"
    assert (talk(way).holder, talk(way).held_by_id) == ("person", bola.pk)
    assert assign(way, "team", ada) == str(bola.pk)
    assert (talk(way).holder, talk(way).held_by_id) == ("person", None)
    assert assign(way, "bot", ada) == "team"
    assert talk(way).holder == "bot"
    with scope.workspace(way.space):
        assert AuditEntry.objects.filter(action="conversation.assigned").count() == 3


@pytest.mark.parametrize("to", ["", "nobody", "-1", "9" * 30, "999999999"])
def test_only_people_who_answer_here_are_assigned(
    way: Way, ada: User, chidi: User, to: str
) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        viewer = members.add(
            workspace=way.space, email="vera@acme.example", role="viewer", actor=ada, now=clock.now()
        ).user  # fmt: skip

    for one in (to, str(chidi.pk), str(viewer.pk)):
        with pytest.raises(takeover.UnableToAssign):
            assign(way, one, ada)
    assert talk(way).holder == "bot"


def test_who_is_slower_is_told_who_has_it(way: Way, ada: User, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        takeover.take(conversation_id=talk(way).pk, user=bola, had="bot", now=clock.now())

        with pytest.raises(takeover.UnableToAssign, match="Bola has taken"):
            takeover.take(conversation_id=talk(way).pk, user=ada, had="bot", now=clock.now())

    assert talk(way).held_by_id == bola.pk


def test_two_who_take_at_once_end_in_one_holder(committed_way: Way, ada: User, bola: User) -> None:
    way = committed_way
    post(way, QUESTION, "wamid.0")
    way.work()
    pk = talk(way).pk
    ready = threading.Barrier(2)

    def take(user: User) -> int | None:
        ready.wait()
        with scope.workspace(way.space):
            try:
                takeover.take(conversation_id=pk, user=user, had="bot", now=clock.now())
            except takeover.UnableToAssign:
                return None
        return int(user.pk)

    sides = [Side(lambda user=user: take(user)) for user in (ada, bola)]  # type: ignore[misc]
    took = [pk for side in sides if (pk := side.end()) is not None]

    assert len(took) == 1 and talk(way).held_by_id == took[0]


def test_nobody_gives_back_what_somebody_else_has_taken_meanwhile(
    way: Way, ada: User, bola: User
) -> None:
    way.say(QUESTION, wamid="wamid.1")
    assign(way, str(ada.pk), ada)
    seen = str(ada.pk)
    assign(way, str(bola.pk), bola, had=seen)

    with scope.workspace(way.space), pytest.raises(takeover.UnableToAssign, match="Bola has taken"):
        takeover.give_back(
            workspace=way.space, conversation_id=talk(way).pk, user=ada, had=seen, now=clock.now()
        )

    assert talk(way).held_by_id == bola.pk


def test_a_second_click_on_undo_does_not_say_that_it_went_out(
    way: Way, bola: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.say(QUESTION, wamid="wamid.1")
    sent = reply(way, bola)
    in_hand = takeover.in_hand

    def the_first_click_is_faster(conversation_id: int) -> Conversation:
        outbox.cancel(workspace=way.space, key=f"message:{sent.pk}")
        Message.objects.filter(pk=sent.pk).delete()
        return in_hand(conversation_id)

    monkeypatch.setattr(takeover, "in_hand", the_first_click_is_faster)

    with pytest.raises(takeover.UnableToFindConversation):
        undo(way, sent, bola)
