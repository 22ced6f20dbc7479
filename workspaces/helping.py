"""The topics of the help page, and how they are searched."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


@dataclass(frozen=True)
class Topic:
    """One question with its answer; `slug` is where links lead."""

    slug: str
    group: Words
    title: Words
    lines: tuple[Words, ...]
    facts: tuple[tuple[Words, Words], ...] = ()

    def is_about(self, query: str) -> bool:
        """Say whether every word of the query is in it."""
        facts = (str(word) for pair in self.facts for word in pair)
        text = " ".join([str(self.title), *map(str, self.lines), *facts]).lower()
        return all(word in text for word in query.lower().split())


_LINK, _ANSWERS, _CHATS, _REST = (
    _("Your number"),
    _("Your answers"),
    _("Chats"),
    _("Everything else"),
)

TOPICS = (
    Topic(
        "which-way", _LINK, _("Which way of connecting suits me?"),
        (
            _("Link your phone if customers already write to a number on it: two minutes, and WhatsApp goes on working there. It is not an official interface; WhatsApp may limit numbers that send unwanted messages."),
            _("Use the Cloud API if you want WhatsApp’s official way, many messages, or no phone at all. It takes a Meta business account, and WhatsApp charges some messages itself."),
        ),
    ),
    Topic(
        "link", _LINK, _("How do I link my phone?"),
        (
            _("Open Settings, Numbers, and choose “Connect WhatsApp”. On another screen: show the code, then in WhatsApp on the phone open Linked devices, Link a device, and scan."),
            _("On the same phone: choose the code of eight letters, then in WhatsApp open Linked devices, Link a device, “Link with phone number instead”, and type it."),
            _("A code lives for a minute at most. If nothing happens, get a new one, or show it on another screen by the one-time link."),
        ),
    ),
    Topic(
        "states", _LINK, _("What does the state of my number mean?"), (),
        (
            (_("Not connected"), _("Nothing is linked yet, or you took it off.")),
            (_("Waiting for scan"), _("A code is shown; scan it with the phone.")),
            (_("Connecting"), _("WhatsApp has the code and is setting the line up.")),
            (_("Connected"), _("Messages come in and answers go out.")),
            (_("Silent (checking)"), _("Nobody has written for hours, which is unusual. The line is being checked; nothing to do.")),
            (_("Reconnecting"), _("The line broke and is tried again by itself. Messages are not lost.")),
            (_("Logged out"), _("The phone ended the link. Link it again; your chats are kept.")),
            (_("Needs passkey"), _("WhatsApp wants a confirmation on the phone. Open WhatsApp there.")),
            (_("Blocked by WhatsApp"), _("WhatsApp has closed or limited the number. Open WhatsApp on the phone and read what it says; you can ask for a review there.")),
        ),
    ),
    Topic(
        "import", _ANSWERS, _("How do I bring my answers?"),
        (
            _("Open FAQs, Import. Upload Excel, CSV, Word, PDF or text, paste a note or a chat, or give a link to a page or a Google Sheet."),
            _("You see every question and answer before anything is added, with what looks wrong. An import can be taken back as a whole for 30 days."),
        ),
    ),
    Topic(
        "unsure", _ANSWERS, _("What does the bot do when it is not sure?"),
        (
            _("It offers up to three of your answers to choose from. If none fits, it says that a person will answer, and the chat is marked “Needs you”."),
            _("How sure it must be is your choice: FAQs, Quality, “How sure must the bot be?”."),
        ),
    ),
    Topic(
        "hand-over", _CHATS, _("How do I take a chat over, and give it back?"),
        (
            _("Write in the chat, here or on the phone, and the bot keeps quiet in it. “Take over” does the same without writing yet."),
            _("“Give back” lets the bot answer again. Without a word from you it takes the chat back by itself after two hours."),
        ),
    ),
    Topic(
        "why", _CHATS, _("Why did it reply that, or nothing at all?"),
        (
            _("Tap “Why this reply?” or “Why no reply?” under the message: one sentence says it, and each step is listed below. From there you can say which answer would have been right."),
        ),
    ),
    Topic(
        "window", _CHATS, _("Why can I not write to a customer any more?"),
        (
            _("WhatsApp lets a business write freely for 24 hours after the customer’s last message, and Backroom keeps to that on every number. After it, wait until they write again; from a linked phone you can still write in the WhatsApp app."),
        ),
    ),
    Topic(
        "limit", _REST, _("What happens at the day’s limit of my plan?"),
        (
            _("Messages still come in and are kept. The bot sends no more until midnight, and chats wait for you. Usage shows what is left."),
        ),
    ),
    Topic(
        "steps", _REST, _("Where is the list of first steps?"),
        (
            _("On your home page, as long as something of it is open. If you have put it away, the end of Settings brings it back."),
        ),
    ),
    Topic(
        "export", _REST, _("How do I take my data along?"),
        (
            _("Usage has files of what was counted. “Export conversations” makes a file of every chat, as Excel, CSV or JSON. FAQs have an export of their own, which can be imported again."),
        ),
    ),
    Topic(
        "leave", _REST, _("How do I leave?"),
        (
            _("Take your files along, disconnect your number under Settings, Numbers, and ask us to remove the workspace. Then everything in it is erased."),
        ),
    ),
)  # fmt: skip


def groups(*, query: str = "") -> list[tuple[Words, list[Topic]]]:
    """Return the topics that are about the query, under their headings."""
    found: dict[str, tuple[Words, list[Topic]]] = {}
    for topic in TOPICS:
        if topic.is_about(query):
            found.setdefault(str(topic.group), (topic.group, []))[1].append(topic)
    return list(found.values())
