"""Erase one contact: everything they wrote and were written, and who they are.

What stays has no word and no number of theirs: how many messages were counted, and that somebody
of the team erased contact so-and-so. WhatsApp's own ids of updates stay in the inbox until its
retention is over: they are what makes a repeated delivery known.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from ai import choosing
from connections import directory, mailboxes
from faqs import golden, history, labels
from lib import sql
from messaging import conversations, people
from messaging.models import Contact, ContactIdentity, Conversation, ConversationExport, Message
from workspaces import audit, passports
from workspaces.models import User, Workspace


class UnableToErase(Exception):
    """Nothing was erased; the message is a sentence for the person."""


@dataclass(frozen=True)
class Extent:
    """What erasing a contact would remove."""

    messages: int
    conversations: int
    notes: int


def extent_of(contact: Contact) -> Extent:
    """Return how much there is of a contact."""
    return Extent(
        messages=Message.objects.filter(conversation__contact=contact).count(),
        conversations=Conversation.objects.filter(contact=contact).count(),
        notes=contact.notes.count(),
    )


def word_for(contact: Contact) -> str:
    """Return what is to be typed to erase a contact: its last four digits, or a word."""
    return contact.phone[-4:] if contact.phone else "erase"


# Foreign keys are checked at the commit, so that the order is free; one statement a table.
_STATEMENTS = (
    "DELETE FROM messaging_tracestep WHERE message_id = ANY(%(messages)s)",
    "UPDATE messaging_message SET answers_id = NULL WHERE answers_id = ANY(%(messages)s)",
    "DELETE FROM messaging_message WHERE id = ANY(%(messages)s)",
    "DELETE FROM messaging_note WHERE contact_id = %(contact)s",
    "DELETE FROM messaging_conversation WHERE contact_id = %(contact)s",
    "UPDATE messaging_ownernumber SET identity_id = NULL WHERE identity_id IN"
    " (SELECT id FROM messaging_contactidentity WHERE contact_id = %(contact)s)",
    "UPDATE messaging_contactidentity SET superseded_by_id = NULL WHERE superseded_by_id IN"
    " (SELECT id FROM messaging_contactidentity WHERE contact_id = %(contact)s)",
    "DELETE FROM messaging_contactidentity WHERE contact_id = %(contact)s",
    "DELETE FROM messaging_contact_tags WHERE contact_id = %(contact)s",
    "UPDATE messaging_contact SET conflict_with_id = NULL WHERE conflict_with_id = %(contact)s",
    "DELETE FROM messaging_contact WHERE id = %(contact)s",
)


def erase(
    *, workspace: Workspace, contact_id: int, typed: str, user: User, now: datetime
) -> Extent:
    """Erase a contact from this workspace, for good, in one transaction.

    `typed` is what the person typed to show that they mean it. Raises UnableToErase,
    people.UnableToFindContact.
    """
    with transaction.atomic(durable=True):
        contact = people.find(contact_id=contact_id)
        if typed.strip().lower() != word_for(contact):
            raise UnableToErase("That is not what is asked for, so nothing was erased. Look again.")
        talks = Conversation.objects.filter(contact=contact).values_list("pk", flat=True)
        conversations.lock_all(conversation_ids=list(talks))
        contact = Contact.objects.select_for_update().get(pk=contact.pk)
        extent = extent_of(contact)
        said = Message.objects.filter(conversation__contact=contact)
        rows = list(said.values_list("pk", "provider_message_id", "text"))
        ids = [pk for pk, _, _ in rows]
        keys = set(ContactIdentity.objects.filter(contact=contact).values_list("value", flat=True))
        mailboxes.forget(
            workspace=workspace,
            message_ids=ids,
            subjects=[subject for _, subject, _ in rows if subject],
            people=[key for key in {*keys, contact.phone} if key],
        )
        directory.forget(workspace=workspace, contact_id=contact.pk)
        choosing.forget(workspace=workspace, references=ids, now=now)
        texts = [text for _, _, text in rows if text]
        golden.forget(texts=texts)
        labels.forget(message_ids=ids)
        history.forget(message_ids=ids, texts=texts)
        # Files of the last day hold the same words once more.
        ConversationExport.objects.all().delete()
        passports.forget(workspace=workspace, now=now)
        for statement in _STATEMENTS:
            sql.run(statement, {"contact": contact.pk, "messages": ids})
        audit.record(
            action="contact.erased",
            workspace=workspace,
            actor=user,
            target=f"contact {contact.pk}",
            now=now,
        )
    return extent
