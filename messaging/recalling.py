"""Take back what the bot was about to say, once it is off: it shall not speak after that."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from billing import metering, meters
from connections import outbox
from lib import events, sql
from messaging import conversations, trace
from messaging.models import BotSettings, Conversation, Message, TestPhone
from workspaces import alarms, scope
from workspaces.models import Workspace

# Set with the switch, taken off when all is taken back: a process that dies in between is made up for.
ALARM = "recall"
# A model has answered, or is given up, long before.
_WAITING = timedelta(hours=1)
REASONS = {
    "bot_off": "The bot was switched off before this went out, so it was not sent.",
    "test_mode": "The bot was set to test phones only before this went out, so it was not sent.",
}


def promise(*, workspace: Workspace, now: datetime) -> None:
    """Have it taken back as soon as the caller's transaction is committed, here or by a worker."""
    alarms.set_at_latest(workspace_id=workspace.pk, kind=ALARM, due_at=now)
    keep_promise = partial(answer_alarm, workspace=workspace, now=now)
    transaction.on_commit(keep_promise, robust=True)  # what fails here is tried by the alarm


def answer_alarm(*, workspace: Workspace, now: datetime) -> int:
    """Take back what was promised, and the alarm off; return how many were taken back."""
    count = recall(workspace=workspace, now=now)
    with scope.workspace(workspace):
        alarms.settle(workspace_id=workspace.pk, kind=ALARM, find_next=lambda: None)
    return count


def recall(*, workspace: Workspace, now: datetime) -> int:
    """Take back queued replies of the bot and settle what waits for a model; return how many.

    Each conversation is left to the team. Call when the switch is committed: who decides about
    a message holds the settings until the reply is in line (messaging.bot.settings_held), so
    that nothing is put there afterwards. What is being sent already is not stopped.
    """
    with scope.workspace(workspace), transaction.atomic():
        mode = BotSettings.objects.values_list("mode", flat=True).filter(pk=1).first()
        if mode in (None, BotSettings.Mode.ON):
            return 0  # it is on again
        reason = "bot_off" if mode == BotSettings.Mode.OFF else "test_mode"
        queued = Message.objects.filter(
            pk__in=outbox.queued_messages(workspace=workspace),
            author=Message.Author.BOT,
            status=Message.Status.QUEUED,
        )
        waiting = Message.objects.filter(
            created_at__gte=now - _WAITING, waiting_since__isnull=False
        )
        talks = {
            talk.pk: talk
            for talk in _not_of_test_phones(
                mode,
                conversations.lock_all(
                    conversation_ids=sorted(
                        {*queued.values_list("conversation_id", flat=True)}
                        | {*waiting.values_list("conversation_id", flat=True)}
                    )
                ),
            )
        }
        # Asked again with the conversations locked: some may be out, or settled, by now.
        unsent = _take_back(workspace, list(queued.filter(conversation__in=talks)), reason, now)
        unasked = list(waiting.filter(conversation__in=talks))
        Message.objects.filter(pk__in=[message.pk for message in unasked]).update(
            waiting_since=None
        )
        _leave_to_team(talks, [*unsent, *unasked], reason, now)
    count = len(unsent) + len(unasked)
    if count:
        events.publish("messaging.replies.recalled", workspace=workspace.pk, meta={"count": count})
    return count


def _not_of_test_phones(mode: str | None, talks: Iterable[Conversation]) -> list[Conversation]:
    if mode == BotSettings.Mode.OFF:
        return list(talks)
    spared = set(TestPhone.objects.values_list("phone", flat=True))
    return [talk for talk in talks if talk.contact.phone not in spared]


def _take_back(
    workspace: Workspace, messages: Sequence[Message], reason: str, now: datetime
) -> list[Message]:
    gone = outbox.take_back(workspace=workspace, message_ids=[message.pk for message in messages])
    unsent = [message for message in messages if message.pk in gone]
    Message.objects.filter(pk__in=gone).update(
        status=Message.Status.FAILED,
        failed_at=now,
        error_code=reason,
        error=REASONS[reason],
    )
    for message in unsent:
        metering.release(workspace=workspace, meter=meters.MESSAGES_SENT, day_of=message.created_at)
    return unsent


def _leave_to_team(
    talks: dict[int, Conversation], messages: Sequence[Message], reason: str, now: datetime
) -> None:
    stopped = trace.stopped("bot", reason, REASONS[reason], needs_person=True)
    touched = {message.conversation_id: talks[message.conversation_id] for message in messages}
    for talk in touched.values():
        conversations.flag_for_person(conversation=talk, now=now)
    conversations.keep(touched.values())
    sheet = sql.Sheet()
    trace.write_all(
        [
            trace.Account(message.answers_id or message.pk, [stopped], message.created_at, True)
            for message in messages
        ],
        now=now,
        sheet=sheet,
    )
    sheet.run()
