"""What people see of the conversations: the list, one thread, and what opening it does."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from connections.models import Connection
from lib import phones
from messaging import conversations, replies, takeover
from messaging.models import Contact, ContactIdentity, Conversation, Message
from workspaces.models import User, Workspace

PAGE = 30
_MOST = 200  # messages of one thread at once
VIEWS = ("needs", "bot", "person", "all")
_QUIET = ("reaction", "system", "edit", "revoke")


@dataclass(frozen=True)
class Talk:
    """One line of the list."""

    conversation: Conversation
    name: str
    last: Message | None
    held_by: str


@dataclass(frozen=True)
class Listing:
    """A page of the list. `older` is the place to go on from; `version` changes with what it shows."""

    view: str
    query: str
    talks: list[Talk]
    older: str
    needs_count: int
    has_any: bool
    version: str


@dataclass(frozen=True)
class Bubble:
    """A message as a thread shows it."""

    message: Message
    who: str  # the member's name, when a member wrote it
    quoted: str
    is_answered: bool
    is_explained: bool  # there is something to read about why (or why not)


@dataclass(frozen=True)
class Thread:
    """A conversation with some of its messages, oldest first."""

    conversation: Conversation
    name: str
    phone: str
    connection: Connection | None
    bubbles: list[Bubble]
    earlier: str  # the place before which older messages are; empty when there are none
    anchor: str  # the place of the first message shown
    held_by: str
    window_ends_at: datetime | None
    is_window_open: bool
    newest_inbound_id: int | None
    version: str


def listing(
    *,
    view: str = "all",
    query: str = "",
    country: str,
    before: str = "",
    size: int = PAGE,
    contact_id: int | None = None,
) -> Listing:
    """Return conversations, latest first; a query is a name or a phone number in any form."""
    chosen = view if view in VIEWS else "all"
    query = query.replace("\x00", "").strip()[:100]
    everything = Conversation.objects.all()
    rows = _filtered(everything, "all" if query else chosen)
    if query:
        rows = rows.filter(_matching(query, country))
    if contact_id is not None:
        rows = rows.filter(contact_id=contact_id)
    if place := _place(before):
        rows = rows.filter(
            Q(last_message_at__lt=place[0]) | Q(last_message_at=place[0], pk__lt=place[1])
        )
    newest = Message.objects.filter(conversation=OuterRef("pk")).exclude(kind__in=_QUIET)
    found = list(
        rows.select_related("contact")
        .annotate(last_id=Subquery(newest.order_by("-provider_at", "-id").values("pk")[:1]))
        .order_by("-last_message_at", "-pk")[: size + 1]
    )
    shown, has_more = found[:size], len(found) > size
    last = Message.objects.in_bulk([row.last_id for row in shown if row.last_id])
    names = _names(row.held_by_id for row in shown)
    talks = [
        Talk(
            row,
            shown_name(row.contact),
            last.get(row.last_id) if row.last_id else None,
            names.get(row.held_by_id or 0, ""),
        )
        for row in shown
    ]
    needs_count = waiting().count()
    return Listing(
        view="all" if query else chosen,
        query=query,
        talks=talks,
        older=_mark(shown[-1].last_message_at, shown[-1].pk) if has_more else "",
        needs_count=needs_count,
        has_any=bool(shown) or everything.exists(),
        version=_digest(
            needs_count,
            *(
                (
                    talk.conversation.pk,
                    talk.name,
                    talk.conversation.last_message_at,
                    talk.conversation.holder,
                    talk.held_by,
                    talk.conversation.needs_person,
                    talk.last and (talk.last.pk, talk.last.status, talk.last.is_deleted),
                )
                for talk in talks
            ),
        ),
    )


def waiting() -> QuerySet[Conversation]:
    """Return the open conversations that need a person."""
    return Conversation.objects.filter(needs_person=True, state=Conversation.State.OPEN)


def _filtered(rows: QuerySet[Conversation], view: str) -> QuerySet[Conversation]:
    if view == "needs":
        return rows.filter(needs_person=True, state=Conversation.State.OPEN)
    if view == "person":
        return rows.filter(holder=Conversation.Holder.PERSON)
    if view == "bot":
        return rows.filter(holder=Conversation.Holder.BOT, needs_person=False)
    return rows


def _matching(query: str, country: str) -> Q:
    by_name = Q(contact__name__icontains=query) | Q(contact__username__icontains=query.lstrip("@"))
    try:
        number = phones.parse(query, country=country)
    except phones.UnableToParsePhone:
        digits = "".join(c for c in query if c.isdigit()).lstrip("0")
        is_part = len(digits) >= 4 and not any(c.isalpha() for c in query)
        return by_name | Q(contact__phone__contains=digits) if is_part else by_name
    known = ContactIdentity.objects.filter(value=number).values("contact_id")
    return by_name | Q(contact__phone=number) | Q(contact_id__in=known)


def shown_name(contact: Contact) -> str:
    """Return what a contact is called on a page: name, @username, phone, or that it is unknown."""
    if contact.name.strip():
        return contact.name
    if contact.username:
        return f"@{contact.username}"
    return phones.show(contact.phone) or "Number hidden"


def thread(
    *, workspace: Workspace, conversation_id: int, now: datetime, before: str = "", since: str = ""
) -> Thread:
    """Return a conversation with its last messages.

    `before` asks for those before a place, `since` for everything from a place on (the page
    that polls keeps its beginning). Raises takeover.UnableToFindConversation.
    """
    conversation = takeover.find(conversation_id=conversation_id)
    everything = Message.objects.filter(conversation=conversation)
    rows = everything
    if place := _place(before):
        rows = rows.filter(Q(provider_at__lt=place[0]) | Q(provider_at=place[0], pk__lt=place[1]))
    size = PAGE
    if anchor := _place(since):
        rows = rows.filter(
            Q(provider_at__gt=anchor[0]) | Q(provider_at=anchor[0], pk__gte=anchor[1])
        )
        size = _MOST
    found = list(rows.order_by("-provider_at", "-pk")[: size + 1])
    messages = found[:size][::-1]
    if anchor:
        has_earlier = everything.filter(
            Q(provider_at__lt=anchor[0]) | Q(provider_at=anchor[0], pk__lt=anchor[1])
        ).exists()
    else:
        has_earlier = len(found) > size
    first = _mark(messages[0].provider_at, messages[0].pk) if messages else ""
    ends = conversations.window_ends_at(conversation)
    names = _names([conversation.held_by_id, *(m.author_id for m in messages)])
    connection = Connection.objects.filter(
        workspace=workspace, pk=conversation.connection_id
    ).first()
    contact = conversation.contact
    is_open = ends is not None and ends > now
    return Thread(
        conversation=conversation,
        name=shown_name(contact),
        phone=contact.phone or "",
        connection=connection,
        bubbles=_bubbles(messages, names),
        earlier=first if has_earlier else "",
        anchor=first,
        held_by=names.get(conversation.held_by_id or 0, ""),
        window_ends_at=ends,
        is_window_open=is_open,
        newest_inbound_id=next(
            (m.pk for m in reversed(messages) if m.direction == Message.Direction.IN), None
        ),
        version=_digest(
            first,
            conversation.holder,
            conversation.held_by_id,
            conversation.needs_person,
            conversation.last_inbound_at,
            is_open,
            contact.name,
            contact.is_opted_out,
            contact.conflict_with_id,
            connection and (connection.pk, connection.is_sending),
            *((m.pk, m.status, m.is_deleted, m.is_edited) for m in messages),
        ),
    )


def _bubbles(messages: list[Message], names: dict[int, str]) -> list[Bubble]:
    quoted_ids = {m.reply_to_provider_id for m in messages if m.reply_to_provider_id}
    quoted = dict(
        Message.objects.filter(provider_message_id__in=quoted_ids).values_list(
            "provider_message_id", "text"
        )
    )
    answered = set(
        Message.objects.filter(answers__in=[m.pk for m in messages]).values_list(
            "answers_id", flat=True
        )
    )
    return [
        Bubble(
            message=m,
            who=names.get(m.author_id or 0, ""),
            quoted=quoted.get(m.reply_to_provider_id, "")[:160] if m.reply_to_provider_id else "",
            is_answered=m.pk in answered,
            is_explained=m.author in (Message.Author.BOT, Message.Author.CONTACT)
            or m.status == Message.Status.FAILED,
        )
        for m in messages
    ]


def mark_seen(*, workspace: Workspace, conversation_id: int, now: datetime) -> bool:
    """Show the customer that a person has read their newest message; once per message.

    False when there is nothing to mark or no number to send the mark through.
    Raises takeover.UnableToFindConversation.
    """
    with transaction.atomic():
        conversation = takeover.find(conversation_id=conversation_id)
        newest = (
            Message.objects.filter(conversation=conversation, direction=Message.Direction.IN)
            .exclude(provider_message_id="")
            .exclude(author=Message.Author.SYSTEM)
            .order_by("-provider_at", "-pk")
            .first()
        )
        can_send = Connection.objects.filter(
            workspace=workspace, pk=conversation.connection_id, is_sending=True
        ).exists()
        if newest is None or not can_send:
            return False
        newest.conversation = conversation
        replies.mark_read(workspace=workspace, message=newest, now=now)
    return True


def oldest_waiting() -> Conversation | None:
    """Return the conversation that has waited longest for a person."""
    return (
        waiting()
        .select_related("contact")
        .order_by(F("needs_person_since").asc(nulls_last=True), "pk")
        .first()
    )


def _names(user_ids: Iterable[int | None]) -> dict[int, str]:
    wanted = {pk for pk in user_ids if pk}
    if not wanted:
        return {}
    return {user.pk: user.shown_name for user in User.objects.filter(pk__in=wanted)}


def _mark(moment: datetime, pk: int) -> str:
    return f"{round(moment.timestamp() * 1_000_000)}.{pk}"


def _place(mark: str) -> tuple[datetime, int] | None:
    micros, _, pk = mark.partition(".")
    if not (micros.isascii() and micros.isdigit() and pk.isascii() and pk.isdigit()):
        return None
    if len(micros) > 17 or len(pk) > 18:
        return None
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), int(pk)


def _digest(*parts: object) -> str:
    return hashlib.blake2s(repr(parts).encode(), digest_size=8).hexdigest()
