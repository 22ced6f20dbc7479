"""Who writes: from the identities in a message to one contact, never merged silently."""

from dataclasses import dataclass
from datetime import datetime

from connections import directory
from connections.events import Sender
from messaging.models import Contact, ContactIdentity
from workspaces.models import Workspace

SCOPE = "whatsapp"
Kind = ContactIdentity.Kind


@dataclass(frozen=True)
class Attached:
    """The contact, and whether the identities of the message contradict each other."""

    contact: Contact
    is_new: bool
    in_conflict: bool


def sender_from(data: dict[str, object] | None) -> Sender:
    """Read a Sender out of an update's data; what is not text is left out."""
    known = data or {}

    def text(name: str) -> str:
        value = known.get(name)
        return value if isinstance(value, str) else ""

    return Sender(
        phone=text("phone") or None,
        user_id=text("user_id") or None,
        parent_user_id=text("parent_user_id") or None,
        address=text("address") or None,
        name=text("name"),
        username=text("username"),
    )


def _pairs(sender: Sender) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str | None]] = [
        (Kind.PHONE, sender.phone),
        (Kind.BSUID, sender.user_id),
        (Kind.PARENT_BSUID, sender.parent_user_id),
    ]
    if not (sender.phone or sender.user_id):
        pairs.append((Kind.JID, sender.address))
    return [(kind, value[:192]) for kind, value in pairs if value]


def attach(*, workspace: Workspace, sender: Sender, now: datetime) -> Attached | None:
    """Find or make the contact for `sender`; None when it names nobody.

    The phone decides when it is there. When phone and user id lead to two contacts, both
    stay as they are and are flagged for a person. An identity that its contact has given up
    (a number that changed hands) leads nowhere: who writes from it now is somebody new.
    """
    pairs = _pairs(sender)
    if not pairs:
        return None
    found = _current(pairs)
    known = {(identity.kind, identity.value) for identity in found}
    # A parent id is shared by a company's people in some portfolios: it never decides.
    deciding = [identity for identity in found if identity.kind != Kind.PARENT_BSUID]
    is_new = not deciding
    if is_new:
        contact = Contact.objects.create(
            name=sender.name[:200],
            username=sender.username[:120],
            phone=sender.phone,
            created_at=now,
            last_seen_at=now,
        )
    else:
        contact = deciding[0].contact
    others = {identity.contact_id for identity in deciding} - {contact.pk}
    ContactIdentity.objects.bulk_create(
        ContactIdentity(
            contact=contact,
            scope=SCOPE,
            kind=kind,
            value=value,
            first_seen_at=now,
            last_seen_at=now,
        )
        for kind, value in pairs
        if (kind, value) not in known
    )
    if not is_new:
        _refresh(contact, sender, now)
        ContactIdentity.objects.filter(
            pk__in=[i.pk for i in found if i.contact_id == contact.pk]
        ).update(last_seen_at=now)
    if others and contact.conflict_with_id is None:
        contact.conflict_with_id = min(others)
        contact.save(update_fields=["conflict_with"])
    if sender.phone:
        directory.remember(workspace=workspace, phone=sender.phone, contact_id=contact.pk, now=now)
    return Attached(contact, is_new, bool(others))


def _known(pairs: list[tuple[str, str]]) -> list[ContactIdentity]:
    """Return the identities that `pairs` name, in their order."""
    rows = ContactIdentity.objects.filter(scope=SCOPE, value__in=[value for _, value in pairs])
    named = {
        (identity.kind, identity.value): identity for identity in rows.select_related("contact")
    }
    return [named[pair] for pair in pairs if pair in named]


def _current(pairs: list[tuple[str, str]]) -> list[ContactIdentity]:
    """Return the identities that `pairs` name and that are in use; forget those given up.

    With a given-up identity goes what was granted to it, such as an owner's commands.
    """
    found = _known(pairs)
    given_up = [identity.pk for identity in found if identity.superseded_by_id is not None]
    if given_up:
        ContactIdentity.objects.filter(pk__in=given_up).delete()
    return [identity for identity in found if identity.pk not in given_up]


def _refresh(contact: Contact, sender: Sender, now: datetime) -> None:
    contact.last_seen_at = now
    fields = ["last_seen_at"]
    for name, value, cap in (("name", sender.name, 200), ("username", sender.username, 120)):
        if value and getattr(contact, name) != value[:cap]:
            setattr(contact, name, value[:cap])
            fields.append(name)
    if sender.phone and contact.phone != sender.phone:
        contact.phone = sender.phone  # answers go to where the question came from
        fields.append("phone")
    contact.save(update_fields=fields)


def rename(
    *, workspace: Workspace, previous: Sender, current: Sender, now: datetime
) -> Contact | None:
    """Take over a new number or user id that WhatsApp announced for a known contact.

    The old identities stay, marked as superseded. Returns None when nobody is known by the
    previous ones. An identity that already belongs to somebody else is not moved.
    """
    old = _known(_pairs(previous))
    if not old:
        return None
    contact = old[0].contact
    pairs = _pairs(current)
    _current(pairs)
    for kind, value in pairs:
        identity, _ = ContactIdentity.objects.get_or_create(
            scope=SCOPE,
            kind=kind,
            value=value,
            defaults={"contact": contact, "first_seen_at": now, "last_seen_at": now},
        )
        if identity.contact_id != contact.pk:
            Contact.objects.filter(pk=contact.pk, conflict_with__isnull=True).update(
                conflict_with=identity.contact_id
            )
            continue
        ContactIdentity.objects.filter(
            contact=contact, kind=kind, superseded_by__isnull=True
        ).exclude(pk=identity.pk).update(superseded_by=identity)  # fmt: skip
        if kind == Kind.PHONE:
            Contact.objects.filter(pk=contact.pk).update(phone=value)
            directory.remember(workspace=workspace, phone=value, contact_id=contact.pk, now=now)
    return contact


def address_of(contact: Contact) -> Sender:
    """Return how to reach a contact now: phone if known, else user id, else the raw address."""
    identities = list(
        ContactIdentity.objects.filter(contact=contact, superseded_by__isnull=True).order_by(
            "-last_seen_at", "-id"
        )
    )

    def latest(kind: str) -> str | None:
        return next((identity.value for identity in identities if identity.kind == kind), None)

    return Sender(
        phone=contact.phone or latest(Kind.PHONE),
        user_id=latest(Kind.BSUID),
        address=latest(Kind.JID),
        name=contact.name,
        username=contact.username,
    )
