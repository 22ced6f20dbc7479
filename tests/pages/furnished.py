"""A workspace with one of everything that an address or a form can name, and its people."""

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.test import Client

from connections import agreements, lifecycle, manager
from connections.models import Connection
from faqs import entries, golden, history, importing, readers
from faqs.models import Change, Entry, GoldenQuestion
from messaging import bot, notes, people, quick_answers, takeover, trace, versions
from messaging.models import (
    BotSettings,
    BotVersion,
    Contact,
    ContactIdentity,
    Conversation,
    ConversationExport,
    ExportPiece,
    Message,
    Tag,
)
from tests.pages.conftest import write
from tests.pages.engine import Engine
from workspaces import invitations, members, notices, scope
from workspaces.models import Invitation, Member, Passport, PassportPart, User, Workspace

ROLES = ("viewer", "agent", "manager", "owner")


@dataclass(frozen=True)
class Furnished:
    """A workspace, what can be named in it (name: what stands in an address or a form), its people."""

    space: Workspace
    word: str  # that stands in every text of it, and nowhere else
    things: dict[str, str]
    sessions: dict[str, str]  # role: session key
    state: dict[str, str] = field(default_factory=dict)  # of each table, as it was furnished

    def client(self, role: str, *, checks_token: bool = False) -> Client:
        """Return the browser of the member with a role."""
        return client_of(self.sessions[role], checks_token=checks_token)


def client_of(session: str, *, checks_token: bool = False) -> Client:
    """Return a browser that has signed in before."""
    client = Client(enforce_csrf_checks=checks_token)
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client


def session_of(user: User) -> str:
    """Sign a person in, and return the session's key."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def furnish(space: Workspace, owner: User, *, word: str, first_id: int, now: datetime) -> Furnished:
    """Put one of everything into a workspace; ids of its schema begin at `first_id`.

    Two workspaces count for themselves: only with beginnings of their own does an id of one
    name nothing in the other.
    """
    _count_from(space, first_id)
    with scope.workspace(space):
        Workspace.objects.filter(pk=space.pk).update(setup={"is_open": True, "done": ["business"]})
        staff = {
            role: members.add(
                workspace=space,
                email=f"{role}@{space.slug}.example",
                role=role,
                actor=owner,
                now=now,
            )
            for role in ROLES[:-1]
        }
        staff["owner"] = Member.objects.get(workspace=space, user=owner)
        # Else the first page that somebody opens would note that they were here.
        Member.objects.filter(workspace=space).update(last_seen_at=now + timedelta(days=1))
        things = (
            _numbers(space, owner, first_id, now)
            | _answers(word, owner, now)
            | _settings(space, staff["owner"], first_id, word, now)
        )
        things |= _talk(space, things, staff, first_id, word, now)
        things["slug"] = space.slug
        things["user"] = str(staff["agent"].user_id)
        things["member"] = str(staff["agent"].pk)
    sessions = {role: session_of(member.user) for role, member in staff.items()}
    return Furnished(space, word, things, sessions)


def _count_from(space: Workspace, first_id: int) -> None:
    with scope.owner(space.schema_name), connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass,"
            " greatest(%s, coalesce(last_value, 0) + 1)) FROM pg_sequences WHERE schemaname = %s",
            [first_id, space.schema_name],
        )


def _numbers(space: Workspace, owner: User, first_id: int, now: datetime) -> dict[str, str]:
    number = manager.add(
        workspace=space,
        provider="cloud_api",
        phone=f"0803 {first_id:07}",
        external_id=f"1{first_id}",
        account_id="300200100",
        secrets={"access_token": f"token-of-{space.slug}", "app_secret": "secret"},
        actor=owner,
        now=now,
        is_verified=True,
    )
    Connection.objects.filter(pk=number.pk).update(state=Connection.State.CONNECTED)
    linked = lifecycle.create_connection(workspace=space, actor=owner, now=now)
    agreements.remember(connection=linked, actor=owner, now=now)
    engine = Engine(space, linked)
    engine.show()
    engine.open(f"+234805{first_id:07}")
    linking = lifecycle.create_connection(workspace=space, actor=owner, now=now)
    agreements.remember(connection=linking, actor=owner, now=now)
    Engine(space, linking).show()
    return {
        "number": str(number.pk),
        "digits": number.phone[-4:],
        "linked": str(linked.pk),
        "linking": str(linking.pk),
    }


def _answers(word: str, owner: User, now: datetime) -> dict[str, str]:
    def entry(question: str) -> Entry:
        return entries.create(
            question=f"{question} {word}?", answer=f"{word} it is.", category=word, now=now
        )

    one, other, gone = entry("How much is delivery"), entry("Are you open"), entry("Do you sew")
    hand = history.Hand(history.Door.EDIT, owner.pk)
    entries.update(
        entry_id=one.pk, question=one.question, answer=f"{word} now.", category=word, keywords="",
        phrasings=[], is_active=True, hand=hand, now=now,
    )  # fmt: skip
    entries.delete(entry_ids=[gone.pk], now=now)
    kept = golden.add(
        entry_id=other.pk, text=f"Open {word}?", origin=GoldenQuestion.Origin.PERSON, now=now
    )
    assert kept is not None
    waiting, added = (
        importing.preview(
            rows=readers.read(f"question,answer\n{name} {word}?,{word} [city].\n".encode()).rows,
            file_name=f"{name}-{word}.csv",
            user_id=owner.pk,
            now=now,
        )
        for name in ("Waiting", "Added")
    )
    importing.confirm(import_id=added.pk, skip=[], user_id=owner.pk, now=now)
    quick = quick_answers.save(title=f"Bank {word}", text=f"GTB {word}", user=owner, now=now)
    return {
        "entry": str(one.pk),
        "faq_id": one.faq_id,
        "other_entry": str(other.pk),
        "gone_entry": str(gone.pk),
        "change": str(Change.objects.filter(entry_id=one.pk).latest("pk").pk),
        "batch": hand.batch,
        "golden": str(kept.pk),
        "import": str(waiting.pk),
        "row": str(waiting.rows[0]["number"]),
        "added_import": str(added.pk),
        "quick": str(quick.pk),
    }


def _talk(
    space: Workspace,
    things: dict[str, str],
    staff: dict[str, Member],
    first_id: int,
    word: str,
    now: datetime,
) -> dict[str, str]:
    agent = staff["agent"].user
    phone = f"+234806111{first_id}"
    contact = Contact.objects.create(
        name=f"Ngozi {word}", phone=phone, created_at=now, last_seen_at=now
    )
    ContactIdentity.objects.create(
        contact=contact, scope="whatsapp", kind="phone", value=phone, first_seen_at=now, last_seen_at=now
    )  # fmt: skip
    talk = Conversation.objects.create(
        contact=contact,
        connection_id=int(things["number"]),
        last_message_at=now,
        last_inbound_at=now,
        opened_at=now,
        needs_person=True,
        needs_person_since=now - timedelta(minutes=11),
    )
    asked = write(talk, f"How much is delivery to {word}?", wamid=f"wamid.IN{word}")
    write(talk, f"{word} it is.", author="bot", answers=asked)
    unanswered = write(talk, f"Is credit possible in {word}?")
    none_fits = [
        trace.acted("faq", "faq_none", "None fits.", top=[]),
        trace.acted("handover", "handover_faq_none", "Passed on."),
    ]
    trace.write(message=unanswered, verdicts=none_fits, received_at=now, now=now)
    failed = write(talk, f"{word} failed.", author="bot", answers=asked)
    Message.objects.filter(pk=failed.pk).update(
        status="failed", content={"entry_id": int(things["entry"])}
    )
    waiting = takeover.reply(
        workspace=space, conversation_id=talk.pk, user=agent, text=f"{word} soon.",
        undo_seconds=600, now=now,
    )  # fmt: skip
    note = notes.add(contact=contact, conversation=talk, text=f"Note {word}", user=agent, now=now)
    people.tag(contact_id=contact.pk, name=f"vip {word}")
    export = ConversationExport.objects.create(
        what="conversations", form="csv", by_id=agent.pk, state="done", size=4,
        first_day=None, last_day=None, created_at=now, ended_at=now,
    )  # fmt: skip
    ExportPiece.objects.create(export=export, position=0, data=zlib.compress(word.encode()))
    return {
        "contact": str(contact.pk),
        "last_digits": phone[-4:],
        "talk": str(talk.pk),
        "asked": str(asked.pk),
        "unanswered": str(unanswered.pk),
        "failed": str(failed.pk),
        "waiting": str(waiting.pk),
        "note": str(note.pk),
        "tag": str(Tag.objects.get().pk),
        "export": str(export.pk),
    }


def _settings(
    space: Workspace, owner: Member, first_id: int, word: str, now: datetime
) -> dict[str, str]:
    BotSettings.objects.update_or_create(pk=1, defaults={"uses_ai": True})
    bot.add_test_phone(workspace=space, phone="0806 111 2222", actor=owner.user, now=now)
    changes = {"greeting": f"Welcome to {word}!"}
    versions.put(workspace=space, changes=changes, actor=owner.user, now=now)
    BotVersion.objects.filter(number=1).update(number=first_id)
    draft = {"away_text": f"{word} sleeps."}
    versions.save_draft(workspace=space, changes=draft, actor=owner.user, now=now)
    notices.tell_owners(workspace=space, key="test", text=f"Notice {word}", now=now)
    sent, revoked = (
        invitations.invite(
            workspace=space, actor=owner, role="agent", email=f"{name}@{word}.example", now=now
        )
        for name in ("new", "old")
    )
    invitations.revoke(workspace=space, invitation_id=revoked.invitation.pk, actor=owner, now=now)
    # Long enough ago to be sent once more.
    Invitation.objects.filter(pk=sent.invitation.pk).update(sent_at=now - timedelta(hours=1))
    link = invitations.invite(
        workspace=space, actor=owner, role="agent", phone="0806 333 4444", now=now
    )
    passport = Passport.objects.create(
        workspace=space, asked_by=owner.user, state="ready", size=len(word), asked_at=now,
        moved_at=now, ready_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    PassportPart.objects.create(workspace=space, passport=passport, number=0, content=word.encode())
    return {
        "test_phone": str(bot.test_phones()[0].pk),
        "version": str(first_id),
        "notice": str(space.notice_set.get().pk),
        "invitation": str(sent.invitation.pk),
        "revoked": str(revoked.invitation.pk),
        "token": link.url.rstrip("/").rsplit("/", 1)[1],
        "passport": str(passport.pk),
        "name": space.name,
    }
