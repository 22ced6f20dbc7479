"""The team says what a message should have been answered with; the bot learns from it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from faqs import browsing, entries, golden, history, labels, versions
from faqs.models import Entry, GoldenQuestion, Label
from messaging.models import Message
from workspaces import audit
from workspaces.models import User, Workspace


class UnableToFindMessage(Exception):
    """There is no such message of a customer in this workspace."""


class UnableToCorrect(Exception):
    """Nothing was kept; the message says why, to the person who tried."""


@dataclass(frozen=True)
class Correction:
    """What is known of a message's right answer: `entry_id` None says that none fits."""

    entry_id: int | None
    is_by_team: bool


def standing(message_id: int) -> Correction | None:
    """Return what somebody said about a message before; None: nobody did."""
    label = Label.objects.filter(message_id=message_id).first()
    return Correction(label.entry_id, label.source == Label.Source.TEAM) if label else None


def options(message_id: int, nearest: list[int]) -> list[tuple[int, str]]:
    """Return the entries to choose from: the nearest ones first, then all by question."""
    every = browsing.choices()
    first = sorted(
        (one for one in every if one[0] in nearest), key=lambda one: nearest.index(one[0])
    )
    return first + [one for one in every if one[0] not in nearest]


def correct(
    *,
    workspace: Workspace,
    message_id: int,
    entry_id: int | None,
    user: User,
    now: datetime,
    teaches: bool = False,
) -> str:
    """Keep which entry (None: none of them) a customer's message was for.

    With an entry the message's text becomes a golden question of it and, with `teaches`, a
    further way to ask for it. Returns a sentence about what was done. Raises UnableToFindMessage,
    UnableToCorrect.
    """
    message = Message.objects.filter(pk=message_id, direction=Message.Direction.IN).first()
    if message is None:
        raise UnableToFindMessage
    if not message.text.strip():
        raise UnableToCorrect("There are no words in this message that an answer could be for.")
    with transaction.atomic():
        if teaches:
            versions.bump()  # before any entry is locked, as whoever deletes one does
        if entry_id is not None and not Entry.objects.filter(pk=entry_id).exists():
            raise UnableToCorrect("That answer is gone. Choose another one.")
        labels.put(
            message_id=message.pk,
            text=message.text,
            entry_id=entry_id,
            source=Label.Source.TEAM,
            answered_id=_answered(message),
            by_id=user.pk,
            now=now,
        )
        is_taught = False
        if entry_id is not None:
            golden.add(
                entry_id=entry_id,
                text=message.text,
                origin=GoldenQuestion.Origin.CORRECTION,
                now=now,
            )
            is_taught = teaches and entries.add_phrasings(
                entry_id=entry_id,
                texts=[message.text],
                hand=history.Hand(history.Door.CORRECTION, user.pk),
                now=now,
            )
        audit.record(
            action="answer.corrected",
            workspace=workspace,
            actor=user,
            target=f"message {message.pk}",
            now=now,
        )
    if entry_id is None:
        return "Noted: none of your answers fits this question."
    if is_taught:
        return "Noted, and the bot learns it: the next one who asks like this gets that answer."
    return "Noted. The bot gets surer with each of these."


def _answered(message: Message) -> int | None:
    """Return the entry that the bot answered a message with, if it did."""
    said = message.replies.filter(author=Message.Author.BOT).order_by("id")
    found = (content.get("entry_id") for content in said.values_list("content", flat=True))
    return next((pk for pk in found if isinstance(pk, int)), None)
