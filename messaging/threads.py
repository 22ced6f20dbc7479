"""One thread: a conversation's messages and the team's notes in it, and what opening it does."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from connections.models import Connection
from messaging import conversations, cursors, replies, takeover
from messaging.inbox import names_of, shown_name
from messaging.models import Conversation, Message, Note
from workspaces.models import Workspace

PAGE = 30
_MOST = 200  # messages of one thread at once


@dataclass(frozen=True)
class Bubble:
    """A message as a thread shows it, or a note of the team."""

    message: Message | None
    note: Note | None
    at: datetime
    who: str = ""  # the member's name, when a member wrote it
    quoted: str = ""
    is_answered: bool = False
    is_explained: bool = False  # there is something to read about why (or why not)
    may_retry: bool = False


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
    window_left: str  # how long it is open, in words
    is_window_open: bool
    newest_inbound_id: int | None
    version: str

    @property
    def held_mark(self) -> str:
        """Who has it, in a word that a form carries: bot, team, or a person's number."""
        return takeover.mark_of(self.conversation)


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
    if place := cursors.place(before):
        # The bound by itself is what the index is entered at: a deep page reads no page before it.
        rows = rows.filter(provider_at__lte=place[0]).filter(
            Q(provider_at__lt=place[0]) | Q(provider_at=place[0], pk__lt=place[1])
        )
    size = PAGE
    if anchor := cursors.place(since):
        rows = rows.filter(provider_at__gte=anchor[0]).filter(
            Q(provider_at__gt=anchor[0]) | Q(provider_at=anchor[0], pk__gte=anchor[1])
        )
        size = _MOST
    found = list(rows.order_by("-provider_at", "-pk")[: size + 1])
    messages = found[:size][::-1]
    if anchor:
        has_earlier = (
            everything.filter(provider_at__lte=anchor[0])
            .filter(Q(provider_at__lt=anchor[0]) | Q(provider_at=anchor[0], pk__lt=anchor[1]))
            .exists()
        )
    else:
        has_earlier = len(found) > size
    notes = _notes(conversation, messages, has_earlier, place[0] if place else None)
    first = cursors.mark(messages[0].provider_at, messages[0].pk) if messages else ""
    ends = conversations.window_ends_at(conversation)
    names = names_of(
        [conversation.held_by_id, *(m.author_id for m in messages), *(note.by_id for note in notes)]
    )
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
        bubbles=sorted(
            [*_bubbles(messages, names), *(_noted(note, names) for note in notes)],
            key=lambda bubble: bubble.at,
        ),
        earlier=first if has_earlier else "",
        anchor=first,
        held_by=names.get(conversation.held_by_id or 0, ""),
        window_ends_at=ends,
        window_left=_left(ends, now),
        is_window_open=is_open,
        newest_inbound_id=next(
            (m.pk for m in reversed(messages) if m.direction == Message.Direction.IN), None
        ),
        version=cursors.digest(
            first,
            conversation.holder,
            conversation.held_by_id,
            conversation.held_until,
            conversation.needs_person,
            conversation.last_inbound_at,
            is_open,
            shown_name(contact),
            contact.is_opted_out,
            contact.blocked_at,
            contact.conflict_with_id,
            connection and (connection.pk, connection.is_sending),
            [note.pk for note in notes],
            *((m.pk, m.status, m.is_deleted, m.is_edited, _is_retried(m)) for m in messages),
        ),
    )


def around(*, conversation_id: int, message_id: int) -> str:
    """Return the place before which a page has this message, with some that followed it.

    Empty when it is among the newest, or not there.
    """
    rows = Message.objects.filter(conversation=conversation_id)
    found = rows.filter(pk=message_id).first()
    if found is None:
        return ""
    later = (
        rows.filter(provider_at__gte=found.provider_at)
        .filter(
            Q(provider_at__gt=found.provider_at) | Q(provider_at=found.provider_at, pk__gt=found.pk)
        )
        .order_by("provider_at", "pk")[:PAGE]
    )
    following = list(later.values_list("provider_at", "pk"))
    return cursors.mark(*following[PAGE // 2]) if len(following) == PAGE else ""


def _left(ends: datetime | None, now: datetime) -> str:
    minutes = int((ends - now).total_seconds() // 60) if ends else 0
    if minutes < 1:
        return "less than a minute"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _notes(
    conversation: Conversation, messages: list[Message], has_earlier: bool, before: datetime | None
) -> list[Note]:
    """Return the notes that belong between the messages shown."""
    rows = Note.objects.filter(conversation=conversation)
    if messages and has_earlier:
        rows = rows.filter(created_at__gte=messages[0].provider_at)
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    return list(rows.order_by("-created_at", "-pk")[:_MOST])


def _noted(note: Note, names: dict[int, str]) -> Bubble:
    return Bubble(message=None, note=note, at=note.created_at, who=names.get(note.by_id, ""))


def _is_retried(message: Message) -> bool:
    return bool(message.content.get("retried_as"))


def _bubbles(messages: list[Message], names: dict[int, str]) -> Iterator[Bubble]:
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
    for m in messages:
        is_failed = m.status == Message.Status.FAILED
        yield Bubble(
            message=m,
            note=None,
            at=m.provider_at,
            who=names.get(m.author_id or 0, ""),
            quoted=quoted.get(m.reply_to_provider_id, "")[:160] if m.reply_to_provider_id else "",
            is_answered=m.pk in answered,
            is_explained=m.author in (Message.Author.BOT, Message.Author.CONTACT) or is_failed,
            may_retry=is_failed
            and m.direction == Message.Direction.OUT
            and bool(m.text)
            and not _is_retried(m),
        )


def mark_seen(*, workspace: Workspace, conversation_id: int, now: datetime) -> bool:
    """Show the customer that a person has read their newest message; once per message.

    For the team it counts as seen either way. False when there is nothing to mark or no number to send the mark through.
    Raises takeover.UnableToFindConversation.
    """
    with transaction.atomic():
        conversation = takeover.find(conversation_id=conversation_id)
        Conversation.objects.filter(pk=conversation.pk).update(seen_at=now)
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
