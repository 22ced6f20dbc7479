"""A contact: names, tags, blocking, consent, its data, and that nothing of it is left."""

import json
from typing import Any

import pytest
from django.db import connection as database

from ai.models import Call
from billing.models import UsageEvent
from connections import directory
from faqs import entries, history, restoring
from faqs.models import Entry, GoldenQuestion, Label
from lib import clock
from messaging import contact_file, correcting, erasing, exporting, inbox, notes, people
from messaging.models import (
    Contact,
    Conversation,
    ExportPiece,
    Message,
    Note,
    Tag,
    TraceStep,
)
from tests.messaging.conftest import Way
from workspaces import passports, scope
from workspaces.models import AuditEntry, Passport, PassportPart, User

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"
NAME, PHONE = "Ngozi Unique", "2348061112222"


def contact(way: Way) -> Contact:
    with scope.workspace(way.space):
        return Contact.objects.get()


def test_the_teams_name_stays_when_whatsapp_tells_its_own_again(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        people.rename(contact_id=contact(way).pk, name="  Aunty \x00 Ngozi ")
    way.say(QUESTION, wamid="wamid.2")

    assert inbox.shown_name(contact(way)) == "Aunty Ngozi"
    with scope.workspace(way.space):
        people.rename(contact_id=contact(way).pk, name="")
    assert inbox.shown_name(contact(way)) == contact(way).name != ""


def test_a_tag_is_one_word_whatever_its_case_and_goes_with_its_last_bearer(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        pk = contact(way).pk
        people.tag(contact_id=pk, name="VIP")
        people.tag(contact_id=pk, name=" vip ")
        [word] = Tag.objects.all()
        assert len(inbox.listing(tag="Vip", country="NG").talks) == 1
        assert inbox.listing(tag="other", country="NG").talks == []

        people.untag(contact_id=pk, tag_id=word.pk)

        assert not Tag.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "\x00", "x" * 31])
def test_what_is_no_tag_is_refused(way: Way, name: str) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space), pytest.raises(people.UnableToTag):
        people.tag(contact_id=contact(way).pk, name=name)


def test_there_are_not_endlessly_many_tags(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        for n in range(people.MOST_TAGS):
            people.tag(contact_id=contact(way).pk, name=f"tag {n}")
        with pytest.raises(people.UnableToTag, match="at most"):
            people.tag(contact_id=contact(way).pk, name="one more")


def block(way: Way, user: User) -> None:
    with scope.workspace(way.space):
        people.block(workspace=way.space, contact_id=contact(way).pk, user=user, now=clock.now())


def test_whom_the_team_blocks_gets_no_answer_and_calls_nobody(way: Way, bola: User) -> None:
    way.say("a person please", wamid="wamid.1")
    said = len(way.api.messages)
    block(way, bola)
    block(way, bola)

    way.say(QUESTION, wamid="wamid.2")
    way.say("agent", wamid="wamid.3")

    assert len(way.api.messages) == said
    with scope.workspace(way.space):
        assert not Conversation.objects.get().needs_person
        assert [s.reason for s in TraceStep.objects.filter(message__provider_message_id="wamid.2", verdict="stop")] == ["blocked"]  # fmt: skip
        assert Message.objects.filter(direction="in").count() == 3, "what they write is kept"
        assert AuditEntry.objects.filter(action="contact.blocked").count() == 1


def test_unblocking_lets_the_bot_answer_again(way: Way, bola: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    block(way, bola)
    with scope.workspace(way.space):
        people.unblock(workspace=way.space, contact_id=contact(way).pk, user=bola, now=clock.now())

    way.say(QUESTION, wamid="wamid.2")

    assert len(way.api.messages) == 2


def test_consent_says_who_said_it_and_when(way: Way, bola: User) -> None:
    way.say("STOP", wamid="wamid.1")
    stopped = contact(way)
    assert stopped.is_opted_out and stopped.consent_at and stopped.consent_by_id is None

    with scope.workspace(way.space):
        people.set_consent(
            workspace=way.space, contact_id=stopped.pk, is_out=False, user=bola, now=clock.now()
        )

    again = contact(way)
    assert (again.is_opted_out, again.consent_by_id) == (False, bola.pk)


def test_the_file_has_everything_and_runs_no_formula(way: Way, bola: User) -> None:
    way.say("=HYPERLINK(1)", wamid="wamid.1")
    with scope.workspace(way.space):
        notes.add(contact=contact(way), conversation=None, text="pays late", user=bola, now=clock.now())  # fmt: skip
        people.tag(contact_id=contact(way).pk, name="vip")
        found = json.loads(contact_file.as_json(contact(way), now=clock.now()))
        table = contact_file.as_csv(contact(way))

    assert found["contact"]["phone"] == f"+{PHONE}" and found["contact"]["tags"] == ["vip"]
    assert found["notes"][0]["text"] == "pays late"
    assert [m["text"] for m in found["messages"]][0] == "=HYPERLINK(1)"
    assert '"\'=HYPERLINK(1)"' in table


def test_of_an_erased_contact_nothing_is_left(way: Way, bola: User, ada: User) -> None:
    secret = "What time do you open on zebra day"
    way.say(secret, wamid="wamid.1", name=NAME)
    way.say("a person please", wamid="wamid.2", name=NAME)
    way.say("Do you open?", wamid="wamid.9", name="Somebody Else", sender="2348060000001")
    with scope.workspace(way.space):
        one = Contact.objects.get(phone=f"+{PHONE}")
        message = Message.objects.get(provider_message_id="wamid.1")
        directory.remember(workspace=way.space, contacts=[(f"+{PHONE}", one.pk)], now=clock.now())
        people.tag(contact_id=one.pk, name="vip")
        notes.add(contact=one, conversation=None, text=f"{NAME} pays late", user=bola, now=clock.now())  # fmt: skip
        [entry_id, _] = correcting.options(message.pk, [])[0]
        correcting.correct(workspace=way.space, message_id=message.pk, entry_id=entry_id, user=ada, now=clock.now())  # fmt: skip
        assert Label.objects.exists() and GoldenQuestion.objects.filter(text=secret).exists()
        Call.objects.create(
            workspace=way.space, purpose="choose", reference=message.pk, state="settled", route="fast",
            request={"question": secret}, deadline_at=clock.now(), created_at=clock.now(),
        )  # fmt: skip
        counted = UsageEvent.objects.filter(workspace=way.space).count()
        assert found_anywhere(way, [secret, NAME, PHONE])

        extent = erasing.erase(workspace=way.space, contact_id=one.pk, typed="2222", user=ada, now=clock.now())  # fmt: skip

        assert extent.messages == 4 and extent.notes == 1
        assert found_anywhere(way, [secret, "zebra", NAME, PHONE, PHONE[3:]]) == []
        assert not directory.find(phone=f"+{PHONE}")
        assert UsageEvent.objects.filter(workspace=way.space).count() == counted
        [entry] = AuditEntry.objects.filter(action="contact.erased")
        assert (entry.target, entry.actor) == (f"contact {one.pk}", ada)
        assert Contact.objects.get().name == "Somebody Else", "others stay"
        assert Message.objects.filter(provider_message_id="wamid.9").exists()


def test_who_writes_again_after_that_is_somebody_new(way: Way, ada: User) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        erasing.erase(workspace=way.space, contact_id=contact(way).pk, typed="2222", user=ada, now=clock.now())  # fmt: skip
    way.say(QUESTION, wamid="wamid.1")  # WhatsApp repeats what it delivered
    with scope.workspace(way.space):
        assert not Contact.objects.exists()

    way.say(QUESTION, wamid="wamid.2")

    assert contact(way).phone == f"+{PHONE}"


@pytest.mark.parametrize("typed", ["", "1111", "222", "erase"])
def test_nothing_is_erased_by_mistake(way: Way, ada: User, typed: str) -> None:
    way.say(QUESTION, wamid="wamid.1")

    with scope.workspace(way.space), pytest.raises(erasing.UnableToErase):
        erasing.erase(workspace=way.space, contact_id=contact(way).pk, typed=typed, user=ada, now=clock.now())  # fmt: skip

    assert contact(way).phone == f"+{PHONE}"


def found_anywhere(way: Way, words: list[str]) -> list[tuple[str, str]]:
    """Look through every column of the workspace's tables and of the public ones with its rows."""
    found = []
    with scope.owner(way.space.schema_name), database.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema = %s OR (table_schema = 'public' AND table_type = 'BASE TABLE')",
            [way.space.schema_name],
        )
        for schema, table in cursor.fetchall():
            for word in words:
                cursor.execute(
                    f'SELECT count(*) FROM "{schema}"."{table}" AS row WHERE row::text ILIKE %s',
                    [f"%{word}%"],
                )
                if cursor.fetchone()[0]:
                    found.append((table, word))
    return found


def test_notes_have_a_length_and_are_deleted_by_who_wrote_them(
    way: Way, ada: User, bola: User
) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(way.space):
        one: Any = contact(way)
        for text in ("", "\x00", "x" * 2001):
            with pytest.raises(notes.UnableToNote):
                notes.add(contact=one, conversation=None, text=text, user=bola, now=clock.now())
        note = notes.add(contact=one, conversation=None, text="ok", user=bola, now=clock.now())

        assert notes.delete(pk=note.pk, by=ada) is None
        assert notes.delete(pk=note.pk, by=bola) == note
        assert not Note.objects.exists()


def test_neither_files_nor_the_trash_keep_what_was_erased(way: Way, ada: User) -> None:
    secret = "my zebra password is 4711"
    way.say(secret, wamid="wamid.1")
    with scope.workspace(way.space):
        one = contact(way)
        message = Message.objects.get(provider_message_id="wamid.1")
        entry = Entry.objects.order_by("pk")[0]
        correcting.correct(
            workspace=way.space, message_id=message.pk, entry_id=entry.pk, user=ada, now=clock.now()
        )
        entries.delete(entry_ids=[entry.pk], now=clock.now())
        exporting.begin(
            workspace=way.space, what="messages", form="json", first_day=None, last_day=None,
            connection_id=None, user=ada, now=clock.now(),
        )  # fmt: skip
        passport = passports.ask(workspace=way.space, actor=ada, now=clock.now())
        assert ("faqs_change", "zebra") in found_anywhere(way, ["zebra"])
    exporting.advance(workspace=way.space, now=clock.now(), seconds=30)
    passports.make(workspace=way.space, passport_id=passport.pk, clock=clock.now)

    with scope.workspace(way.space):
        erasing.erase(workspace=way.space, contact_id=one.pk, typed="2222", user=ada, now=clock.now())  # fmt: skip

    assert found_anywhere(way, ["zebra", PHONE]) == []
    with scope.workspace(way.space):
        assert not ExportPiece.objects.exists() and not PassportPart.objects.exists()
        assert Passport.objects.get().state == Passport.State.GONE
        brought = restoring.bring_back(entry_id=entry.pk, hand=history.Hand(), now=clock.now())
        assert brought.pk == entry.pk and not Label.objects.exists()
