"""Who writes: from the identities in a message to one contact, never merged silently."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connections import directory
from connections.events import Sender
from lib import sql
from messaging import rows
from messaging.models import Contact, ContactIdentity
from workspaces.models import Workspace

SCOPE = "whatsapp"
Kind = ContactIdentity.Kind
# A customer who writes on and on is noted as seen once in a while, not at every message.
_SEEN_EVERY = timedelta(minutes=1)


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
        lid=text("lid") or None,
        address=text("address") or None,
        name=text("name"),
        username=text("username"),
    )


def _pairs(sender: Sender) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str | None]] = [
        (Kind.PHONE, sender.phone),
        (Kind.BSUID, sender.user_id),
        (Kind.PARENT_BSUID, sender.parent_user_id),
        (Kind.LID, sender.lid),
    ]
    if not (sender.phone or sender.user_id or sender.lid):
        pairs.append((Kind.JID, sender.address))
    return [(kind, value[:192]) for kind, value in pairs if value]


def attach(*, workspace: Workspace, sender: Sender, now: datetime) -> Attached | None:
    """Find or make the contact for one sender, at once: see `Book`."""
    book = Book([sender], now=now)
    ids = rows.draw({TABLE: book.new_count})
    sheet = sql.Sheet()
    book.save(workspace=workspace, ids=ids[TABLE], sheet=sheet)
    sheet.run()
    return book.attached[0]


class Book:
    """The contacts and identities that a batch of messages speaks of, found or to be made.

    `attached` is each sender's, in order; None for one that names nobody. The phone decides
    when it is there. When phone and user id lead to two contacts, both stay as they are and
    are flagged for a person. An identity that its contact has given up (a number that changed
    hands) leads nowhere: who writes from it now is somebody new. The contacts that are known
    stay locked until the commit; the new ones have their ids when the book is saved.
    """

    def __init__(self, senders: Sequence[Sender], *, now: datetime) -> None:
        named = {pair for sender in senders for pair in _pairs(sender)}
        found = [
            identity
            for identity in _locked([value for _, value in named])
            if (identity.kind, identity.value) in named
        ]
        # With a given-up identity goes what was granted to it, such as an owner's commands.
        given_up = [identity.pk for identity in found if identity.superseded_by_id is not None]
        if given_up:
            ContactIdentity.objects.filter(pk__in=given_up).delete()
        # One object for each contact, whatever leads to it.
        people: dict[int, Contact] = {}
        self._known: dict[tuple[str, str], ContactIdentity] = {}
        for identity in found:
            if identity.superseded_by_id is None:
                identity.contact = people.setdefault(identity.contact_id, identity.contact)
                self._known[identity.kind, identity.value] = identity
        self._new_people: list[Contact] = []
        self._new_identities: list[ContactIdentity] = []
        self._changed: dict[int, Contact] = {}
        self._seen: dict[int, ContactIdentity] = {}
        self._conflicts: list[tuple[Contact, Contact]] = []
        self._news: set[int] = set()  # id() of the contacts
        self._senders, self._now = senders, now
        self.attached = [self._attach(sender, now) for sender in senders]

    def _attach(self, sender: Sender, now: datetime) -> Attached | None:
        pairs = _pairs(sender)
        if not pairs:
            return None
        found = [self._known[pair] for pair in pairs if pair in self._known]
        # A parent id is shared by a company's people in some portfolios: it never decides.
        deciding = [identity for identity in found if identity.kind != Kind.PARENT_BSUID]
        is_new = not deciding
        contact = self._make(sender, now) if is_new else deciding[0].contact
        for kind, value in pairs:
            if (kind, value) not in self._known:
                self._note(contact, kind, value, now)
        if not is_new:
            self._refresh(contact, sender, now)
            self._touch(contact, found, now)
        others = [identity.contact for identity in deciding if identity.contact is not contact]
        if others and contact.conflict_with_id is None:
            self._conflicts.append((contact, others[0]))
        return Attached(contact, is_new, bool(others))

    def _make(self, sender: Sender, now: datetime) -> Contact:
        contact = Contact(
            name=sender.name[:200],
            username=sender.username[:120],
            phone=sender.phone,
            created_at=now,
            last_seen_at=now,
        )
        self._new_people.append(contact)
        self._news.add(id(contact))
        return contact

    def _note(self, contact: Contact, kind: str, value: str, now: datetime) -> None:
        identity = ContactIdentity(
            contact=contact,
            scope=SCOPE,
            kind=kind,
            value=value,
            first_seen_at=now,
            last_seen_at=now,
        )
        self._known[kind, value] = identity
        self._new_identities.append(identity)
        self._news.add(id(contact))

    def _refresh(self, contact: Contact, sender: Sender, now: datetime) -> None:
        before = (contact.name, contact.username, contact.phone)
        for name, value, cap in (("name", sender.name, 200), ("username", sender.username, 120)):
            if value:
                setattr(contact, name, value[:cap])
        if sender.phone and contact.phone != sender.phone:
            contact.phone = sender.phone  # answers go to where the question came from
            self._news.add(id(contact))
        is_stale = now - contact.last_seen_at > _SEEN_EVERY
        if is_stale or before != (contact.name, contact.username, contact.phone):
            contact.last_seen_at = now
            if contact.pk is not None:
                self._changed[contact.pk] = contact

    def _touch(self, contact: Contact, found: Sequence[ContactIdentity], now: datetime) -> None:
        for identity in found:
            if identity.pk is not None and identity.contact is contact:
                if now - identity.last_seen_at > _SEEN_EVERY:
                    self._news.add(id(contact))
                    self._seen[identity.pk] = identity
                identity.last_seen_at = now

    @property
    def new_count(self) -> int:
        """How many contacts are to be made: so many ids does `save` want."""
        return len(self._new_people)

    def save(self, *, workspace: Workspace, ids: Sequence[int], sheet: sql.Sheet) -> None:
        """Number the new contacts, and put what is new or has changed on the sheet.

        An identity that somebody else made meanwhile is found out when the sheet is executed:
        IntegrityError.
        """
        for contact, pk in zip(self._new_people, ids, strict=True):
            contact.pk = pk
            contact._state.adding = False
        rows.insert(sheet, TABLE, _NEW_CONTACT, _values(self._new_people, _NEW_CONTACT))
        for identity in self._new_identities:
            identity.contact = identity.contact  # its id is known by now
        rows.insert(
            sheet,
            "messaging_contactidentity",
            _NEW_IDENTITY,
            _values(self._new_identities, _NEW_IDENTITY),
        )
        changed = {"id": "bigint", **_CHANGING}
        rows.update(sheet, TABLE, _CHANGING, _values(list(self._changed.values()), changed))
        if self._seen:
            sheet.add(
                "UPDATE messaging_contactidentity SET last_seen_at = %s WHERE id = ANY(%s)",
                [self._now, sorted(self._seen)],
            )
        for contact, other in self._conflicts:
            contact.conflict_with = other
            sheet.add(
                "UPDATE messaging_contact SET conflict_with_id = %s WHERE id = %s",
                [other.pk, contact.pk],
            )
        directory.remember(
            workspace=workspace,
            contacts=[
                (sender.phone, found.contact.pk)
                for sender, found in zip(self._senders, self.attached, strict=True)
                if sender.phone and found is not None and self._is_news(found.contact)
            ],
            now=self._now,
            sheet=sheet,
        )

    def _is_news(self, contact: Contact) -> bool:
        """Say whether anything about how to reach the contact is new, or was noted long ago."""
        return id(contact) in self._news


def set_opted_out(*, contact: Contact, is_out: bool, now: datetime, sheet: sql.Sheet) -> None:
    """Keep the customer's own switch, on the sheet: the contact may stand there too."""
    sheet.add(
        "UPDATE messaging_contact SET is_opted_out = %s, consent_at = %s, consent_by_id = NULL"
        " WHERE id = %s",
        [is_out, now, contact.pk],
    )


TABLE = "messaging_contact"
_CHANGING = {"name": "text", "username": "text", "phone": "text", "last_seen_at": "timestamptz"}
_NEW_CONTACT = {
    "id": "bigint", **_CHANGING, "is_opted_out": "boolean", "is_marketing_opted_out": "boolean",
    "created_at": "timestamptz",
}  # fmt: skip
_NEW_IDENTITY = {
    "contact_id": "bigint", "scope": "text", "kind": "text", "value": "text",
    "first_seen_at": "timestamptz", "last_seen_at": "timestamptz",
}  # fmt: skip


def _values(
    people: Sequence[Contact | ContactIdentity], columns: Mapping[str, str]
) -> list[list[Any]]:
    return [[getattr(one, name) for name in columns] for one in people]


_IDENTITY = [field.attname for field in ContactIdentity._meta.concrete_fields]
_CONTACT = [field.attname for field in Contact._meta.concrete_fields]
_LOCKED = (
    f"SELECT {', '.join(f'i.{name}' for name in _IDENTITY)},"  # noqa: S608
    f" {', '.join(f'c.{name}' for name in _CONTACT)}"
    " FROM messaging_contactidentity i JOIN messaging_contact c ON c.id = i.contact_id"
    " WHERE i.scope = %s AND i.value = ANY(%b::text[]) ORDER BY c.id, i.id FOR NO KEY UPDATE OF c"
)


def _locked(values: Sequence[str]) -> list[ContactIdentity]:
    """Return the identities with these values and their contacts, these locked until the commit."""
    found = []
    split = len(_IDENTITY)
    for row in sql.fetch(_LOCKED, [SCOPE, list(values)]):
        identity = ContactIdentity.from_db("default", _IDENTITY, row[:split])
        identity.contact = Contact.from_db("default", _CONTACT, row[split:])
        found.append(identity)
    return found


def _known(pairs: list[tuple[str, str]]) -> list[ContactIdentity]:
    """Return the identities that `pairs` name, in their order."""
    found = ContactIdentity.objects.filter(scope=SCOPE, value__in=[value for _, value in pairs])
    named = {
        (identity.kind, identity.value): identity for identity in found.select_related("contact")
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
            directory.remember(workspace=workspace, contacts=[(value, contact.pk)], now=now)
    return contact


def address_of(contact: Contact) -> Sender:
    """Return how to reach a contact now: phone if known, else user id, else the raw address."""
    return addresses_of([contact])[contact.pk]


def addresses_of(people: Iterable[Contact]) -> dict[int, Sender]:
    """Do the same for many, in one statement; by the contacts' ids."""
    known = {contact.pk: contact for contact in people}
    latest: dict[tuple[int, str], str] = {}
    for contact_id, kind, value in (
        ContactIdentity.objects.filter(contact__in=list(known), superseded_by__isnull=True)
        .order_by("-last_seen_at", "-id")
        .values_list("contact_id", "kind", "value")
    ):
        latest.setdefault((contact_id, kind), value)
    return {
        pk: Sender(
            phone=contact.phone or latest.get((pk, Kind.PHONE)),
            user_id=latest.get((pk, Kind.BSUID)),
            lid=latest.get((pk, Kind.LID)),
            address=latest.get((pk, Kind.JID)),
            name=contact.name,
            username=contact.username,
        )
        for pk, contact in known.items()
    }
