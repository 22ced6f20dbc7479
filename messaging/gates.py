"""The gates a customer's message passes, in order. They read; they never write or send.

Each returns a Verdict with a reason code and a sentence. The first that does not pass ends
the round: `stop` is silence with its reason, `act` is a decision for messaging.pipeline.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from billing import plans
from connections.events import Sender
from connections.models import Connection
from faqs import search
from faqs.engine import certainty
from messaging import commands, context, conversations, limits, rules, words
from messaging.models import BotSettings, Conversation, Message
from messaging.trace import Verdict, acted, passed, stopped
from workspaces.models import Workspace


@dataclass
class Turn:
    """One customer's message in hand. Without a conversation it is a rehearsal (`ask`)."""

    workspace: Workspace
    bot: BotSettings
    standing: plans.Standing
    now: datetime
    text: str
    kind: str = "text"
    content: dict[str, Any] = field(default_factory=dict)
    errors: list[Any] = field(default_factory=list)
    connection: Connection | None = None
    conversation: Conversation | None = None
    message: Message | None = None
    is_commander: bool = False
    workspace_rate: int = 0
    text_digest: str = ""
    finding: search.Finding | None = None  # what the entries say to it
    previous: str = ""  # what was asked before, in a rehearsal
    tapped_entry_id: int | None = None
    sender: Sender | None = None  # as the message named it: the answer goes there
    is_first: bool = False  # the contact's first message: there is nothing to compare it with
    rates: limits.Rates = field(default_factory=limits.Rates)  # of this customer, this one counted
    current: search.Current | None = None  # what the entries are, when it is known already
    is_asked: bool = False  # a model was asked to choose

    @property
    def found(self) -> search.Finding:
        """What the entries say to the message; looked up when it is first asked for."""
        if self.finding is None:
            self.finding = self.look(self.text)
        return self.finding

    def look(self, text: str) -> search.Finding:
        """Look a text up as this customer's."""
        [found] = search.look(
            self.workspace, [text], manner=manner_of(self.bot), current=self.current
        )
        return found


Gate = Callable[[Turn], Verdict | None]  # None: nothing to be said of it


def manner_of(bot: BotSettings) -> certainty.Manner:
    """Return how sure this bot wants to be before it answers."""
    known: dict[str, certainty.Manner] = {"careful": "careful", "eager": "eager"}
    return known.get(bot.manner, "balanced")


# Types that say something without asking for an answer.
_QUIET_KINDS = frozenset({"reaction", "system", "edit", "revoke", "request_welcome"})
_WITH_TEXT = frozenset({"text", "interactive", "button"})


def message_type(turn: Turn) -> Verdict:
    """Only text can be looked up; pictures count by their caption."""
    if turn.content.get("group_id"):
        return stopped(
            "type", "group", "Written in a group; the bot answers in private chats only."
        )
    if isinstance(turn.content.get("answers"), dict | list):
        return stopped("type", "form", "A filled-in form, left to your team.", needs_person=True)
    if turn.kind in _QUIET_KINDS:
        return stopped("type", "nothing_to_answer", f"A {turn.kind} needs no answer.")
    if turn.text.strip():
        return passed("type", "The message has text.", kind=turn.kind)
    if turn.kind in _WITH_TEXT and not turn.errors:
        return stopped("type", "empty", "The message has no text in it.")
    return stopped(
        "type",
        "unsupported_type",
        f"The bot cannot read a message of the type “{turn.kind}”, so it left it to your team.",
        needs_person=True,
        kind=turn.kind,
    )


def not_blocked(turn: Turn) -> Verdict | None:
    """Whom the team has blocked gets no answer, and calls nobody; of others nothing is said."""
    if turn.conversation is not None and turn.conversation.contact.blocked_at is not None:
        return stopped("contact", "blocked", "Your team has blocked this contact.")
    return None


def workspace_active(turn: Turn) -> Verdict:
    """A suspended workspace keeps what comes in and says nothing."""
    if turn.connection is not None and turn.connection.removed_at is not None:
        return stopped(
            "workspace",
            "number_removed",
            "The number this was written to has been removed, so nothing can be answered on it.",
            needs_person=True,
        )
    if turn.workspace.is_suspended:
        return stopped(
            "workspace",
            "workspace_suspended",
            "The workspace is suspended. Messages are kept; write to support to have it opened.",
            needs_person=True,
        )
    return passed("workspace", "The workspace is active.")


def subscription(turn: Turn) -> Verdict:
    """Nothing is answered for a subscription that has ended."""
    if not turn.standing.is_served:
        return stopped(
            "subscription",
            "subscription_ended",
            "The subscription has ended, so the bot is quiet. Messages are kept for you.",
            needs_person=True,
        )
    return passed("subscription", f"Plan {turn.standing.plan_name}, {turn.standing.state}.")


def owner_command(turn: Turn) -> Verdict:
    """A confirmed owner's phone may command; anybody else's “pause” is an ordinary message."""
    if turn.is_commander and (command := commands.recognise(turn.text)):
        return acted(
            "command",
            "owner_command",
            f"A confirmed team number sent “{command}”.",
            command=command,
        )
    return passed("command", "Not an owner's command.")


def bot_on(turn: Turn) -> Verdict:
    """The owner's switch: everyone is answered, test phones only, or nobody."""
    mode = turn.bot.mode
    if mode == BotSettings.Mode.ON:
        return passed("bot", "The bot is on.")
    if turn.conversation is None:
        # Whoever sets the bot up tries it before it speaks to anybody.
        return passed(
            "bot", "The bot is not on; a question that is tried is answered all the same."
        )
    if mode == BotSettings.Mode.OFF:
        return stopped(
            "bot", "bot_off", "The bot is switched off, so your team answers.", needs_person=True
        )
    if not _is_test_phone(turn, turn.conversation):
        return stopped(
            "bot",
            "test_mode",
            "The bot is in test mode and answers your test phones only, so your team answers.",
            needs_person=True,
        )
    return passed("bot", "The bot is in test mode, and this is one of your test phones.")


def _is_test_phone(turn: Turn, talk: Conversation) -> bool:
    phones = {talk.contact.phone, turn.sender.phone if turn.sender is not None else None}
    return not phones.isdisjoint(turn.bot.test_phones)


def rate(turn: Turn) -> Verdict:
    """Protect the business from floods: by contact and by workspace, a minute each."""
    most = settings.RATE_LIMIT_WORKSPACE_PER_MINUTE
    if turn.workspace_rate > most:
        return stopped(
            "rate",
            "rate_limited_workspace",
            f"More than {most} messages came in within a minute; this one waits for your team.",
            needs_person=True,
        )
    if turn.conversation is not None and not turn.is_first:
        count = turn.rates.minute
        most = settings.RATE_LIMIT_CONTACT_PER_MINUTE
        if count > most:
            return stopped(
                "rate",
                "rate_limited_contact",
                f"This customer sent more than {most} messages within a minute; the bot pauses for them.",
                count=count,
            )
    return passed("rate", "Within the limits of messages a minute.")


def nobody_holds(turn: Turn) -> Verdict:
    """The bot never talks over a person."""
    talk = turn.conversation
    if talk is not None and talk.holder == Conversation.Holder.PERSON:
        if talk.held_until is None or talk.held_until > turn.now:
            return stopped(
                "holder",
                "human_holds",
                "A person of your team has this conversation, so the bot keeps quiet.",
                needs_person=True,
            )
        return passed(
            "holder", "The person's time with this conversation is over; the bot is back."
        )
    return passed("holder", "Nobody of the team holds the conversation.")


def no_loop(turn: Turn) -> Verdict:
    """Two machines that answer each other are stopped."""
    if turn.conversation is not None and not turn.is_first:
        count = turn.rates.alike.get(turn.text_digest, 0)
        if count > settings.LOOP_GUARD_LIKE_TEXTS:
            return stopped(
                "loop",
                "loop_guard",
                f"The same text came {count} times within 5 minutes; it looks like another machine.",
                needs_person=True,
                count=count,
            )
    return passed("loop", "No loop.")


def opted_in(turn: Turn) -> Verdict:
    """STOP and START are the customer's own switch."""
    said = words.bare(turn.text)
    opted_out = turn.conversation is not None and turn.conversation.contact.is_opted_out
    if said in words.STOP_WORDS:
        return acted("consent", "opt_out", "The customer asked for no more automatic replies.")
    if said in words.START_WORDS and opted_out:
        return acted("consent", "opt_in", "The customer asked for automatic replies again.")
    if opted_out:
        return stopped(
            "consent",
            "opted_out",
            "The customer has asked for no automatic replies.",
            needs_person=True,
        )
    return passed("consent", "The customer has not opted out.")


def small_talk(turn: Turn) -> Verdict:
    """Greetings, thanks and a call for a person never reach the look-up."""
    if turn.kind in ("interactive", "button") and turn.content.get("reply_id"):
        return passed("greeting", "A tap on a button.")
    if turn.tapped_entry_id is not None:
        return passed("greeting", "A choice from the last menu.")
    if words.wants_person(turn.text, turn.bot.handover_words):
        return acted("greeting", "asked_for_person", "The customer asked for a person.")
    match turn.found.chat:
        case "greeting":
            return acted("greeting", "greeting", "A greeting, answered with yours.")
        case "thanks" | "closing":
            return stopped("greeting", "thanks", "The customer only said thanks or agreed.")
        case "wordless":
            return stopped("greeting", "no_words", "There are no words in the message to answer.")
    return passed("greeting", "Not a greeting.")


def faq(turn: Turn) -> Verdict:
    """Look the question up in the workspace's own answers."""
    if turn.tapped_entry_id is not None:
        match = search.get(turn.workspace, turn.tapped_entry_id)
        if match is not None:
            turn.finding = search.chosen(match)
            return acted(
                "faq", "faq_chosen", f"The customer chose “{match.question}”.", faq_id=match.faq_id
            )
    turn.finding = found = context.with_previous(turn, turn.found)
    detail = dict(found.account)
    if found.decision in ("none", "smalltalk") or not found.shown:
        return acted("faq", "faq_none", "None of your answers fits this question.", **detail)
    best = found.shown[0]
    if found.decision == "menu":
        percent = f"{best.confidence:.0%}"
        return acted(
            "faq", "faq_unsure", f"“{best.question}” may fit, but only {percent} sure.", **detail
        )
    fits = [f"“{one.question[:100]}” fits ({one.confidence:.0%} sure)" for one in found.answers]
    return acted("faq", "faq_matched", f"Your answer {', and '.join(fits)}.", **detail)


BEFORE_LOOKUP: tuple[Gate, ...] = (
    not_blocked,
    message_type,
    workspace_active,
    subscription,
    owner_command,
    bot_on,
    rate,
    nobody_holds,
    no_loop,
    opted_in,
    rules.honesty,
    rules.off_limits,
    rules.opening,
    small_talk,
)
ALL: tuple[Gate, ...] = (*BEFORE_LOOKUP, faq)


def walk(turn: Turn, through: tuple[Gate, ...] = ALL) -> list[Verdict]:
    """Ask the gates in order; the last verdict is the one that ended the round."""
    verdicts: list[Verdict] = []
    for gate in through:
        if (verdict := gate(turn)) is None:
            continue
        verdicts.append(verdict)
        if not verdict.is_pass:
            break
    return verdicts


def window(turn: Turn) -> Verdict:
    """WhatsApp allows an ordinary message within 24 hours of the customer's last one."""
    ends = conversations.window_ends_at(turn.conversation) if turn.conversation else None
    if turn.conversation is not None and (ends is None or ends <= turn.now):
        return stopped(
            "window",
            "window_closed",
            "The message reached us more than 24 hours after it was written; WhatsApp allows no"
            " ordinary reply any more.",
            needs_person=True,
        )
    return passed("window", "Within WhatsApp's 24 hours.")
