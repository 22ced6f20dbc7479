"""What the team writes for itself about a contact; never sent."""

from datetime import datetime

from messaging.models import Contact, Conversation, Note
from workspaces.models import User

LIMIT = 2000
_MOST = 1_000  # of one contact


class UnableToNote(Exception):
    """The note is not kept; the message is a sentence for the person."""


def add(
    *, contact: Contact, conversation: Conversation | None, text: str, user: User, now: datetime
) -> Note:
    """Keep a note about a contact, in the flow of a conversation where there is one.

    Raises UnableToNote.
    """
    text = text.replace("\x00", "").strip()
    if not text:
        raise UnableToNote("Write something first.")
    if len(text) > LIMIT:
        raise UnableToNote(f"A note has at most {LIMIT:,} characters; this has {len(text):,}.")
    if Note.objects.filter(contact=contact).count() >= _MOST:
        raise UnableToNote("There are too many notes about this contact. Delete some first.")
    return Note.objects.create(
        contact=contact, conversation=conversation, text=text, by_id=user.pk, created_at=now
    )


def delete(*, pk: int, by: User | None = None) -> Note | None:
    """Remove a note and return it as it was; with `by` only one that this person wrote.

    None when there is no such note.
    """
    rows = Note.objects.filter(pk=pk)
    found = (rows if by is None else rows.filter(by_id=by.pk)).first()
    if found is not None:
        Note.objects.filter(pk=pk).delete()
    return found


def of(contact: Contact, *, most: int = 20) -> list[Note]:
    """Return the notes about a contact, newest first."""
    return list(Note.objects.filter(contact=contact).order_by("-created_at", "-pk")[:most])
