"""A workspace with a number, an answer and a conversation, and its people signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client

from connections import manager
from connections.models import Connection
from faqs import entries
from faqs.models import Entry
from lib import clock
from messaging import trace
from messaging.models import Contact, ContactIdentity, Conversation, Message
from workspaces import members, scope
from workspaces.models import User, Workspace

HTMX = {"hx-request": "true"}


@dataclass
class Shop:
    """What the pages of these tests show."""

    space: Workspace
    number: Connection
    entry: Entry
    talk: Conversation
    asked: Message
    answered: Message


@pytest.fixture
def shop(acme: Workspace) -> Shop:
    now = clock.now()
    with scope.workspace(acme):
        number = manager.add(
            workspace=acme,
            provider="cloud_api",
            phone="0803 123 4567",
            external_id="100200300",
            account_id="300200100",
            secrets={"access_token": "token-of-acme", "app_secret": "secret-of-acme"},
            actor=None,
            now=now,
            is_verified=True,
        )
        entry = entries.create(
            question="How much is delivery?",
            answer="Delivery within Lagos is *₦2,500*.",
            category="Delivery",
            phrasings=["delivery cost"],
            now=now,
        )
        contact = Contact.objects.create(
            name="Ngozi <b>U.</b>", phone="+2348061112222", created_at=now, last_seen_at=now
        )
        ContactIdentity.objects.create(
            contact=contact,
            scope="whatsapp",
            kind="phone",
            value="+2348061112222",
            first_seen_at=now,
            last_seen_at=now,
        )
        talk = Conversation.objects.create(
            contact=contact,
            connection_id=number.pk,
            last_message_at=now,
            last_inbound_at=now,
            opened_at=now,
            needs_person=True,
            needs_person_since=now - timedelta(minutes=11),
        )
        asked = write(talk, "How much is delivery? <script>alert(1)</script>", wamid="wamid.IN1")
        answered = write(talk, entry.answer, author="bot", answers=asked, wamid="wamid.OUT1")
        Message.objects.filter(pk=answered.pk).update(content={"entry_id": entry.pk})
        trace.write(
            message=asked,
            verdicts=[
                trace.passed("received", "Received for the first time, and kept."),
                trace.passed("bot", "The bot is on."),
                trace.passed("rate", "Within the limits."),
                trace.acted("faq", "faq_matched", "Your answer “How much is delivery?” fits."),
            ],
            received_at=now,
            now=now,
        )
    return Shop(acme, number, entry, talk, asked, answered)


def write(
    talk: Conversation,
    text: str,
    *,
    author: str = "contact",
    wamid: str = "",
    answers: Message | None = None,
    kind: str = "text",
    ago: timedelta = timedelta(),
) -> Message:
    """Put a message into a conversation, as the domain would."""
    at = clock.now() - ago
    is_in = author == "contact"
    return Message.objects.create(
        conversation=talk,
        direction="in" if is_in else "out",
        author=author,
        kind=kind,
        text=text,
        answers=answers,
        provider_message_id=wamid,
        status="received" if is_in else "delivered",
        provider_at=at,
        created_at=at,
    )


@pytest.fixture
def owner(client_for: Callable[[User], Client], ada: User) -> Client:
    return client_for(ada)


@pytest.fixture(name="manager")
def managers_client(client_for: Callable[[User], Client], acme: Workspace) -> Client:
    with scope.workspace(acme):
        member = members.add(
            workspace=acme, email="mike@acme.example", role="manager", actor=None, now=clock.now()
        )
    return client_for(member.user)


@pytest.fixture
def agent(client_for: Callable[[User], Client], bola: User) -> Client:
    return client_for(bola)


@pytest.fixture
def viewer(client_for: Callable[[User], Client], acme: Workspace, ada: User) -> Client:
    with scope.workspace(acme):
        member = members.add(
            workspace=acme, email="vera@acme.example", role="viewer", actor=ada, now=clock.now()
        )
    return client_for(member.user)


@pytest.fixture
def stranger(client_for: Callable[[User], Client], chidi: User) -> Client:
    return client_for(chidi)


@pytest.fixture
def support(client_for: Callable[[User], Client], sam: User) -> Client:
    return client_for(sam)
