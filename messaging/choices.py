"""When a model has chosen (or failed, or is late): answer, offer the menu, or hand over."""

from typing import Any

from django.db import transaction

from ai import choosing
from billing import plans
from connections import inbox
from connections.models import Connection
from faqs import search
from lib import clock, events
from messaging import bot, gates, limits, pipeline, trace
from messaging.gates import Turn
from messaging.models import Message
from workspaces import scope
from workspaces.models import Workspace


def finish(*, workspace: Workspace, call_id: int) -> bool:
    """Carry out a model's choice once. Returns False when somebody was faster.

    What may have changed while the model thought (a person, the switch, the window) is
    asked again first.
    """
    with scope.workspace(workspace), transaction.atomic(durable=True):
        inbox.wait_for_line(workspace_id=workspace.pk)
        now = clock.now()
        choice = choosing.take(workspace=workspace, call_id=call_id, now=now)
        if choice is None:
            return False
        message = (
            Message.objects.select_related("conversation__contact")
            .filter(pk=choice.reference, waiting_since__isnull=False)
            .first()
        )
        if message is None:
            return False
        with events.correlated(message.correlation):
            Message.objects.filter(pk=message.pk).update(waiting_since=None)
            turn = _turn(workspace, message)
            verdicts = _carry_out(turn, choice)
            message.conversation.save(update_fields=["last_message_at"])
            search.note_uses(turn.used_entries, now=now)
            trace.write(
                message=message,
                verdicts=verdicts,
                received_at=message.created_at,
                now=now,
                later=True,
            )
    return True


def _turn(workspace: Workspace, message: Message) -> Turn:
    now = clock.now()
    return Turn(
        workspace=workspace,
        bot=bot.settings_of(),
        standing=plans.standing(workspace=workspace, now=now),
        now=now,
        text=message.text,
        kind=message.kind,
        connection=Connection.objects.filter(
            workspace=workspace, pk=message.conversation.connection_id
        ).first(),
        conversation=message.conversation,
        message=message,
        workspace_rate=limits.workspace_rate(now=now),
    )


_STILL = (
    gates.workspace_active,
    gates.subscription,
    gates.bot_on,
    gates.nobody_holds,
    gates.opted_in,
)


def _carry_out(turn: Turn, choice: choosing.Choice) -> list[trace.Verdict]:
    still = gates.walk(turn, _STILL)
    if not still[-1].is_pass:
        return [still[-1]]
    detail: dict[str, Any] = {"route": choice.route, "tokens": choice.tokens, "ms": choice.ms}
    turn.matches = [
        match
        for entry_id in choice.candidates
        if (match := search.get(turn.workspace, entry_id)) is not None
    ]
    chosen = search.get(turn.workspace, choice.entry_id) if choice.entry_id is not None else None
    if chosen is not None:
        said = trace.acted(
            "model", "model_chose", f"The model picked your answer “{chosen.question}”.", **detail
        )
        return [said, *pipeline.send_entry(turn, chosen)]
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
    if not turn.matches:
        return [said, *pipeline.hand_over(turn, reason="faq_none")]
    return [said, *pipeline.offer_menu(turn)]
