"""What was said before a message: the question it goes on with, the menu it chooses from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from faqs import followups, labels, search, smalltalk
from faqs.models import Label
from messaging.models import Message

if TYPE_CHECKING:
    from messaging.gates import Turn

# After so long a customer does not expect to be understood by what was said before.
_WITHIN = timedelta(minutes=30)
_LOOKED_AT = 5
# A menu's choice is called so and by its entry's number.
PREFIX = "faq:"


def with_previous(turn: Turn, alone: search.Finding) -> search.Finding:
    """Return what the entries say to the message, taken with the question before it if need be.

    One query, and only for a message that says little by itself.
    """
    text = turn.text
    if alone.decision == "answer" and not followups.is_marked(text):
        return alone
    if not followups.may_go_on(text) or not (previous := _previous(turn)):
        return alone
    together = turn.look(followups.with_previous(previous, text))
    if together.confidence <= alone.confidence or together.decision == "none":
        return alone
    return replace(together, account={**together.account, "after": previous[:200]})


def _previous(turn: Turn) -> str:
    """Return the last question of this customer that stands by itself, or an empty string."""
    if turn.conversation is None or turn.message is None:
        return turn.previous
    if turn.is_first:
        return ""
    said = (
        Message.objects.filter(
            conversation=turn.conversation,
            direction=Message.Direction.IN,
            created_at__gt=turn.now - _WITHIN,
            is_deleted=False,
        )
        .exclude(pk=turn.message.pk)
        .order_by("-id")
        .values_list("text", flat=True)[:_LOOKED_AT]
    )
    return next((text[:500] for text in said if stands_alone(text)), "")


def stands_alone(text: str) -> bool:
    """Say whether a message can be understood without the one before it."""
    return smalltalk.kind_of(text) is None and not followups.may_go_on(text)


def note_tap(turn: Turn) -> None:
    """Keep what a choice from a menu says about the question that the menu was offered for."""
    if turn.conversation is None or turn.tapped_entry_id is None:
        return
    menu = _menu_with(turn)
    if menu is None or menu.answers is None or not menu.answers.text:
        return
    labels.put(
        message_id=menu.answers.pk,
        text=menu.answers.text,
        entry_id=turn.tapped_entry_id,
        source=Label.Source.TAP,
        now=turn.now,
    )


def _menu_with(turn: Turn) -> Message | None:
    """Return the menu that was chosen from: buttons of an older one can be tapped, too."""
    menus = Message.objects.filter(
        conversation=turn.conversation,
        direction=Message.Direction.OUT,
        content__choices__contains=[f"{PREFIX}{turn.tapped_entry_id}"],
        answers__isnull=False,
    ).select_related("answers")
    named = turn.message.reply_to_provider_id if turn.message is not None else ""
    tapped = menus.filter(provider_message_id=named).first() if named else None
    return tapped or menus.order_by("-id").first()
