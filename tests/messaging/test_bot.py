"""The bot's switch: on, test phones only, off; and that it is quiet from that moment on."""

import threading
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import TestCase

from billing import metering, meters, plans
from connections import outbox, sender
from connections.models import OutboundJob
from lib import clock, phones
from messaging import asking, bot, drain, explaining, recalling, takeover, tasks, trace
from messaging.models import Conversation, Message, TestPhone
from tests import whatsapp
from tests.messaging.conftest import Way
from tests.messaging.test_gates import ANSWER, QUESTION, needs_person, reasons
from workspaces import alarms, scope
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db
CUSTOMER = "2348061112222"


def switch(way: Way, mode: str) -> bool:
    """Switch as a page does; what waits for the commit is done."""
    with scope.workspace(way.space), TestCase.captureOnCommitCallbacks(execute=True):
        return bot.switch(workspace=way.space, mode=mode, actor=None, now=clock.now())


def add_phone(way: Way, ada: User, phone: str) -> TestPhone:
    with scope.workspace(way.space):
        return bot.add_test_phone(workspace=way.space, phone=phone, actor=ada, now=clock.now())


def test_a_switch_is_written_down_once(acme: Workspace, ada: User) -> None:
    now = clock.now()
    with scope.workspace(acme):
        changed = [
            bot.switch(workspace=acme, mode=mode, actor=ada, now=now)
            for mode in ("test", "test", "off", "on", "on")
        ]

        assert changed == [True, False, True, True, False]
        assert bot.settings_of().mode == "on"
        entries = AuditEntry.objects.filter(action__startswith="bot.").order_by("pk")
        assert [(entry.action, entry.actor_id) for entry in entries] == [
            ("bot.test", ada.pk), ("bot.off", ada.pk), ("bot.on", ada.pk),
        ]  # fmt: skip


def test_a_mode_that_is_none_is_refused(acme: Workspace) -> None:
    with scope.workspace(acme), pytest.raises(ValueError, match="maybe"):
        bot.switch(workspace=acme, mode="maybe", actor=None, now=clock.now())


def test_in_test_mode_only_test_phones_are_answered(way: Way, ada: User) -> None:
    add_phone(way, ada, "0806 111 2222")
    switch(way, "test")

    way.say(QUESTION, wamid="wamid.1")
    way.say(QUESTION, wamid="wamid.2", sender="2348069999999")

    assert [message["to"] for message in way.api.messages] == [CUSTOMER]
    assert reasons(way, "wamid.1")[0] == "faq_matched"
    assert reasons(way, "wamid.2") == ["test_mode"]
    with scope.workspace(way.space):
        waiting = Conversation.objects.get(needs_person=True)
        assert waiting.contact.phone == "+2348069999999"


def test_in_test_mode_without_a_test_phone_nobody_is_answered(way: Way) -> None:
    switch(way, "test")

    way.say(QUESTION, wamid="wamid.1")

    assert reasons(way, "wamid.1") == ["test_mode"]
    assert way.api.messages == []


def test_a_question_that_is_tried_is_answered_in_test_mode(way: Way) -> None:
    switch(way, "test")

    tried = asking.rehearse(workspace=way.space, text=QUESTION, now=clock.now())

    assert (tried.decision, tried.answer) == ("answer", ANSWER)


def test_a_removed_test_phone_is_answered_no_more(way: Way, ada: User) -> None:
    phone = add_phone(way, ada, CUSTOMER)
    switch(way, "test")
    with scope.workspace(way.space):
        gone = bot.remove_test_phone(
            workspace=way.space, phone_id=phone.pk, actor=ada, now=clock.now()
        )
        again = bot.remove_test_phone(
            workspace=way.space, phone_id=phone.pk, actor=ada, now=clock.now()
        )

    way.say(QUESTION, wamid="wamid.1")

    assert gone is not None and gone.phone == f"+{CUSTOMER}" and again is None
    assert reasons(way, "wamid.1") == ["test_mode"]


def test_a_test_phone_is_kept_once_and_in_one_form(way: Way, ada: User) -> None:
    for written in ("0806 111 2222", "+234 806 111 2222", "2348061112222"):
        add_phone(way, ada, written)

    with scope.workspace(way.space):
        assert [one.phone for one in bot.test_phones()] == [f"+{CUSTOMER}"]
        entries = AuditEntry.objects.filter(action="bot.test-phone-added")
        assert [CUSTOMER[-7:] in entry.target for entry in entries] == [False]


def test_what_is_no_phone_and_what_is_too_many_is_refused(way: Way, ada: User) -> None:
    with pytest.raises(phones.UnableToParsePhone):
        add_phone(way, ada, "my phone")
    for n in range(bot.MOST_TEST_PHONES):
        add_phone(way, ada, f"080355501{n:02d}")

    with pytest.raises(bot.UnableToAddTestPhone, match="20 test phones"):
        add_phone(way, ada, "08035550199")


def test_a_workspaces_test_phones_are_its_own(way: Way, ada: User, rival: Workspace) -> None:
    add_phone(way, ada, CUSTOMER)

    with scope.workspace(rival):
        assert bot.test_phones() == []


# --- Off, at once ------------------------------------------------------------------------------


def queue_answer(way: Way, wamid: str = "wamid.1", **kwargs: Any) -> None:
    """Let a question be answered, and the answer not yet be sent."""
    number_id = way.connection.external_id
    way.post(whatsapp.text(QUESTION, wamid=wamid, number_id=number_id, **kwargs))
    drain.run(workspace=way.space)


def send(way: Way) -> None:
    sender.send_due(workspace=way.space, connection_id=way.connection.pk)


def used(way: Way) -> int:
    with scope.workspace(way.space):
        return metering.used_today(workspace=way.space, meter=meters.MESSAGES_SENT, now=clock.now())


def test_an_answer_in_line_is_taken_back_when_the_bot_is_switched_off(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
    queue_answer(way)
    assert used(way) == 1

    switch(way, "off")
    send(way)

    assert way.api.messages == []
    assert reasons(way, "wamid.1")[-1] == "bot_off"
    assert needs_person(way)
    assert used(way) == 0
    with scope.workspace(way.space):
        reply = Message.objects.get(direction="out")
        assert (reply.status, reply.error_code) == ("failed", "bot_off")
        found = explaining.explain(workspace=way.space, identifier="wamid.1")
        assert found and found.fix.to == "messaging:bot-switch"


def test_what_nobody_took_back_after_the_switch_is_taken_back_by_the_alarm(way: Way) -> None:
    queue_answer(way)
    with scope.workspace(way.space):  # killed between the commit and what was to follow it
        bot.switch(workspace=way.space, mode="off", actor=None, now=clock.now())
        assert alarms.is_set(workspace_id=way.space.pk, kind=recalling.ALARM)

    tasks.recall_due()
    send(way)

    assert way.api.messages == []
    assert reasons(way, "wamid.1")[-1] == "bot_off"
    with scope.workspace(way.space):
        assert not alarms.is_set(workspace_id=way.space.pk, kind=recalling.ALARM)


def test_an_undo_does_not_take_answers_back(way: Way) -> None:
    queue_answer(way)
    switch(way, "off")
    queue_answer(way, "wamid.2", sender="2348069999999")

    switch(way, "on")
    queue_answer(way, "wamid.3", sender="2348068888888")
    with scope.workspace(way.space):
        assert recalling.recall(workspace=way.space, now=clock.now()) == 0
    send(way)

    assert [message["to"] for message in way.api.messages] == ["2348068888888"]
    assert reasons(way, "wamid.2") == ["bot_off"]


def test_switched_to_test_what_is_in_line_for_test_phones_goes_out(way: Way, ada: User) -> None:
    add_phone(way, ada, CUSTOMER)
    queue_answer(way)
    queue_answer(way, "wamid.2", sender="2348069999999")

    switch(way, "test")
    send(way)

    assert [message["to"] for message in way.api.messages] == [CUSTOMER]
    assert reasons(way, "wamid.2")[-1] == "test_mode"


def test_what_a_person_wrote_goes_out_with_the_bot_off(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        talk = Conversation.objects.get()
        takeover.reply(
            workspace=way.space, conversation_id=talk.pk, user=bola, text="Bola here",
            now=clock.now(),
        )  # fmt: skip

    switch(way, "off")
    send(way)

    assert way.api.messages[-1]["text"]["body"] == "Bola here"


def test_what_is_being_sent_is_not_taken_back(way: Way) -> None:
    queue_answer(way)
    with scope.workspace(way.space):
        OutboundJob.objects.update(state="sending")

    switch(way, "off")

    with scope.workspace(way.space):
        assert Message.objects.get(direction="out").status == "queued"
        assert OutboundJob.objects.filter(state="sending").count() == 1


def test_taking_back_leaves_others_workspaces_alone(way: Way, rival: Workspace) -> None:
    queue_answer(way)
    with scope.workspace(way.space):
        [message_id] = outbox.queued_messages(workspace=way.space)

    with scope.workspace(rival):
        assert outbox.take_back(workspace=rival, message_ids=[message_id]) == set()
        assert recalling.recall(workspace=rival, now=clock.now()) == 0
    send(way)

    assert len(way.api.messages) == 1


@pytest.mark.processes
def test_who_switches_off_waits_for_those_about_to_answer(committed_way: Way) -> None:
    way = committed_way
    switched = threading.Event()

    def switch_off() -> None:
        with scope.workspace(way.space):
            bot.switch(workspace=way.space, mode="off", actor=None, now=clock.now())
        connections.close_all()
        switched.set()

    with scope.workspace(way.space):
        with transaction.atomic():
            assert bot.settings_held().mode == "on"
            threading.Thread(target=switch_off, daemon=True).start()
            was_held = not switched.wait(0.5)
        assert was_held and switched.wait(5)
        assert bot.settings_held().mode == "off"


def test_an_answer_decided_before_the_switch_and_put_in_line_after_it_is_taken_back(
    committed_way: Way,
) -> None:
    way = committed_way
    queue_answer(way)

    with scope.workspace(way.space):
        bot.switch(workspace=way.space, mode="off", actor=None, now=clock.now())
    send(way)

    assert way.api.messages == []
    with scope.workspace(way.space):
        story = trace.story(provider_message_id="wamid.1")
    assert story is not None and story.steps[-1].reason == "bot_off"
