"""Customers' messages, many at once: kept, judged, answered with a fixed number of statements."""

from collections.abc import Sequence
from typing import Any

from billing import metering, meters
from connections.events import Sender
from connections.models import Connection
from messaging import (
    commands,
    contacts,
    conversations,
    limits,
    pipeline,
    replies,
    rows,
    trace,
    words,
)
from messaging.desk import Desk
from messaging.models import Contact, ContactIdentity, Conversation, Message
from messaging.turn import LiveTurn
from messaging.update import Update


def take(desk: Desk, updates: Sequence[Update], *, is_careful: bool = False) -> set[int]:
    """Keep these messages and answer them; no two may be of one conversation.

    Returns the ids of updates that were left alone because their customer is already in this
    batch under another address.
    """
    left: set[int] = set()
    kept: list[_Kept] = []
    heard = [
        (update, connection)
        for update in updates
        if (connection := desk.connection(update.event.connection_id)) is not None
    ]
    if not heard:
        return left
    senders = [contacts.sender_from(update.part("sender")) for update, _ in heard]
    book = contacts.Book(senders, now=desk.now)
    known = _known([update.event.subject for update, _ in heard]) if is_careful else {}
    seen: set[int] = set()
    for (update, connection), sender, found in zip(heard, senders, book.attached, strict=True):
        if found is None:
            continue
        if id(found.contact) in seen:
            left.add(update.event.pk)
            continue
        seen.add(id(found.contact))
        if original := known.get(update.event.subject):
            _note_again(desk, original)
        elif not _is_amendment(update, found.contact):
            kept.append(_Kept(update, connection, found, sender))
    _enter_all(desk, book, kept)
    if kept:
        _answer(desk, kept)
    return left


class _Kept:
    """A message on its way into the tables."""

    def __init__(
        self,
        update: Update,
        connection: Connection,
        attached: contacts.Attached,
        sender: Sender,
    ) -> None:
        self.sender = sender
        self.update = update
        self.connection = connection
        self.attached = attached
        self.text = update.text("text")
        self.digest = conversations.like_digest(self.text)
        self.conversation: Conversation
        self.message: Message


def _known(subjects: Sequence[str]) -> dict[str, Message]:
    found = Message.objects.filter(provider_message_id__in=[s for s in subjects if s])
    return {message.provider_message_id: message for message in found}


def _note_again(desk: Desk, original: Message) -> None:
    again = trace.stopped(
        "received", "duplicate", "WhatsApp delivered this message again; it counts once."
    )
    desk.note(original, [again], received_at=original.created_at, later=True)


def _is_amendment(update: Update, contact: Contact) -> bool:
    kind = update.kind
    return kind in ("edit", "revoke") and amend(update, kind, contact, "in")


def amend(update: Update, kind: str, contact: Contact, direction: str) -> bool:
    """An own message was edited or deleted: mark the original; the words stay for the team."""
    target = str(update.part("content").get("original_id") or update.text("reply_to") or "")
    changes: dict[str, bool] = {"is_deleted": True} if kind == "revoke" else {"is_edited": True}
    if not target or contact.pk is None:
        return False  # who is new has sent nothing before
    originals = Message.objects.filter(
        provider_message_id=target, conversation__contact=contact, direction=direction
    )
    return bool(originals.update(**changes))


def content_of(update: Update) -> dict[str, Any]:
    """Return what is kept of a message beside its text."""
    content = dict(update.part("content"))
    for name in ("errors", "referral"):
        if update.data.get(name):
            content[name] = update.data[name]
    return content


def _enter_all(desk: Desk, book: contacts.Book, kept: Sequence[_Kept]) -> None:
    """Give contacts, conversations and messages their ids, and put them down to be saved."""
    talks = conversations.find_open(
        contact_ids=[one.attached.contact.pk for one in kept if not one.attached.is_new]
    )
    # Only now, with the conversations locked: ids say who spoke first.
    ids = rows.draw(
        {
            contacts.TABLE: book.new_count,
            conversations.TABLE: len(kept) - len(talks),
            replies.TABLE: 2 * len(kept),
        }
    )
    book.save(workspace=desk.workspace, ids=ids[contacts.TABLE], sheet=desk.sheet)
    desk.message_ids = ids[replies.TABLE][len(kept) :]
    new = iter(ids[conversations.TABLE])
    for one, pk in zip(kept, ids[replies.TABLE], strict=False):
        contact = one.attached.contact
        one.conversation = conversations.enter(
            talks.get(contact.pk), contact=contact, number=one.connection.pk, ids=new, now=desk.now
        )
        one.message = _message(one, pk)
        conversations.move_clocks(
            conversation=one.conversation, message=one.message, at=one.message.provider_at
        )
        desk.receive(one.message)
        desk.change(one.conversation)


def _answer(desk: Desk, kept: Sequence[_Kept]) -> None:
    # Who writes for the first time has sent nothing before: there is nothing to count.
    desk.workspace_rate, rates = limits.rates(
        conversation_ids=[one.conversation.pk for one in kept if not one.attached.is_new],
        now=desk.now,
    )
    turns: list[LiveTurn] = []
    for one in kept:
        desk.workspace_rate += 1
        desk.usages.append(
            metering.Usage(
                meters.MESSAGES_RECEIVED,
                one.message.pk,
                one.message.created_at,
                connection_id=one.connection.pk,
            )
        )
        if _is_confirmation(desk, one):
            _confirmed(desk, one)
        else:
            rate = rates.get(one.conversation.pk, limits.Rates())
            rate.add(one.digest)
            turns.append(_turn(desk, one, rate))
            _note_consent(desk, one.attached.contact, one.text)
    firsts = {one.message.pk: _first(one) for one in kept}
    for turn, verdicts in zip(turns, pipeline.decide_all(turns), strict=True):
        desk.note(
            turn.message,
            [firsts[turn.message.pk], *verdicts],
            received_at=turn.message.created_at,
        )
        if turn.is_commander:
            desk.bot.refresh_from_db(fields=["mode"])


def _message(one: _Kept, pk: int) -> Message:
    update, event = one.update, one.update.event
    return Message(
        id=pk,
        conversation=one.conversation,
        direction=Message.Direction.IN,
        author=Message.Author.CONTACT,
        kind=update.kind,
        text=one.text,
        content=content_of(update),
        text_digest=one.digest,
        provider_message_id=event.subject,
        reply_to_provider_id=update.text("reply_to")[:200],
        status=Message.Status.RECEIVED,
        correlation=event.correlation,
        provider_at=conversations.credible(update.at, received_at=event.received_at),
        created_at=event.received_at,
    )


def _first(one: _Kept) -> trace.Verdict:
    if one.attached.in_conflict:
        return trace.Verdict(
            "received", "note", "identity_conflict",
            "The phone number and the user id belong to two contacts; both are kept. Please check.",
        )  # fmt: skip
    return trace.passed("received", "Received for the first time, and kept.")


def _turn(desk: Desk, one: _Kept, rate: limits.Rates) -> LiveTurn:
    content = one.update.part("content")
    return LiveTurn(
        workspace=desk.workspace,
        bot=desk.bot,
        standing=desk.standing,
        now=desk.now,
        text=one.text,
        kind=one.message.kind,
        content=content,
        errors=one.update.data.get("errors") or [],
        connection=one.connection,
        conversation=one.conversation,
        message=one.message,
        desk=desk,
        is_commander=_is_commander(desk, one),
        workspace_rate=desk.workspace_rate,
        text_digest=one.digest,
        rates=rate,
        finding=desk.found_before(one.text),
        tapped_entry_id=pipeline.choice_of(one.conversation, one.text, content),
        sender=one.sender,
        is_first=one.attached.is_new,
    )


def _note_consent(desk: Desk, contact: Contact, text: str) -> None:
    """Keep a STOP or START even where no gate comes to it: a person holds, the bot is off.

    In the row only: what the gates say of this very message is decided by what was before.
    """
    said = words.bare(text)
    if said in words.STOP_WORDS or said in words.START_WORDS:
        contacts.set_opted_out(
            contact=contact, is_out=said in words.STOP_WORDS, now=desk.now, sheet=desk.sheet
        )


def _is_commander(desk: Desk, one: _Kept) -> bool:
    if not commands.recognise(one.text):
        return False
    desk.write_first()
    contact = one.attached.contact
    values = ContactIdentity.objects.filter(contact=contact).values_list("value", flat=True)
    return commands.is_commander(
        workspace=desk.workspace, contact_id=contact.pk, identity_values=list(values)
    )


def _is_confirmation(desk: Desk, one: _Kept) -> bool:
    if not commands.code_in(one.text):
        return False
    desk.write_first()
    return commands.confirm(
        workspace=desk.workspace,
        text=one.text,
        contact_id=one.attached.contact.pk,
        phone=one.attached.contact.phone,
        now=desk.now,
    )


def _confirmed(desk: Desk, one: _Kept) -> None:
    replies.take_place(workspace=desk.workspace, standing=desk.standing, now=desk.now)
    desk.say(
        replies.draft(
            conversation=one.conversation,
            text=f"Confirmed. {commands.HELP}",
            author=Message.Author.BOT,
            answers=one.message,
            correlation=one.message.correlation,
            now=desk.now,
        )
    )
    done = trace.acted(
        "command", "number_confirmed", "A team member's number was confirmed by its code."
    )
    desk.note(one.message, [_first(one), done], received_at=one.message.created_at)
