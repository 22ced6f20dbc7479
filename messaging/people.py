"""A contact as the team knows it: what it is called, its tags, its consent, and whether it is blocked."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from messaging import notes
from messaging.inbox import names_of, shown_name
from messaging.models import Contact, ContactIdentity, Conversation, Note, Tag
from workspaces import audit
from workspaces.models import User, Workspace

MOST_TAGS = 20  # of one contact
_MOST_WORDS = 200  # of one workspace


class UnableToFindContact(Exception):
    """There is no such contact in this workspace."""


class UnableToTag(Exception):
    """The tag is not added; the message is a sentence for the person."""


@dataclass(frozen=True)
class Card:
    """A contact with what is known of it."""

    contact: Contact
    name: str
    tags: list[Tag]
    other_tags: list[Tag]  # the workspace's, to choose from
    notes: list[tuple[Note, str]]
    identities: list[ContactIdentity]
    talk: Conversation | None  # the latest
    talk_count: int
    consent_by: str
    blocked_by: str


def find(*, contact_id: int) -> Contact:
    """Return a contact of the workspace in scope. Raises UnableToFindContact."""
    found = Contact.objects.filter(pk=contact_id).first()
    if found is None:
        raise UnableToFindContact
    return found


def card(*, contact_id: int) -> Card:
    """Return a contact with what is known of it. Raises UnableToFindContact."""
    contact = find(contact_id=contact_id)
    tags = list(contact.tags.order_by("name"))
    written = notes.of(contact)
    names = names_of(
        [contact.consent_by_id, contact.blocked_by_id, *(note.by_id for note in written)]
    )
    talks = Conversation.objects.filter(contact=contact)
    return Card(
        contact=contact,
        name=shown_name(contact),
        tags=tags,
        other_tags=[tag for tag in every_tag() if tag not in tags],
        notes=[(note, names.get(note.by_id, "")) for note in written],
        identities=list(
            ContactIdentity.objects.filter(contact=contact, superseded_by__isnull=True).order_by(
                "kind", "pk"
            )
        ),
        talk=talks.order_by("-last_message_at", "-pk").first(),
        talk_count=talks.count(),
        consent_by=names.get(contact.consent_by_id or 0, ""),
        blocked_by=names.get(contact.blocked_by_id or 0, ""),
    )


def every_tag() -> list[Tag]:
    """Return the workspace's tags, by name."""
    return list(Tag.objects.order_by("name")[:_MOST_WORDS])


def rename(*, contact_id: int, name: str) -> Contact:
    """Call a contact as the team does; empty: as WhatsApp tells it. Raises UnableToFindContact."""
    contact = find(contact_id=contact_id)
    contact.known_as = " ".join(name.replace("\x00", "").split())[:200]
    contact.save(update_fields=["known_as"])
    return contact


def tag(*, contact_id: int, name: str) -> Contact:
    """Put a tag on a contact, a new word or one that is there. Raises UnableToFindContact, UnableToTag."""
    contact = find(contact_id=contact_id)
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise UnableToTag("Write the tag first.")
    if len(name) > 30:
        raise UnableToTag("A tag has at most 30 characters.")
    if contact.tags.count() >= MOST_TAGS:
        raise UnableToTag(f"A contact has at most {MOST_TAGS} tags. Take one away first.")
    word = Tag.objects.filter(name__iexact=name).first()
    if word is None:
        if Tag.objects.count() >= _MOST_WORDS:
            raise UnableToTag(f"There are {_MOST_WORDS} tags, which is the most. Use one of them.")
        word, _ = Tag.objects.get_or_create(name__iexact=name, defaults={"name": name})
    contact.tags.add(word)
    return contact


def untag(*, contact_id: int, tag_id: int) -> Contact:
    """Take a tag off a contact; a word that nobody bears goes. Raises UnableToFindContact."""
    contact = find(contact_id=contact_id)
    contact.tags.remove(*Tag.objects.filter(pk=tag_id))
    Tag.objects.filter(pk=tag_id, contacts__isnull=True).delete()
    return contact


def block(*, workspace: Workspace, contact_id: int, user: User, now: datetime) -> Contact:
    """Let the bot and the team be left alone by a contact: no automatic reply, no call for a person.

    What they write is kept and can be read. Raises UnableToFindContact.
    """
    with transaction.atomic():
        changed = Contact.objects.filter(pk=contact_id, blocked_at__isnull=True).update(
            blocked_at=now, blocked_by_id=user.pk
        )
        contact = find(contact_id=contact_id)
        if changed:
            Conversation.objects.filter(contact=contact, needs_person=True).update(
                needs_person=False, needs_person_since=None
            )
            _record("contact.blocked", workspace, contact, user, now)
    return contact


def unblock(*, workspace: Workspace, contact_id: int, user: User, now: datetime) -> Contact:
    """Answer a contact again. Raises UnableToFindContact."""
    with transaction.atomic():
        changed = Contact.objects.filter(pk=contact_id, blocked_at__isnull=False).update(
            blocked_at=None, blocked_by_id=None
        )
        contact = find(contact_id=contact_id)
        if changed:
            _record("contact.unblocked", workspace, contact, user, now)
    return contact


def set_consent(
    *, workspace: Workspace, contact_id: int, is_out: bool, user: User, now: datetime
) -> Contact:
    """Note what a contact said about automatic replies, on another way than by STOP and START.

    Raises UnableToFindContact.
    """
    with transaction.atomic():
        changed = Contact.objects.filter(pk=contact_id, is_opted_out=not is_out).update(
            is_opted_out=is_out, consent_at=now, consent_by_id=user.pk
        )
        contact = find(contact_id=contact_id)
        if changed:
            action = "contact.opted-out" if is_out else "contact.opted-in"
            _record(action, workspace, contact, user, now)
    return contact


def note_export(*, workspace: Workspace, contact: Contact, user: User, now: datetime) -> None:
    """Keep in the audit that somebody took a contact's data out."""
    _record("contact.exported", workspace, contact, user, now)


def _record(action: str, workspace: Workspace, contact: Contact, user: User, now: datetime) -> None:
    audit.record(
        action=action, workspace=workspace, actor=user, target=f"contact {contact.pk}", now=now
    )
