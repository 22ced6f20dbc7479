"""Conversations: at most one open per contact; messages in order; the 24-hour window."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from connections.events import Sender
from lib import sql
from messaging import rows
from messaging.models import Contact, Conversation, Message
from workspaces import alarms, scope

WINDOW = timedelta(hours=24)
# Providers repeat a message for up to seven days. An older stamp is no delivery time but a
# clock that is wrong, so ours counts.
_CREDIBLE = timedelta(days=8)

Holder = Conversation.Holder
ALARM = "hand back"


# What changes in a conversation while it goes on, with the columns' types.
_CHANGING = {
    "connection_id": "bigint", "holder": "text", "needs_person": "boolean",
    "needs_person_since": "timestamptz", "held_by_id": "bigint", "held_until": "timestamptz",
    "handover_told_at": "timestamptz", "away_told_at": "timestamptz",
    "last_inbound_at": "timestamptz",
    "last_message_at": "timestamptz",
}  # fmt: skip
_NEW = {
    "id": "bigint", "contact_id": "bigint", "state": "text", "opened_at": "timestamptz",
    **_CHANGING,
}  # fmt: skip


TABLE = "messaging_conversation"
_COLUMNS = [field.attname for field in Conversation._meta.concrete_fields]
_OPEN = (
    f"SELECT {', '.join(_COLUMNS)} FROM {TABLE}"  # noqa: S608
    " WHERE contact_id = ANY(%b::bigint[]) AND state = 'open' ORDER BY id FOR NO KEY UPDATE"
)


def find_open(*, contact_ids: Sequence[int]) -> dict[int, Conversation]:
    """Return the open conversations of these contacts, by contact.

    Their rows are locked until the commit, in one order for all: whoever writes into a
    conversation locks it first, so that a person's reply and the bot never overtake each
    other.
    """
    if not contact_ids:
        return {}
    talks = [
        Conversation.from_db("default", _COLUMNS, row)
        for row in sql.fetch(_OPEN, [list(contact_ids)])
    ]
    return {talk.contact_id: talk for talk in talks}


def enter(
    talk: Conversation | None, *, contact: Contact, number: int, ids: Iterator[int], now: datetime
) -> Conversation:
    """Return the conversation that a message of `contact` to `number` belongs to, unsaved.

    A new one, with the next of `ids`, where none is open. A customer who wrote to another
    number of the business is answered from there.
    """
    if talk is None:
        talk = Conversation(id=next(ids), last_message_at=now, opened_at=now)
    talk.contact = contact
    talk.connection_id = number
    return talk


def open_one(*, contact: Contact, number: int, now: datetime) -> Conversation:
    """Return the open conversation of a contact, locked until the commit; make one at once."""
    found = find_open(contact_ids=[contact.pk]).get(contact.pk)
    ids = iter(rows.draw({TABLE: 0 if found else 1})[TABLE])
    talk = enter(found, contact=contact, number=number, ids=ids, now=now)
    if found is None:
        keep([talk])
    return talk


def lock_all(*, conversation_ids: Sequence[int]) -> list[Conversation]:
    """Return conversations with their contacts, locked until the commit in one order for all."""
    return list(
        Conversation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("contact")
        .filter(pk__in=conversation_ids)
        .order_by("pk")
    )


def keep(talks: Iterable[Conversation], *, sheet: sql.Sheet | None = None) -> None:
    """Save new conversations, and what has changed in those that the caller has locked.

    With a `sheet` this is done when that is executed. One more statement, at once, when a
    person holds any of them: the alarm by which they are given back.
    """
    used = sheet or sql.Sheet()
    changed = list(talks)
    new = [talk for talk in changed if talk._state.adding]
    rows.insert(used, TABLE, _NEW, [[getattr(talk, name) for name in _NEW] for talk in new])
    rows.update(
        used,
        TABLE,
        _CHANGING,
        [
            (talk.pk, *(getattr(talk, name) for name in _CHANGING))
            for talk in changed
            if not talk._state.adding
        ],
    )
    for talk in new:
        talk._state.adding = False
    if sheet is None:
        used.run()
    held = [talk.held_until for talk in changed if talk.holder == Holder.PERSON and talk.held_until]
    if held:
        workspace_id = scope.current_workspace_id() or 0
        alarms.set_at_latest(workspace_id=workspace_id, kind=ALARM, due_at=min(held))


def credible(moment: datetime | None, *, received_at: datetime) -> datetime:
    """Return the provider's time of a message, or ours when theirs cannot be right."""
    if moment is None or moment > received_at + timedelta(minutes=5):
        return received_at
    return moment if received_at - moment <= _CREDIBLE else received_at


def window_ends_at(conversation: Conversation) -> datetime | None:
    """Return when the 24-hour window closes; None when the customer never wrote."""
    return conversation.last_inbound_at + WINDOW if conversation.last_inbound_at else None


def key_of(sender: Sender) -> str:
    """Return the key under which this person's events and sends keep their order."""
    return sender.key[:200]


def like_digest(text: str) -> str:
    """Return a digest that is alike for texts that differ in case, digits, signs or spaces only."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    bare = re.sub(r"\d+", "0", "".join(c for c in folded if c.isalnum() or c.isspace()))
    bare = " ".join(bare.split())
    return hashlib.sha256(bare.encode(errors="replace")).hexdigest()[:32] if bare else ""


def move_clocks(*, conversation: Conversation, message: Message, at: datetime) -> None:
    """Move the conversation's clocks forward for a message of the customer or of ours, unsaved."""
    conversation.last_message_at = max(conversation.last_message_at, at)
    if message.direction == Message.Direction.IN:
        previous = conversation.last_inbound_at
        conversation.last_inbound_at = max(previous, at) if previous else at


def flag_for_person(*, conversation: Conversation, now: datetime) -> None:
    """Say that a person should look at the conversation, unsaved."""
    if not conversation.needs_person:
        conversation.needs_person = True
        conversation.needs_person_since = now
