"""A person takes a conversation over, and gives it back; the bot never talks over them."""

from datetime import timedelta
from typing import Any

import pytest

from billing import reports
from connections.models import OutboundJob
from lib import clock
from messaging import takeover, trace
from messaging.models import BotSettings, Conversation, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import AuditEntry, User

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"


def talk(way: Way) -> Conversation:
    with scope.workspace(way.space):
        return Conversation.objects.get()


def reply(way: Way, user: User, text: str, **options: Any) -> Message:
    with scope.workspace(way.space):
        return takeover.reply(
            workspace=way.space,
            conversation_id=options.pop("conversation_id", None) or talk(way).pk,
            user=user,
            text=text,
            now=clock.now(),
            **options,
        )


def sent(way: Way) -> list[str]:
    return [m["text"]["body"] for m in way.api.messages]


def echo(way: Way, text: str, *, wamid: str = "wamid.E", **more: Any) -> None:
    message = {"from": "15550783881", "to": "2348061112222", "id": wamid, "type": "text",
               "timestamp": str(int(clock.now().timestamp())), "text": {"body": text}, **more}  # fmt: skip
    payload = whatsapp.envelope({"message_echoes": [message]}, field="smb_message_echoes")
    assert way.post(payload).status_code == 200
    way.work()


def let_time_pass(way: Way) -> int:
    with scope.workspace(way.space):
        Conversation.objects.filter(holder="person").update(
            held_until=clock.now() - timedelta(seconds=1)
        )
        return takeover.hand_back_expired(now=clock.now())


# --- From the inbox page -----------------------------------------------------------------------


def test_a_persons_reply_goes_out_and_the_bot_keeps_quiet(way: Way, bola: User) -> None:
    way.say("zebra quantum bicycle insurance?", wamid="wamid.1")
    message = reply(way, bola, "  We do not insure zebras.\x00  ")
    way.work()
    way.say(QUESTION, wamid="wamid.2")

    assert sent(way)[1:] == ["We do not insure zebras."]
    conversation = talk(way)
    assert (conversation.holder, conversation.held_by_id) == ("person", bola.pk)
    with scope.workspace(way.space):
        message.refresh_from_db()
        story = trace.story(message_id=message.pk)
    assert (message.status, message.author, message.author_id) == ("sent", "member", bola.pk)
    assert story is not None and "Bola" in story.verdict


def test_a_reply_settles_the_call_for_a_person(way: Way, bola: User) -> None:
    way.say("zebra quantum bicycle insurance?", wamid="wamid.1")
    assert talk(way).needs_person

    reply(way, bola, "Hello")

    assert not talk(way).needs_person


def test_a_form_that_is_sent_twice_is_one_message(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    once = "f" * 100  # longer than what is kept of it

    messages = [reply(way, bola, "Hello", once=once).pk for _ in range(3)]
    other = reply(way, bola, "Hello", once="another form")
    way.work()

    assert len(set(messages)) == 1 and other.pk not in messages
    assert sent(way)[1:] == ["Hello", "Hello"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Write something"), ("  \n ", "Write something"), ("\x00", "Write something"),
     ("x" * 4097, "4,096 characters; this has 4,097")],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_in_words(
    way: Way, bola: User, text: str, words: str
) -> None:
    way.say(QUESTION, wamid="wamid.1")

    with pytest.raises(takeover.UnableToReply, match=words):
        reply(way, bola, text)

    assert talk(way).holder == "bot"


def test_whatsapps_longest_text_goes_out(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")

    reply(way, bola, "ß" * 4096)
    way.work()

    assert len(sent(way)[-1]) == 4096


def test_after_a_day_of_silence_a_reply_is_refused(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        Conversation.objects.update(last_inbound_at=clock.now() - timedelta(hours=24))

    with pytest.raises(takeover.UnableToReply, match="24 hours"):
        reply(way, bola, "Hello")


def test_a_number_that_is_off_or_gone_takes_no_reply(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        way.connection.is_sending, way.connection.state_reason = False, "Access lost."
        way.connection.save()
    with pytest.raises(takeover.UnableToReply, match=r"stopped\. Access lost\."):
        reply(way, bola, "Hello")

    with scope.workspace(way.space):
        way.connection.delete()
    with pytest.raises(takeover.UnableToReply, match="no longer connected"):
        reply(way, bola, "Hello")


def test_a_suspended_workspace_takes_no_reply(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    way.space.state = "suspended"

    with pytest.raises(takeover.UnableToReply, match="suspended"):
        reply(way, bola, "Hello")


def test_a_conversation_that_is_not_there_is_said(way: Way, bola: User) -> None:
    with pytest.raises(takeover.UnableToFindConversation):
        reply(way, bola, "Hello", conversation_id=999_999)


def test_a_reply_is_metered_once_and_not_as_the_bots_work(way: Way, bola: User) -> None:
    way.say("thanks", wamid="wamid.1")
    reply(way, bola, "Hello")
    way.work()

    today = clock.local_day(clock.now(), way.space.time_zone)
    with scope.workspace(way.space):
        totals = reports.totals(reports.by_day(workspace=way.space, first=today, last=today))
    assert (totals["messages_sent"], totals["automation_runs"]) == (1, 0)


# --- From the phone app ------------------------------------------------------------------------


def test_who_writes_on_the_businesss_phone_has_the_conversation(way: Way) -> None:
    way.say("zebra quantum bicycle insurance?", wamid="wamid.1")
    echo(way, "Hello, this is Ada.")
    way.say(QUESTION, wamid="wamid.2")

    conversation = talk(way)
    assert (conversation.holder, conversation.held_by_id) == ("person", None)
    assert len(sent(way)) == 1
    with scope.workspace(way.space):
        kept = Message.objects.get(provider_message_id="wamid.E")
        assert (kept.author, kept.direction, kept.text) == ("phone", "out", "Hello, this is Ada.")
        assert kept.steps.get().reason == "phone_app"
        assert not OutboundJob.objects.filter(message_id=kept.pk).exists()


def test_an_echo_that_comes_twice_is_one_message(way: Way) -> None:
    echo(way, "Hello")
    echo(way, "Hello")

    with scope.workspace(way.space):
        assert Message.objects.filter(author="phone").count() == 1


def test_an_echo_to_somebody_new_opens_the_conversation(way: Way) -> None:
    echo(way, "Good morning, your cloth is ready.")

    conversation = talk(way)
    assert conversation.holder == "person"
    assert conversation.last_inbound_at is None


# --- Giving back -------------------------------------------------------------------------------


def test_a_person_gives_back_by_a_button(way: Way, bola: User) -> None:
    way.say("agent", wamid="wamid.1")
    with scope.workspace(way.space):
        takeover.give_back(
            workspace=way.space, conversation_id=talk(way).pk, user=bola, now=clock.now()
        )
        assert AuditEntry.objects.filter(action="conversation.given-back", actor=bola).exists()
    way.say(QUESTION, wamid="wamid.2")

    assert (talk(way).holder, talk(way).needs_person) == ("bot", False)
    assert len(sent(way)) == 2


def test_it_goes_back_after_the_set_time_and_stays_marked_for_a_person(
    way: Way, bola: User
) -> None:
    with scope.workspace(way.space):
        BotSettings.objects.update(handback_minutes=30)
    way.say("agent", wamid="wamid.1")
    held_until = talk(way).held_until
    assert held_until is not None
    assert 29 < (held_until - clock.now()).total_seconds() / 60 <= 30

    assert let_time_pass(way) == 1
    way.say(QUESTION, wamid="wamid.2")

    assert (talk(way).holder, talk(way).held_until) == ("bot", None)
    assert talk(way).needs_person
    assert len(sent(way)) == 2


def test_the_bot_is_back_at_the_moment_the_time_is_over(way: Way) -> None:
    way.say("agent", wamid="wamid.1")
    with scope.workspace(way.space):
        Conversation.objects.update(held_until=clock.now() - timedelta(seconds=1))

    way.say(QUESTION, wamid="wamid.2")  # before the sweep that gives it back

    assert len(sent(way)) == 2


def test_who_still_has_time_keeps_the_conversation(way: Way) -> None:
    way.say("agent", wamid="wamid.1")

    with scope.workspace(way.space):
        assert takeover.hand_back_expired(now=clock.now()) == 0
    assert talk(way).holder == "person"


def test_taking_without_writing_keeps_the_bot_out(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        takeover.take(conversation_id=talk(way).pk, user=bola, now=clock.now())
    way.say(QUESTION, wamid="wamid.2")

    assert talk(way).held_by_id == bola.pk
    assert len(sent(way)) == 1
