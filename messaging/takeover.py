"""Who speaks: a person takes a conversation over, gives it back, or is called."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, QuerySet

from billing import plans
from connections.models import Connection
from lib import events, sql
from messaging import bot, conversations, replies, trace
from messaging.models import Conversation, Message
from workspaces import alarms, audit
from workspaces.models import Member, User, Workspace

Holder = Conversation.Holder
ALARM = conversations.ALARM
# How long a reply from the inbox waits, so that whoever wrote it can take it back.
UNDO_SECONDS = 5
BOT, TEAM = "bot", "team"  # who may have a conversation, beside a person (by number)
_TALKING = (Member.Role.AGENT, Member.Role.MANAGER, Member.Role.OWNER)


class UnableToReply(Exception):
    """The reply cannot be sent; the message is a sentence for the person who wrote it."""


class UnableToAssign(Exception):
    """The conversation goes to nobody else; the message is a sentence for who asked."""


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


def in_hand(conversation_id: int) -> Conversation:
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
    undo_seconds: int = 0,
) -> Message:
    """Send a person's reply and take the conversation over.

    `once` makes a repeated submission of the same form one message. With `undo_seconds` it
    waits so long in the outbox, and messaging.undoing can take it back. Raises UnableToReply
    when the text cannot be sent (empty, too long, window closed, number off).
    """
    text = text.replace("\x00", "").strip()
    if not text:
        raise UnableToReply("Write something first.")
    if len(text) > replies.TEXT_LIMIT:
        raise UnableToReply(
            f"WhatsApp takes {replies.TEXT_LIMIT:,} characters; this has {len(text):,}. Send it in two parts."
        )
    once = once[:64]
    with events.correlated(""), transaction.atomic(durable=True):
        conversation = in_hand(conversation_id)
        if once and (
            earlier := Message.objects.filter(conversation=conversation, content__once=once).first()
        ):
            return earlier
        check(workspace=workspace, conversation=conversation, now=now)
        before = _standing_of(conversation)
        replies.take_place(
            workspace=workspace, standing=plans.standing(workspace=workspace, now=now), now=now
        )
        said = replies.draft(
            conversation=conversation,
            text=text,
            author=Message.Author.MEMBER,
            author_id=user.pk,
            content={"once": once, "before": before} if once else {"before": before},
            correlation=events.correlation(),
            now=now,
            not_before=now + timedelta(seconds=undo_seconds) if undo_seconds else None,
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


def check(*, workspace: Workspace, conversation: Conversation, now: datetime) -> None:
    """Make sure that a person may write in the conversation now. Raises UnableToReply."""
    if workspace.is_suspended:
        raise UnableToReply("The workspace is suspended, so nothing can be sent. Write to support.")
    connection = Connection.objects.filter(
        pk=conversation.connection_id, workspace=workspace
    ).first()
    if connection is None:
        raise UnableToReply(
            "The number of this conversation is no longer connected. Connect it again first."
        )
    if not connection.is_sending:
        raise UnableToReply(f"Sending on this number is stopped. {connection.state_reason}".strip())
    ends = conversations.window_ends_at(conversation)
    if ends is None or ends <= now:
        raise UnableToReply(
            "More than 24 hours have passed since the customer wrote. WhatsApp allows no"
            " ordinary message now; wait until they write again."
        )


def _standing_of(conversation: Conversation) -> dict[str, object]:
    """Return who had the conversation and since when it waited, as a message keeps it."""
    since = conversation.needs_person_since if conversation.needs_person else None
    return {"held": mark_of(conversation), "needs": since.isoformat() if since else None}


def mark_of(conversation: Conversation) -> str:
    """Return who has the conversation, in a word that a form can carry."""
    if conversation.holder == Holder.BOT:
        return BOT
    return str(conversation.held_by_id) if conversation.held_by_id else TEAM


def take(*, conversation_id: int, user: User, now: datetime, had: str = "") -> None:
    """Let a person take the conversation without writing yet.

    `had` is who had it when the person decided so. Raises UnableToAssign when that has changed.
    """
    with transaction.atomic(durable=True):
        conversation = in_hand(conversation_id)
        _agree(conversation, had=had, to=str(user.pk))
        _hold(conversation, user_id=user.pk, now=now)


def team(*, workspace: Workspace) -> list[User]:
    """Return the people who may have a conversation, by name."""
    rows = Member.objects.filter(workspace=workspace, role__in=_TALKING, user__is_active=True)
    people = [member.user for member in rows.select_related("user")[:200]]
    return sorted(people, key=lambda user: user.shown_name.casefold())


def assign(
    *,
    workspace: Workspace,
    conversation_id: int,
    to: str,
    user: User,
    now: datetime,
    had: str = "",
    needs_person: bool = False,
) -> str:
    """Give a conversation to a person, to the team or to the bot; return who had it.

    `had` is who had it when it was decided: whoever is faster has it, and the other is told by
    UnableToAssign. With `needs_person` it waits for a person again (a "done" that was taken back).
    """
    with transaction.atomic(durable=True):
        conversation = in_hand(conversation_id)
        previous = mark_of(conversation)
        _agree(conversation, had=had, to=to)
        if needs_person:
            conversations.flag_for_person(conversation=conversation, now=now)
        if to == BOT:
            conversations.keep([conversation])
            _release(Conversation.objects.filter(pk=conversation.pk))
        else:
            _hold(conversation, user_id=_person(workspace, to), now=now)
        if previous != to:
            audit.record(
                action="conversation.assigned",
                workspace=workspace,
                actor=user,
                target=f"conversation {conversation.pk} to {to if not to.isdigit() else f'user {to}'}",
                now=now,
            )
    return previous


def _person(workspace: Workspace, to: str) -> int | None:
    """Return whose number `to` is; None for the team."""
    if to == TEAM:
        return None
    people = Member.objects.filter(workspace=workspace, role__in=_TALKING, user__is_active=True)
    if not (
        to.isascii() and to.isdigit() and len(to) < 19 and people.filter(user=int(to)).exists()
    ):
        raise UnableToAssign("This person does not answer customers here. Choose another.")
    return int(to)


def _agree(conversation: Conversation, *, had: str, to: str) -> None:
    """Refuse what was decided before somebody else took the conversation."""
    now_with = mark_of(conversation)
    if not had or now_with in (had, to):
        return
    if now_with == BOT:
        raise UnableToAssign("The bot has this conversation again. Look at it, then decide anew.")
    person = User.objects.filter(pk=conversation.held_by_id or 0).first()
    name = person.shown_name if person else "Somebody of your team"
    raise UnableToAssign(f"{name} has taken this conversation a moment ago, so it stays there.")


@dataclass(frozen=True)
class Before:
    """Who had a conversation, and whether it waited for a person."""

    held: str
    needs_person: bool


def give_back(
    *, workspace: Workspace, conversation_id: int, user: User, now: datetime, had: str = ""
) -> Before:
    """Give the conversation back to the bot; a later hand-over tells the customer again.

    Returns how it was before. `had` is who had it when it was decided. Raises UnableToAssign
    when somebody has taken it since.
    """
    with transaction.atomic(durable=True):
        conversation = in_hand(conversation_id)
        _agree(conversation, had=had, to=BOT)
        before = Before(mark_of(conversation), conversation.needs_person)
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
    return before


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
