"""When a model has chosen (or failed, or is late): answer, offer the menu, or hand over."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction

from ai import choosing
from connections.events import Sender
from faqs import search
from lib import clock
from messaging import contacts, conversations, gates, pipeline, trace
from messaging.desk import Desk
from messaging.models import Conversation, Message
from messaging.turn import LiveTurn
from workspaces import registry, scope
from workspaces.models import Workspace

_log = logging.getLogger(__name__)


def finish_all(*, workspace: Workspace, limit: int | None = None) -> bool:
    """Carry out the choices that are there, each once ever. Returns whether more may be.

    What may have changed while the model thought (a person, the switch, the window) is
    asked again first.
    """
    most = limit or settings.DRAIN_BULK_BATCH
    with scope.workspace(workspace):
        try:
            return _transact(workspace, most) == most
        except OperationalError:
            raise  # the connection or the transaction is gone: the sweep starts over
        except Exception:
            # A bad one among good ones: each in a transaction of its own.
            _log.exception("messaging.choices.failed")
            return sum(_transact(workspace, 1, is_careful=True) for _ in range(most)) == most


def _transact(workspace: Workspace, most: int, *, is_careful: bool = False) -> int:
    with transaction.atomic(durable=not transaction.get_connection().in_atomic_block):
        now = clock.now()
        choices = choosing.take_settled(workspace=workspace, limit=most, now=now)
        if choices:
            registry.freshen(workspace)
            waiting = _waiting([choice.reference for choice in choices])
            try:
                with transaction.atomic():
                    _carry_out_all(workspace, choices, waiting, now)
            except OperationalError:
                raise
            except Exception:
                if not is_careful:
                    raise
                # It was handed out and must not come again: a person looks at it.
                _log.exception("messaging.choice.failed")
                _leave_to_person(waiting.values(), now)
    return len(choices)


def _waiting(references: Sequence[int]) -> dict[int, Message]:
    """Return the messages that wait for a choice, with their conversations locked."""
    messages = {
        message.pk: message
        for message in Message.objects.filter(pk__in=references, waiting_since__isnull=False)
    }
    talks = {
        talk.pk: talk
        for talk in conversations.lock_all(
            conversation_ids=[message.conversation_id for message in messages.values()]
        )
    }
    for message in messages.values():
        message.conversation = talks[message.conversation_id]
    return messages


def _carry_out_all(
    workspace: Workspace,
    choices: Sequence[choosing.Choice],
    waiting: dict[int, Message],
    now: datetime,
) -> None:
    desk = Desk(workspace=workspace, now=now, likely=len(choices))
    known = search.get_all(
        [pk for choice in choices for pk in (*choice.candidates, choice.entry_id) if pk is not None]
    )
    addresses = contacts.addresses_of(m.conversation.contact for m in waiting.values())
    for choice in sorted(choices, key=lambda choice: choice.reference):
        message = waiting.get(choice.reference)
        if message is not None:
            turn = _turn(desk, message, addresses[message.conversation.contact_id])
            verdicts = _carry_out(turn, choice, known)
            desk.note(message, verdicts, received_at=message.created_at, later=True)
    desk.close()
    Message.objects.filter(pk__in=list(waiting)).update(waiting_since=None)


def _leave_to_person(messages: Iterable[Message], now: datetime) -> None:
    sentence = "A fault on our side kept the bot from answering, so it left this to your team."
    for message in messages:
        conversations.flag_for_person(conversation=message.conversation, now=now)
        conversations.keep([message.conversation])
        Message.objects.filter(pk=message.pk).update(waiting_since=None)
        failed = trace.stopped("model", "fault", sentence, needs_person=True)
        trace.write(
            message=message, verdicts=[failed], received_at=message.created_at, now=now, later=True
        )


def _turn(desk: Desk, message: Message, address: Sender) -> LiveTurn:
    conversation: Conversation = message.conversation
    return LiveTurn(
        workspace=desk.workspace,
        bot=desk.bot,
        standing=desk.standing,
        now=desk.now,
        text=message.text,
        kind=message.kind,
        sender=address,
        connection=desk.connection(conversation.connection_id),
        conversation=conversation,
        message=message,
        desk=desk,
        workspace_rate=desk.workspace_rate,
        current=desk.current,
    )


_STILL = (
    gates.not_blocked,
    gates.workspace_active,
    gates.subscription,
    gates.bot_on,
    gates.nobody_holds,
    gates.opted_in,
)


def _carry_out(
    turn: LiveTurn, choice: choosing.Choice, known: Mapping[int, search.Match]
) -> list[trace.Verdict]:
    still = gates.walk(turn, _STILL)
    if not still[-1].is_pass:
        if still[-1].needs_person:
            turn.desk.call_person(turn.conversation)
        return [still[-1]]
    detail: dict[str, Any] = {"route": choice.route, "tokens": choice.tokens, "ms": choice.ms}
    offered = tuple(known[entry_id] for entry_id in choice.candidates if entry_id in known)
    turn.finding = search.Finding("menu", offered=offered, nearest=offered)
    chosen = known.get(choice.entry_id) if choice.entry_id is not None else None
    if chosen is not None:
        said = trace.acted(
            "model", "model_chose", f"The model picked your answer “{chosen.question}”.", **detail
        )
        return [said, *pipeline.send_entries(turn, [chosen])]
    if choice.verdict == "none":
        said = trace.acted(
            "model", "model_none", "The model found that none of your answers fits.", **detail
        )
        return [said, *pipeline.hand_over(turn, reason="faq_none")]
    sentence = (
        "The model was not sure either."
        if choice.verdict == "unclear"
        else "The model gave no answer in time."
    )
    said = trace.Verdict(
        "model",
        "note",
        f"model_{choice.verdict}"[:40],
        sentence,
        {**detail, "failure": choice.failure},
    )
    if not offered:
        return [said, *pipeline.hand_over(turn, reason="faq_none")]
    return [said, *pipeline.offer_menu(turn)]
