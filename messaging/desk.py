"""What a batch of one workspace shares, and everything it decides until it is written down.

Deciding is done in memory; `close` writes the whole batch down, a fixed number of statements in
one round trip, in the transaction of the caller. Until then nothing of it is in the tables: who
must ask them calls `write_first`. Who puts a conversation on the desk has locked its row before.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from django.conf import settings

from billing import metering, plans
from connections import inbox
from connections.models import Connection
from faqs import freshness, search
from faqs.engine import certainty
from lib import clock, sql
from messaging import bot, conversations, gates, replies, takeover, trace, words
from messaging.models import BotSettings, Conversation, Message
from workspaces import notices
from workspaces.models import Workspace

T = TypeVar("T")


class _Facts(Generic[T]):
    """What was read of workspaces a moment ago, in this process."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, T]] = {}

    def get(self, workspace_id: int, read: Callable[[], T]) -> T:
        """Return what was read within FACTS_SECONDS, or read it."""
        kept = self._kept.get(workspace_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = read()
        if len(self._kept) > _MOST_FACTS:
            self._kept.clear()
        self._kept[workspace_id] = (time.monotonic() + settings.FACTS_SECONDS, found)
        return found

    def forget(self, workspace_id: int) -> None:
        """Read anew what is asked for next."""
        self._kept.pop(workspace_id, None)


_MOST_FACTS = 2_000
_standings: _Facts[plans.Standing] = _Facts()
_numbers: _Facts[Mapping[int, Connection]] = _Facts()
_bots: _Facts[BotSettings] = _Facts()  # to look ahead only; what is decided by is read anew


def forget(workspace: Workspace) -> None:
    """Read anew what is known of a workspace (tests)."""
    for facts in (_standings, _numbers, _bots):
        facts.forget(workspace.pk)


@dataclass(frozen=True)
class LookedUp:
    """What the entries, as they were at a moment, say to some texts."""

    current: search.Current
    manner: certainty.Manner
    found: Mapping[str, search.Finding]
    at: float  # time.monotonic()


def look_up(workspace: Workspace, texts: Sequence[str]) -> LookedUp | None:
    """Look texts up before a transaction begins, so that none is held open by it.

    None when nothing will be answered. Call in the workspace's scope.
    """
    how = _bots.get(workspace.pk, bot.settings_of)
    if how.mode == BotSettings.Mode.OFF:
        return None
    at, current, manner = time.monotonic(), search.current(), gates.manner_of(how)
    freshness.heal(workspace, current)
    asked = [text for text in dict.fromkeys(texts) if words.has_words(text)]
    found = search.look(workspace, asked, manner=manner, current=current) if asked else []
    return LookedUp(current, manner, dict(zip(asked, found, strict=True)), at)


@dataclass
class Desk:
    """See the module's text. What the batch is judged by is read when it is first asked for."""

    workspace: Workspace
    now: datetime
    likely: int = 1  # messages of this batch that may be answered
    is_careful: bool = False  # one of several in the same transaction
    ahead: LookedUp | None = None
    workspace_rate: int = 0  # messages received in the last minute
    usages: list[metering.Usage] = field(default_factory=list)
    used_entries: list[int] = field(default_factory=list)  # an id for each answer with it
    sheet: sql.Sheet = field(default_factory=sql.Sheet)
    message_ids: list[int] = field(default_factory=list)  # for replies, drawn ahead, rising
    _received: list[Message] = field(default_factory=list)
    _replies: list[replies.Reply] = field(default_factory=list)
    _marks: list[Message] = field(default_factory=list)
    _accounts: list[trace.Account] = field(default_factory=list)
    _changed: dict[int, Conversation] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _purse: replies.Purse | None = None

    @cached_property
    def bot(self) -> BotSettings:
        """How the bot behaves, until our commit."""
        return bot.settings_held()

    @cached_property
    def standing(self) -> plans.Standing:
        """What the workspace's plan allows, as of FACTS_SECONDS ago at most."""
        return _standings.get(
            self.workspace.pk, lambda: plans.standing(workspace=self.workspace, now=self.now)
        )

    @cached_property
    def connections(self) -> Mapping[int, Connection]:
        """The workspace's numbers, removed ones too, as of FACTS_SECONDS ago at most."""
        return _numbers.get(
            self.workspace.pk,
            lambda: {c.pk: c for c in Connection.every.filter(workspace=self.workspace)},
        )

    def connection(self, connection_id: int | None) -> Connection | None:
        """Return the number; one that is newer than what was read is read."""
        if connection_id is not None and connection_id not in self.connections:
            _numbers.forget(self.workspace.pk)
            self.__dict__.pop("connections")  # the cached property
        return self.connections.get(connection_id or 0)

    @cached_property
    def current(self) -> search.Current:
        """What the entries are that this batch is answered from."""
        return search.current()

    def found_before(self, text: str) -> search.Finding | None:
        """Return what was looked up for `text` before the transaction, unless that changed."""
        if self.ahead is None or self.ahead.manner != gates.manner_of(self.bot):
            return None
        is_fresh = time.monotonic() - self.ahead.at < min(1.0, settings.FACTS_SECONDS)
        if not is_fresh and self.ahead.current != self.current:
            return None
        return self.ahead.found.get(text)

    def may_say(self) -> bool:
        """Take one of the plan's messages of the day; False when they are used up."""
        if self._purse is None:
            self._purse = replies.Purse(
                workspace=self.workspace, standing=self.standing, now=self.now
            )
        return self._purse.take(likely=self.likely)

    def say(self, reply: replies.Reply) -> None:
        """Send a reply when the desk is closed."""
        self._replies.append(reply)
        self.change(reply.message.conversation)

    def receive(self, message: Message) -> None:
        """Save a customer's message, which has its id, when the desk is closed."""
        self._received.append(message)

    def change(self, conversation: Conversation) -> None:
        """Save the conversation when the desk is closed."""
        self._changed[conversation.pk] = conversation

    def call_person(self, conversation: Conversation) -> None:
        """Say that a person should look at the conversation; the bot stays in it."""
        conversations.flag_for_person(conversation=conversation, now=self.now)
        self.change(conversation)

    def hold_for_team(self, conversation: Conversation) -> None:
        """Keep the bot out until somebody of the team has been there (or the set time is over)."""
        takeover.hold(conversation=conversation, minutes=self.bot.handback_minutes, now=self.now)
        self.change(conversation)

    def show_typing(self, message: Message) -> None:
        """Show the customer that an answer is being worked out, when the desk is closed."""
        self._marks.append(message)

    def note(
        self,
        message: Message,
        verdicts: list[trace.Verdict],
        *,
        received_at: datetime,
        later: bool = False,
    ) -> None:
        """Append steps to the account of a message."""
        self.note_id(message.pk, verdicts, received_at=received_at, later=later)

    def note_id(
        self,
        message_id: int,
        verdicts: list[trace.Verdict],
        *,
        received_at: datetime,
        later: bool = False,
    ) -> None:
        """Append steps to the account of the message with this id."""
        self._accounts.append(trace.Account(message_id, verdicts, received_at, later))

    def count_now(self) -> None:
        """Write into the ledger what is to be counted so far."""
        metering.record(workspace=self.workspace, usages=self.usages, now=self.now)
        self.usages.clear()

    def tell_owners(self, *, key: str, text: str) -> None:
        """Tell the owners something, once."""
        if key not in self._told:
            self._told.add(key)
            notices.tell_owners(workspace=self.workspace, key=key, text=text, now=self.now)

    def write_first(self) -> None:
        """Execute what stands on the sheet so far: the next question is to find it."""
        self.sheet.run()

    def close(self, *, done: Sequence[int] = ()) -> None:
        """Write everything down; `done` are the inbox rows that are dealt with by that."""
        conversations.keep(self._changed.values(), sheet=self.sheet)
        replies.put(
            workspace=self.workspace,
            replies=self._replies,
            now=self.now,
            sheet=self.sheet,
            ids=self.message_ids,
            received=self._received,
        )
        replies.show_typing(
            workspace=self.workspace, messages=self._marks, now=self.now, sheet=self.sheet
        )
        if self._purse is not None:
            self._purse.close()
        metering.write(sheet=self.sheet, workspace=self.workspace, usages=self.usages, now=self.now)
        trace.write_all(self._accounts, now=self.now, sheet=self.sheet)
        if done:
            inbox.finish(ids=done, now=clock.now(), sheet=self.sheet)
        # Last of all: everybody waits for the rows of the entries.
        search.note_uses(self.used_entries, now=self.now, sheet=self.sheet)
        self.sheet.run()
