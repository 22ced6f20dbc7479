"""A business in the middle of its day: what the tests of pages, their pictures and their checks show.

Made by the domain's own functions where that is quick, and by rows where a month is to be told.
"""

import random
import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client

from billing import metering, meters
from connections import manager
from connections.models import Connection
from faqs import entries, golden, importing, readers
from faqs.models import Entry, GoldenQuestion
from lib import clock
from messaging import notes, people, trace
from messaging.models import Contact, ContactIdentity, Conversation, Message
from tests.places import Story
from workspaces import invitations, members, schemas, scope
from workspaces.models import User, Workspace

ENTRIES = (
    ("How much is delivery?", "Delivery within Lagos is *₦2,500*. Other states are ₦4,500.", "Delivery"),
    ("How long does delivery take?", "Lagos: the next working day. Other states: 2 to 4 days.", "Delivery"),
    ("What are your prices?", "Ankara starts at ₦3,500 a yard, lace at ₦9,000.", "Prices"),
    ("Where is your shop?", "12 Allen Avenue, Ikeja, Lagos. Opposite the bank.", "Shop"),
    ("When are you open?", "Monday to Saturday, 8 to 18.", "Shop"),
    ("How can I pay?", "By bank transfer or card. Our cashier sends you the account details.", "Payment"),
    ("Do you sell in bulk?", "Yes. From 10 yards you get 8 % off.", "Prices"),
    ("Can I return fabric?", "Within 7 days, uncut and with the receipt.", "Returns"),
)  # fmt: skip

# Name, phone, what was said (who, text), who has it now.
TALKS = (
    ("Chiamaka O.", "+2348065550178", (
        ("in", "Good afternoon"), ("bot", "Good afternoon! Welcome to Mama Put Fabrics. How can I help?"),
        ("in", "I want 5 yards of the blue ankara"), ("bot", "Ankara starts at ₦3,500 a yard, lace at ₦9,000."),
        ("in", "Yes. How much is delivery to Epe on Sunday?"),
    ), "needs"),
    ("Tunde A.", "+2348061112222", (("in", "Do you deliver to Ikeja?"), ("bot", "Delivery within Lagos is *₦2,500*."), ("in", "Ok thank you")), "bot"),
    ("", "+2347015550199", (("in", "Do you have size 42 agbada?"), ("bot", "Did you mean one of these?\n1. What are your prices?\n2. Do you sell in bulk?")), "bot"),
    ("Emeka N.", "+2348035550111", (("in", "I have paid, see receipt"), ("member", "Thank you Emeka, we send it today."), ("in", "Great 🙏")), "person"),
    ("Halima B.", "+2348095550123", (("in", "What time do you close?"), ("bot", "Monday to Saturday, 8 to 18.")), "bot"),
    ("Segun K.", "+2348075550144", (("in", "Can I return it?"), ("failed", "Within 7 days, uncut and with the receipt.")), "bot"),
    ("Ngozi U.", "+2348025550155", (("in", "Una get lace?"), ("bot", "Ankara starts at ₦3,500 a yard, lace at ₦9,000."), ("in", "Can you sew it for me as well?")), "needs"),
)  # fmt: skip


def tell(*, slug: str = "", is_staffed: bool = True, now: datetime | None = None) -> Story:
    """Make the business, its people and its month."""
    now = now or clock.now()
    tag = secrets.token_hex(3)
    slug = slug or f"mama-put-{tag}"
    owner = _person(f"chiamaka-{tag}@mamaput.example", "Chiamaka")
    space = schemas.create(
        name="Mama Put Fabrics",
        slug=slug,
        country="NG",
        owner=owner,
        kind="fashion",
        city="Lagos",
        now=now,
    )
    sessions = {"owner": _session(owner)}
    with scope.workspace(space):
        if is_staffed:
            for role, name in (("manager", "Ada"), ("agent", "Bola"), ("viewer", "Vera")):
                user = _person(f"{name.lower()}-{tag}@mamaput.example", name)
                members.add(workspace=space, email=user.email, role=role, actor=owner, now=now)
                sessions[role] = _session(user)
        number = manager.add(
            workspace=space,
            provider="cloud_api",
            phone="0803 123 4567",
            external_id=f"1{secrets.randbelow(10**14)}",
            account_id="300200100",
            secrets={"access_token": "token", "app_secret": "secret"},
            actor=owner,
            now=now,
            is_verified=True,
        )
        Connection.objects.filter(pk=number.pk).update(state=Connection.State.CONNECTED)
        made = [_entry(question, answer, category, now) for question, answer, category in ENTRIES]
        _hold(made[0], now)
        added = importing.confirm(
            import_id=_draft(ADDED, "washing.csv", owner, now), user_id=owner.pk, now=now
        )
        draft_id = _draft(IMPORT, "faqs-mama-put.csv", owner, now)
        talks = [_talk(number.pk, *talk, now=now, age=age) for age, talk in enumerate(TALKS)]
        _month(number.pk, talks[1], now)
        _usage(space, number.pk, now)
        first, noted = talks[0], talks[3]
        _turn_away(space, noted, owner, now)
        invitation = _invite(space, owner, now)
        asked = first.messages.filter(direction="in").latest("pk")
        failed = talks[5].messages.get(status="failed")
    stranger, staff = (
        _person(f"chidi-{tag}@rival.example", "Chidi"),
        _person(f"sam-{tag}@backroom.example", "Sam"),
    )
    with scope.system():
        User.objects.filter(pk=staff.pk).update(is_staff=True)
    newcomer = _person(f"ngozi-{tag}@bites.example", "Ngozi")
    new = schemas.create(
        name="Ngozi’s Small Chops", slug=f"ngozi-{tag}", country="NG", owner=newcomer, kind="food",
        city="Enugu", now=now, setup={"is_open": True, "done": ["business"]},
    )  # fmt: skip
    sessions |= {
        "stranger": _session(stranger),
        "staff": _session(staff),
        "newcomer": _session(newcomer),
    }
    return Story(
        slug, space.pk, number.pk, made[0].pk, draft_id, first.pk, first.contact_id, asked.pk,
        failed.pk, noted.pk, noted.contact_id, added.pk, invitation, new.slug, sessions,
    )  # fmt: skip


IMPORT = (
    "question,answer,category\n"
    "Do you have aso-oke?,Yes. From ₦15,000 a set.,Prices\n"
    "Where are you?,,Shop\n"
    'Where is your shop?,"12 Allen Avenue, Ikeja",Shop\n'
    "Wetin be una account number?,GTB 0123456789,Payment\n"
    "Do you sew?,We know good tailors nearby and bring you together.,Services\n"
).encode()
ADDED = (
    b"question,answer,category\n"
    b'How do I wash ankara?,"Cold water, inside out, no bleach.",Care\n'
    b"Does the colour run?,Not after the first wash.,Care\n"
)


def _draft(file: bytes, name: str, user: User, now: datetime) -> int:
    rows = readers.read(file).rows
    return importing.preview(rows=rows, file_name=name, user_id=user.pk, now=now).pk


def _hold(entry: Entry, now: datetime) -> None:
    """Keep a question that must go on being answered with an entry."""
    text, origin = "How much is delivery to Yaba?", GoldenQuestion.Origin.PERSON
    golden.add(entry_id=entry.pk, text=text, origin=origin, now=now)


def _turn_away(space: Workspace, talk: Conversation, user: User, now: datetime) -> None:
    """Leave notes about a contact, tag and block them."""
    for text, minutes in (("Says that the bank sent it twice.", 9), ("Paid; see March.", 4)):
        at = now - timedelta(minutes=minutes)
        notes.add(contact=talk.contact, conversation=talk, text=text, user=user, now=at)
    people.tag(contact_id=talk.contact_id, name="wholesale")
    people.block(workspace=space, contact_id=talk.contact_id, user=user, now=now)


def _invite(space: Workspace, owner: User, now: datetime) -> str:
    """Invite one person by e-mail and one by a link; return the link's path."""
    actor = members.find(workspace=space, user=owner)
    assert actor is not None
    invitations.invite(
        workspace=space, actor=actor, role="agent", email="yemi@mamaput.example", now=now
    )
    sent = invitations.invite(workspace=space, actor=actor, role="viewer", now=now)
    return sent.url.removeprefix(settings.BASE_URL)


def _person(email: str, name: str) -> User:
    with scope.system():
        user = User.objects.create_user(email, name=name)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _session(user: User) -> str:
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _entry(question: str, answer: str, category: str, now: datetime) -> Entry:
    return entries.create(
        question=question, answer=answer, category=category, phrasings=[question.lower()], now=now
    )


def _talk(
    number_id: int,
    name: str,
    phone: str,
    said: tuple[tuple[str, str], ...],
    held: str,
    *,
    now: datetime,
    age: int,
) -> Conversation:
    at = now - timedelta(minutes=3 + 17 * age)
    contact = Contact.objects.create(name=name, phone=phone, created_at=at, last_seen_at=at)
    ContactIdentity.objects.create(
        contact=contact, scope="whatsapp", kind="phone", value=phone, first_seen_at=at, last_seen_at=at
    )  # fmt: skip
    needs = held == "needs"
    talk = Conversation.objects.create(
        contact=contact,
        connection_id=number_id,
        holder="person" if held == "person" else "bot",
        held_until=now + timedelta(hours=1) if held == "person" else None,
        needs_person=needs,
        needs_person_since=at if needs else None,
        last_inbound_at=at,
        last_message_at=at,
        opened_at=at - timedelta(minutes=5),
    )
    asked: Message | None = None
    for place, (who, text) in enumerate(said):
        moment = at - timedelta(seconds=40 * (len(said) - place - 1))
        message = _message(talk, who, text, moment, answers=asked if who != "in" else None)
        if who == "in":
            asked = message
            _account(message, is_passed_on=needs and place == len(said) - 1, at=moment)
    return talk


def _message(
    talk: Conversation, who: str, text: str, at: datetime, *, answers: Message | None = None
) -> Message:
    is_in, is_failed = who == "in", who == "failed"
    took = timedelta(milliseconds=random.Random(talk.pk).randint(700, 1900))  # noqa: S311
    status = "received" if is_in else "failed" if is_failed else "delivered"
    return Message.objects.create(
        conversation=talk,
        direction="in" if is_in else "out",
        author={"in": "contact", "failed": "bot"}.get(who, who),
        kind="text",
        text=text,
        answers=answers,
        provider_message_id=f"wamid.{secrets.token_hex(8)}",
        status=status,
        sent_at=None if is_in or is_failed else at + took,
        error_code="contact_blocked" if is_failed else "",
        error="The number is not on WhatsApp." if is_failed else "",
        provider_at=at,
        created_at=at,
    )


def _account(message: Message, *, is_passed_on: bool, at: datetime) -> None:
    found = (
        trace.acted("faq", "faq_none", "None of your answers fits this question.")
        if is_passed_on
        else trace.acted("faq", "faq_matched", "Your answer fits (94% sure).")
    )
    verdicts = [
        trace.passed("received", "Received for the first time, and kept."),
        trace.passed("workspace", "The workspace is active."),
        trace.passed("bot", "The bot is on."),
        trace.passed("rate", "Within the limits of messages a minute."),
        found,
    ]
    if is_passed_on:
        verdicts.append(trace.acted("handover", "handover", "Passed to your team."))
    trace.write(message=message, verdicts=verdicts, received_at=at, now=at)


def _month(number_id: int, talk: Conversation, now: datetime) -> None:
    """Thirty days of messages, more towards their end; Sundays are quiet."""
    dice, rows = random.Random(7), []  # noqa: S311
    for days in range(29, 0, -1):
        at = now - timedelta(days=days)
        for _ in range(0 if at.weekday() == 6 else dice.randint(2, 6) + (29 - days) // 5):
            moment = at - timedelta(minutes=dice.randint(0, 300))
            rows.append(("in", moment))
    for _, moment in rows:
        asked = _message(talk, "in", "How much is delivery?", moment)
        if dice.random() < 0.9:
            _message(talk, "bot", "Delivery within Lagos is *₦2,500*.", moment, answers=asked)


def _usage(space: Workspace, number_id: int, now: datetime) -> None:
    dice = random.Random(11)  # noqa: S311
    usages = [
        metering.Usage(
            meter=meter,
            subject=10**9 + days * 100 + place,
            quantity=dice.randint(5, 60),
            occurred_at=now - timedelta(days=days),
            connection_id=number_id,
        )
        for days in range(45)
        for place, meter in enumerate((meters.MESSAGES_SENT, meters.MESSAGES_RECEIVED))
    ]
    metering.record(workspace=space, usages=usages, now=now)
