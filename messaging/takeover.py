"""Who speaks: a person takes a conversation over, gives it back, or is called."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, QuerySet

from billing import plans
from connections.models import Connection
from lib import events, sql
from messaging import bot, conversations, replies, trace
from messaging.models import Conversation, Message
from workspaces import alarms, audit
from workspaces.models import User, Workspace

Holder = Conversation.Holder
ALARM = conversations.ALARM


class UnableToReply(Exception):
    """The reply cannot be sent; the message is a sentence for the person who wrote it."""


class UnableToFindConversation(Exception):
    """There is no such conversation in this workspace."""


def hold(
    *, conversation: Conversation, minutes: int, now: datetime, user_id: int | None = None
) -> None:
    """Keep the bot out of the conversation for so long, unsaved; no user: anybody of the team."""
    conversation.holder = Holder.PERSON
    conversation.held_by_id = user_id
    conversation.held_until = now + timedelta(minutes=minutes)


def _hold(conversation: Conversation, *, user_id: int | None, now: datetime) -> None:
    minutes = bot.settings_of().handback_minutes
    hold(conversation=conversation, minutes=minutes, now=now, user_id=user_id)
    conversations.keep([conversation])


def find(*, conversation_id: int) -> Conversation:
    """Return a conversation of the workspace in scope. Raises UnableToFindConversation."""
    found = Conversation.objects.select_related("contact").filter(pk=conversation_id).first()
    if found is None:
        raise UnableToFindConversation
    return found


def _in_hand(conversation_id: int) -> Conversation:
    """Return a conversation that nobody else touches before our commit."""
    found = conversations.lock_all(conversation_ids=[conversation_id])
    if not found:
        raise UnableToFindConversation
    return found[0]


def reply(
    *,
    workspace: Workspace,
    conversation_id: int,
    user: User,
    text: str,
    now: datetime,
    once: str = "",
) -> Message:
    """Send a person's reply and take the conversation over.

    `once` makes a repeated submission of the same form one message. Raises UnableToReply
    when the text cannot be sent (empty, too long, window closed, number off).
    """
    text = text.replace("\x00", "").strip()
    if not text:
        raise UnableToReply("Write something first.")
    if len(text) > replies.TEXT_LIMIT:
        raise UnableToReply(
            f"WhatsApp takes {replies.TEXT_LIMIT:,} characters; this has {len(text):,}. Send it in two parts."
        )
    if workspace.is_suspended:
        raise UnableToReply("The workspace is suspended, so nothing can be sent. Write to support.")
    once = once[:64]
    with events.correlated(""), transaction.atomic(durable=True):
        conversation = _in_hand(conversation_id)
        if once and (
            earlier := Message.objects.filter(conversation=conversation, content__once=once).first()
        ):
            return earlier
        connection = Connection.objects.filter(
            pk=conversation.connection_id, workspace=workspace
        ).first()
        if connection is None:
            raise UnableToReply(
                "The number of this conversation is no longer connected. Connect it again first."
            )
        if not connection.is_sending:
            raise UnableToReply(
                f"Sending on this number is stopped. {connection.state_reason}".strip()
            )
        ends = conversations.window_ends_at(conversation)
        if ends is None or ends <= now:
            raise UnableToReply(
                "More than 24 hours have passed since the customer wrote. WhatsApp allows no"
                " ordinary message now; wait until they write again."
            )
        replies.take_place(
            workspace=workspace, standing=plans.standing(workspace=workspace, now=now), now=now
        )
        said = replies.draft(
            conversation=conversation,
            text=text,
            author=Message.Author.MEMBER,
            author_id=user.pk,
            content={"once": once} if once else {},
            correlation=events.correlation(),
            now=now,
        )
        sheet = sql.Sheet()
        replies.put(workspace=workspace, replies=[said], now=now, sheet=sheet)
        sheet.run()
        message = said.message
        answered(conversation)
        _hold(conversation, user_id=user.pk, now=now)
        trace.write(
            message=message,
            verdicts=[
                trace.acted(
                    "person",
                    "member_replied",
                    f"{user.shown_name} wrote this from the inbox and has the conversation.",
                )
            ],
            received_at=now,
            now=now,
        )
    return message


def take(*, conversation_id: int, user: User, now: datetime) -> None:
    """Let a person take the conversation without writing yet."""
    with transaction.atomic(durable=True):
        _hold(_in_hand(conversation_id), user_id=user.pk, now=now)


def give_back(*, workspace: Workspace, conversation_id: int, user: User, now: datetime) -> None:
    """Give the conversation back to the bot; a later hand-over tells the customer again."""
    with transaction.atomic(durable=True):
        conversation = _in_hand(conversation_id)
        answered(conversation)
        conversations.keep([conversation])
        _release(Conversation.objects.filter(pk=conversation.pk))
        audit.record(
            action="conversation.given-back",
            workspace=workspace,
            actor=user,
            target=f"conversation {conversation.pk}",
            now=now,
        )


def give_back_all(*, user: User) -> int:
    """Give back everything that the user holds; whom nobody answered yet still waits."""
    held = Conversation.objects.filter(holder=Holder.PERSON, held_by_id=user.pk)
    return _release(held)


def hand_back_expired(*, now: datetime) -> int:
    """Give back to the bot every conversation whose person's time is over (workspace in scope)."""
    # One statement: who replies at this very moment keeps the conversation.
    return _release(Conversation.objects.filter(holder=Holder.PERSON, held_until__lte=now))


def answer_alarm(*, workspace: Workspace, now: datetime) -> int:
    """Give back what is due in the workspace in scope, and set the alarm for what comes next."""
    count = hand_back_expired(now=now)
    alarms.settle(workspace_id=workspace.pk, kind=ALARM, find_next=_next_hand_back)
    return count


def arm(*, workspace: Workspace) -> None:
    """Set the alarm for what is held in the workspace in scope (if it was lost, with a backup say)."""
    if (moment := _next_hand_back()) is not None:
        alarms.set_at_latest(workspace_id=workspace.pk, kind=ALARM, due_at=moment)


def _next_hand_back() -> datetime | None:
    held = Conversation.objects.filter(holder=Holder.PERSON, held_until__isnull=False)
    moment: datetime | None = held.aggregate(moment=Min("held_until"))["moment"]
    return moment


def _release(rows: QuerySet[Conversation]) -> int:
    return rows.update(holder=Holder.BOT, held_by_id=None, held_until=None, handover_told_at=None)


def answered(conversation: Conversation) -> None:
    """Nobody needs to look at the conversation any more, unsaved."""
    conversation.needs_person, conversation.needs_person_since = False, None
