"""What a batch of one workspace shares, and everything it decides until it is written down.

Deciding is done in memory; `close` lays the whole batch into the tables with a fixed number
of statements, in the transaction of the caller. Who puts a conversation on the desk has
locked its row before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing import metering, plans
from connections.models import Connection
from faqs import search
from messaging import bot, conversations, gates, limits, replies, takeover, trace, words
from messaging.models import BotSettings, Conversation, Message
from workspaces import notices
from workspaces.models import Workspace


@dataclass(frozen=True)
class LookedUp:
    """What the entries of one version say to some texts."""

    version: int
    found: Mapping[str, list[search.Match]]


def look_up(workspace: Workspace, texts: Sequence[str]) -> LookedUp | None:
    """Look texts up before a transaction begins, so that none is held open by it.

    None when nothing will be answered. Call in the workspace's scope.
    """
    settings = bot.settings_of()
    if not settings.is_on:
        return None
    version = search.current_version()
    limit = gates.seen(settings)
    return LookedUp(
        version,
        {
            text: search.find(workspace, text, limit=limit, version=version)
            for text in dict.fromkeys(texts)
            if words.has_words(text)
        },
    )


@dataclass
class Desk:
    """See the module's text."""

    workspace: Workspace
    bot: BotSettings
    standing: plans.Standing
    connections: Mapping[int, Connection]
    workspace_rate: int  # messages received in the last minute
    now: datetime
    likely: int = 1  # messages of this batch that may be answered
    usages: list[metering.Usage] = field(default_factory=list)
    used_entries: list[int] = field(default_factory=list)  # an id for each answer with it
    _replies: list[replies.Reply] = field(default_factory=list)
    _marks: list[Message] = field(default_factory=list)
    _accounts: list[trace.Account] = field(default_factory=list)
    _changed: dict[int, Conversation] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _purse: replies.Purse | None = None
    _version: int | None = None
    ahead: "LookedUp | None" = None

    @classmethod
    def lay(cls, *, workspace: Workspace, now: datetime, likely: int = 1) -> "Desk":
        """Gather what every message of a batch is judged by. Call in the workspace's scope."""
        return cls(
            workspace=workspace,
            bot=bot.settings_of(),
            standing=plans.standing(workspace=workspace, now=now),
            connections={c.pk: c for c in Connection.every.filter(workspace=workspace)},
            workspace_rate=limits.workspace_rate(now=now),
            now=now,
            likely=likely,
        )

    @property
    def version(self) -> int:
        """The number of the entries that this batch is answered from."""
        if self._version is None:
            self._version = search.current_version()
        return self._version

    def found_before(self, text: str) -> list[search.Match] | None:
        """Return what was looked up for `text` before the transaction, unless the entries changed."""
        if self.ahead is None or self.ahead.version != self.version:
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

    def close(self) -> None:
        """Write everything down."""
        replies.put(workspace=self.workspace, replies=self._replies, now=self.now)
        for message in self._marks:
            replies.show_typing(
                workspace=self.workspace,
                conversation=message.conversation,
                message=message,
                now=self.now,
            )
        conversations.keep(self._changed.values())
        if self._purse is not None:
            self._purse.close()
        self.count_now()
        search.note_uses(self.used_entries, now=self.now)
        trace.write_all(self._accounts, now=self.now)
