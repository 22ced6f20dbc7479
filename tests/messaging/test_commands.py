"""Owner commands: only from a number that was confirmed, by somebody who still may."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connections.events import Sender
from lib import clock, phones
from messaging import commands, contacts, drain, trace
from messaging.models import BotSettings, Contact, ContactIdentity, OwnerNumber
from tests import whatsapp
from tests.messaging.conftest import Way, stock
from workspaces import members, scope
from workspaces.models import AuditEntry, Member, User, Workspace

pytestmark = pytest.mark.django_db
ADAS, OTHER = "2348031112222", "2348069990000"
QUESTION = "What time do you open?"


def begin(way: Way, user: User, phone: str = f"+{ADAS}") -> str:
    with scope.workspace(way.space):
        return commands.begin_confirmation(
            workspace=way.space, user=user, phone=phone, now=clock.now()
        )


@pytest.fixture
def say(way: Way) -> Iterator[Any]:
    """Write from a phone; return what came back and the reason in the account."""
    count = iter(range(1_000))

    def write(text: str, *, sender: str = ADAS) -> tuple[str, str]:
        wamid = f"wamid.C{next(count)}"
        before = len(way.api.messages)
        way.say(text, wamid=wamid, sender=sender)
        new = way.api.messages[before:]
        with scope.workspace(way.space):
            story = trace.story(provider_message_id=wamid)
        assert story is not None
        acted = [s.reason for s in story.steps if s.verdict in ("act", "stop")]
        return (new[0]["text"]["body"] if new else "", acted[0])

    yield write


@pytest.fixture
def confirmed(way: Way, ada: User, say: Any) -> Any:
    say(f"confirm {begin(way, ada)}")
    return say


def is_on(way: Way) -> bool:
    with scope.workspace(way.space):
        return BotSettings.objects.get().mode == "on"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


# --- Confirming --------------------------------------------------------------------------------


def test_the_shown_code_sent_from_that_phone_confirms_it(way: Way, ada: User, say: Any) -> None:
    answer, reason = say(f"Confirm {begin(way, ada)}!")

    assert reason == "number_confirmed"
    assert answer.startswith("Confirmed.") and "*pause*" in answer
    with scope.workspace(way.space):
        number = OwnerNumber.objects.get()
        assert number.identity is not None and number.identity.value == f"+{ADAS}"
        assert (number.code_digest, number.code_expires_at) == ("", None)
        assert AuditEntry.objects.filter(action="owner-number.confirmed", actor=ada).exists()


def test_the_code_is_kept_as_a_digest_only(way: Way, ada: User) -> None:
    code = begin(way, ada)

    with scope.workspace(way.space):
        row = OwnerNumber.objects.get()
    assert code not in row.code_digest and len(code) == 6


def test_the_code_from_another_phone_is_an_ordinary_message(way: Way, ada: User, say: Any) -> None:
    code = begin(way, ada)

    _, reason = say(f"confirm {code}", sender=OTHER)

    assert reason.startswith("faq_")
    assert say(f"confirm {code}")[1] == "number_confirmed"


def test_after_five_wrong_codes_the_right_one_is_worth_nothing(
    way: Way, ada: User, say: Any
) -> None:
    code = begin(way, ada)
    for _ in range(5):
        assert say(f"confirm {wrong(code)}")[1] != "number_confirmed"

    assert say(f"confirm {code}")[1] != "number_confirmed"
    assert say(f"confirm {begin(way, ada)}")[1] == "number_confirmed"


def test_a_code_older_than_fifteen_minutes_is_worth_nothing(way: Way, ada: User, say: Any) -> None:
    code = begin(way, ada)
    with scope.workspace(way.space):
        OwnerNumber.objects.update(code_expires_at=clock.now() - timedelta(seconds=1))

    assert say(f"confirm {code}")[1] != "number_confirmed"


def test_a_code_works_once(way: Way, ada: User, say: Any) -> None:
    code = begin(way, ada)
    say(f"confirm {code}")

    assert say(f"confirm {code}")[1] != "number_confirmed"


@pytest.mark.parametrize(
    "text",
    [
        "confirm",
        "confirm 12345",
        "confirm 1234567",
        "confirm ١٢٣٤٥٦",
        "confirm abcdef",
        "please confirm 123456",
        "confirm 123456 now",
    ],
)
def test_what_only_looks_like_a_confirmation_is_an_ordinary_message(
    way: Way, ada: User, say: Any, text: str
) -> None:
    begin(way, ada)

    assert say(text)[1] != "number_confirmed"


def test_a_number_that_is_none_is_refused(way: Way, ada: User) -> None:
    with pytest.raises(phones.UnableToParsePhone):
        begin(way, ada, phone="call me")


def test_a_phone_confirmed_by_a_second_person_belongs_to_that_one(
    way: Way, ada: User, bola: User, confirmed: Any
) -> None:
    confirmed(f"confirm {begin(way, bola)}")

    with scope.workspace(way.space):
        assert OwnerNumber.objects.get(user_id=ada.pk).confirmed_at is None
        assert OwnerNumber.objects.get(user_id=bola.pk).confirmed_at is not None


# --- Commanding --------------------------------------------------------------------------------


def test_an_owner_pauses_and_resumes_the_bot_by_whatsapp(way: Way, confirmed: Any) -> None:
    assert "now off" in confirmed("Pause")[0]
    assert is_on(way) is False
    assert confirmed(QUESTION, sender=OTHER) == ("", "bot_off")
    assert "already off" in confirmed("pause.")[0]
    assert "now on" in confirmed("RESUME")[0]
    assert is_on(way) is True
    assert confirmed(QUESTION, sender=OTHER)[1] == "faq_matched"


def test_a_pause_counts_for_the_next_message_of_the_same_batch(way: Way, confirmed: Any) -> None:
    sent = len(way.api.messages)
    way.post(whatsapp.text("pause", wamid="wamid.P1", sender=ADAS))
    way.post(whatsapp.text(QUESTION, wamid="wamid.P2", sender=OTHER))
    way.work()

    assert [m["to"] for m in way.api.messages[sent:]] == [ADAS]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("status", "Bot: on\n+1 555-078-3881: Connected\nConversations that need you: 0"),
        ("usage", "Today: 1 received, 1 sent.\nThis month: 1 received, 1 sent."),
        ("help", commands.HELP),
    ],
)
def test_the_other_commands_answer(confirmed: Any, command: str, words: str) -> None:
    assert confirmed(command) == (words, "owner_command")


@pytest.mark.parametrize(
    "text", ["pause the delivery please", "pause?? no", "how do I pause", "statuses", "p a u s e"]
)
def test_a_sentence_with_a_commands_word_is_no_command(way: Way, confirmed: Any, text: str) -> None:
    assert confirmed(text)[1] != "owner_command"
    assert is_on(way)


def test_anybody_elses_pause_is_an_ordinary_message(way: Way, confirmed: Any) -> None:
    _, reason = confirmed("pause", sender=OTHER)

    assert reason.startswith("faq_")
    assert is_on(way)


def test_a_number_named_but_not_confirmed_commands_nothing(way: Way, ada: User, say: Any) -> None:
    begin(way, ada)

    assert say("pause")[1].startswith("faq_")


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_who_may_not_manage_commands_nothing(
    way: Way, ada: User, confirmed: Any, role: str
) -> None:
    with scope.workspace(way.space):
        members.add(workspace=way.space, email=ada.email, role=role, actor=None, now=clock.now())

    assert confirmed("pause")[1].startswith("faq_")


def test_who_left_or_was_closed_out_commands_nothing(way: Way, ada: User, confirmed: Any) -> None:
    with scope.workspace(way.space):
        User.objects.filter(pk=ada.pk).update(is_active=False)
    assert confirmed("pause")[1].startswith("faq_")
    with scope.workspace(way.space):
        User.objects.filter(pk=ada.pk).update(is_active=True)
        Member.objects.filter(user=ada).delete()
    assert confirmed("pause")[1].startswith("faq_")


def test_a_forgotten_number_commands_nothing(way: Way, ada: User, confirmed: Any) -> None:
    with scope.workspace(way.space):
        commands.forget(workspace=way.space, user=ada, now=clock.now())
        assert AuditEntry.objects.filter(action="owner-number.removed").exists()

    assert confirmed("pause")[1].startswith("faq_")


def test_after_a_change_of_number_neither_the_old_nor_the_new_one_commands(
    way: Way, confirmed: Any
) -> None:
    with scope.workspace(way.space):
        contacts.rename(
            workspace=way.space, previous=Sender(phone=f"+{ADAS}"), current=Sender(phone=f"+{OTHER}"),
            now=clock.now(),
        )  # fmt: skip

    assert confirmed("pause", sender=OTHER)[1].startswith("faq_")
    assert confirmed("pause", sender=ADAS)[1].startswith("faq_")  # who has the old number now
    assert is_on(way)


def test_somebody_with_the_same_parent_id_commands_nothing(way: Way, confirmed: Any) -> None:
    with scope.workspace(way.space):
        owner = Contact.objects.get(phone=f"+{ADAS}")
        ContactIdentity.objects.create(
            contact=owner, scope="whatsapp", kind="parent_bsuid", value="NG.ENT.1",
            first_seen_at=clock.now(), last_seen_at=clock.now(),
        )  # fmt: skip
    payload = whatsapp.text("pause", wamid="wamid.X", sender=OTHER)
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    message["from_parent_user_id"] = "NG.ENT.1"
    way.post(payload)
    way.work()

    assert is_on(way)


def test_a_confirmed_phone_commands_its_own_workspace_only(
    way: Way, rival: Workspace, confirmed: Any
) -> None:
    stock(rival, number_id="777000777")
    way.post(whatsapp.text("pause", wamid="wamid.R", sender=ADAS, number_id="777000777"))
    drain.run(workspace=rival)

    with scope.workspace(rival):
        assert BotSettings.objects.get().mode == "on"
        story = trace.story(provider_message_id="wamid.R")
    assert story is not None and "owner_command" not in [s.reason for s in story.steps]


def test_a_command_works_while_a_person_holds_the_conversation(confirmed: Any) -> None:
    confirmed("agent")

    assert confirmed("status")[1] == "owner_command"
