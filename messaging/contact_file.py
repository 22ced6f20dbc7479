"""What a workspace holds of one contact, as a file to hand out: JSON, or its messages as CSV."""

import json
from collections.abc import Iterator
from datetime import datetime

from lib import tables
from messaging import notes
from messaging.inbox import names_of
from messaging.models import Contact, ContactIdentity, Message

_MOST = 20_000  # messages of one file, the newest ones
_HEADER = ("at", "direction", "author", "kind", "text", "status")


def as_json(contact: Contact, *, now: datetime) -> str:
    """Return everything that is held of a contact."""
    written = notes.of(contact, most=1_000)
    names = names_of(note.by_id for note in written)
    return json.dumps(
        {
            "exported_at": now.isoformat(),
            "contact": {
                "id": contact.pk,
                "name": contact.name,
                "known_as": contact.known_as,
                "username": contact.username,
                "phone": contact.phone,
                "created_at": contact.created_at.isoformat(),
                "last_seen_at": contact.last_seen_at.isoformat(),
                "has_opted_out": contact.is_opted_out,
                "consent_said_at": contact.consent_at and contact.consent_at.isoformat(),
                "has_opted_out_of_marketing": contact.is_marketing_opted_out,
                "is_blocked": contact.blocked_at is not None,
                "tags": list(contact.tags.order_by("name").values_list("name", flat=True)),
            },
            "identities": [
                {"kind": one.kind, "value": one.value, "first_seen_at": one.first_seen_at.isoformat()}
                for one in ContactIdentity.objects.filter(contact=contact).order_by("pk")
            ],
            "notes": [
                {"at": one.created_at.isoformat(), "by": names.get(one.by_id, ""), "text": one.text}
                for one in written
            ],
            "messages": [
                dict(zip(_HEADER, row, strict=True)) | {"content": content}
                for row, content in _messages(contact)
            ],
        },
        ensure_ascii=False,
        indent=1,
    )  # fmt: skip


def as_csv(contact: Contact) -> str:
    """Return the messages as a table that no spreadsheet runs as formulas."""
    return tables.to_csv(_HEADER, [row for row, _ in _messages(contact)])


def _messages(contact: Contact) -> Iterator[tuple[list[str], dict[str, object]]]:
    rows = Message.objects.filter(conversation__contact=contact).order_by("-provider_at", "-pk")
    for m in reversed(rows[:_MOST]):
        content = {k: v for k, v in m.content.items() if k not in ("once", "before")}
        yield (
            [m.provider_at.isoformat(), m.direction, m.author, m.kind, m.text, m.status],
            content,
        )
