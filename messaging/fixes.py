"""What to do about what came of a message: for each reason a sentence, and a button where one helps.

The table is complete: a test walks the code for every reason that ends a turn, or a send.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Fix:
    """What to do. Without a label there is no button: the sentence says why nothing is to be done.

    `about` is what the page behind the button is of; `fields` are posted, without them it is a
    link. `role` is the least role that may press it.
    """

    sentence: Text
    label: Text = ""
    to: str = ""
    about: Literal["", "conversation", "entry", "question", "below"] = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    is_post: bool = False
    role: str = "viewer"


_ANSWER_THEM = Fix(
    _("Answer the customer yourself."),
    _("Open the chat"),
    "messaging:thread-show",
    "conversation",
)
_ADD_ANSWER = Fix(
    _("Add an answer for this question, and the bot knows it next time."),
    _("Add an answer for this"),
    "faqs:entry-new",
    "question",
    role="manager",
)
_EDIT_ANSWER = Fix(
    _("If this is not what the customer should read, change the answer."),
    _("Change the answer"),
    "faqs:entry-edit",
    "entry",
    role="manager",
)
_PLAN = Fix(
    _("See what is used of your plan. Until tomorrow, or with a larger plan, your team answers."),
    _("See your usage"),
    "billing:usage-show",
)
_NUMBERS = Fix(
    _("Look at your number: its page says what is the matter and how to bring it back."),
    _("Look at your numbers"),
    "connections:connection-list",
)
_ON_ITS_WAY = Fix(_("Nothing to fix: the reply is on its way, and its ticks follow."))
_ASKED_PERSON = Fix(
    _("The customer waits for one of you."), _("Open the chat"),
    "messaging:thread-show", "conversation",
)  # fmt: skip
_NOTHING = Fix(_("Nothing to fix: it needed no answer."))

REASONS: Mapping[str, Fix] = {
    # Answered
    "queued": _ON_ITS_WAY,
    "faq_matched": _EDIT_ANSWER,
    "faq_chosen": _EDIT_ANSWER,
    "model_chose": _EDIT_ANSWER,
    "greeting": Fix(_("Nothing to fix: a greeting was greeted back.")),
    "opt_out": Fix(
        _("Nothing to fix: the customer wants no automatic replies. You may write yourself.")
    ),
    "opt_in": Fix(_("Nothing to fix: the customer wants automatic replies again.")),
    "owner_command": Fix(_("Nothing to fix: it was a command of your own team.")),
    "number_confirmed": Fix(_("Nothing to fix: a phone of your team may command the bot now.")),
    # Not sure
    "faq_none": _ADD_ANSWER,
    "model_none": _ADD_ANSWER,
    "handover_faq_none": _ADD_ANSWER,
    "faq_unsure": Fix(
        _("Add this as another way to ask for the right answer: choose it below."),
        _("Choose the right answer"),
        about="below",
        role="agent",
    ),
    "menu_offered": Fix(
        _(
            "The customer chooses. So that the bot is sure next time, choose the right answer below."
        ),
        _("Choose the right answer"),
        about="below",
        role="agent",
    ),
    "model_asked": Fix(_("Nothing to fix: the model is choosing. Look again in some seconds.")),
    # Left to people
    "asked_for_person": _ASKED_PERSON,
    "handover_asked_for_person": _ASKED_PERSON,
    "human_holds": Fix(
        _("Give the chat back, and the bot answers the customer's next message."),
        _("Give back to the bot"),
        "messaging:conversation-give-back",
        "conversation",
        is_post=True,
        role="agent",
    ),
    "member_replied": Fix(
        _("A person wrote this. Give the chat back when the bot may go on."),
        _("Give back to the bot"),
        "messaging:conversation-give-back",
        "conversation",
        is_post=True,
        role="agent",
    ),
    "member_retried": Fix(
        _("Nothing to fix: somebody of your team sent once more what had failed before.")
    ),
    "phone_app": Fix(
        _("It was written on the phone itself. Give the chat back when the bot may go on."),
        _("Give back to the bot"),
        "messaging:conversation-give-back",
        "conversation",
        is_post=True,
        role="agent",
    ),
    "form": _ANSWER_THEM,
    "unsupported_type": Fix(
        _("The bot reads text only. Look at it and answer yourself."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "opted_out": Fix(
        _(
            "The customer sent STOP; only they can turn automatic replies on again, by sending START."
            " You may answer yourself."
        ),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "off_limits": Fix(
        _("It holds a word that your bot never talks about, so it waits for one of you."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "asked_if_bot": Fix(_("Nothing to fix: asked whether it is a bot, it says so.")),
    "outside_hours": Fix(
        _("You are closed. The hours, and what the bot does outside them, are its settings."),
        _("See the hours"),
        "messaging:bot-settings",
    ),
    "blocked": Fix(
        _("Your team has blocked this contact, so nothing is said. Take the block back there."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    # Switched off, or in the way
    "test_mode": Fix(
        _("The bot answers test phones only. Switch it on, and it answers everyone."),
        _("Turn the bot on"),
        "messaging:bot-switch",
        fields={"mode": "on"},
        is_post=True,
        role="manager",
    ),
    "bot_off": Fix(
        _("Turn the bot on, and it answers from the next message on."),
        _("Turn the bot on"),
        "messaging:bot-switch",
        fields={"mode": "on"},
        is_post=True,
        role="manager",
    ),
    "plan_limit": _PLAN,
    "subscription_ended": Fix(
        _("The bot answers again as soon as the subscription runs. Messages are kept."),
        _("See your plan"),
        "billing:usage-show",
    ),
    "workspace_suspended": Fix(
        _("Only support can open the business again. Write to us with the codes below.")
    ),
    "number_removed": Fix(
        _("Connect the number again to write on it."),
        _("Connect a number"),
        "connections:connect",
        role="manager",
    ),
    "window_closed": Fix(
        _(
            "WhatsApp lets a business write within 24 hours of the customer's message. Wait until they write again."
        ),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "rate_limited_workspace": Fix(
        _("Many messages came at once, so this one waits for your team."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "rate_limited_contact": Fix(
        _("Nothing to fix: the bot goes on when the customer slows down, in a minute.")
    ),
    "loop_guard": Fix(
        _("If it is a person after all, answer yourself. A machine is best left alone."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "fault": Fix(
        _("It was our fault, and we know of it. Answer the customer yourself."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    # Nothing to answer
    "group": Fix(_("Nothing to fix: in groups the bot keeps quiet.")),
    "nothing_to_answer": _NOTHING,
    "empty": Fix(_("Nothing to fix: there was no text in it.")),
    "thanks": Fix(_("Nothing to fix: thanks need no answer.")),
    "no_words": Fix(_("Nothing to fix: there were no words in it.")),
    "duplicate": Fix(_("Nothing to fix: WhatsApp delivered it twice, and it counted once.")),
    # Not delivered, where its code says no more
    "send_failed": _NUMBERS,
    "failed": _NUMBERS,
}

# Why a message of ours was not delivered: by its error's code.
FAILURES: Mapping[str, Fix] = {
    "not_configured": _NUMBERS,
    "invalid_message": Fix(
        _("WhatsApp did not take the text as it is. Shorten it or write it anew."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "unreachable": Fix(
        _("WhatsApp did not answer, after several tries. Write it once more."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "throttled": Fix(
        _("WhatsApp slowed your number down. Wait some minutes, then write it once more."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "rejected": _NUMBERS,
    "contact_blocked": Fix(
        _(
            "Nothing to fix here: the customer cannot get messages from you (any more). Call them, if you know them."
        )
    ),
    "window_closed": REASONS["window_closed"],
    "logged_out": Fix(
        _("Your phone logged Backroom out. Link it again; that takes a minute."),
        _("Link it again"),
        "connections:connection-list",
    ),
    "account_blocked": Fix(
        _("WhatsApp has blocked this number. Its page says what you can do."),
        _("Look at your numbers"),
        "connections:connection-list",
    ),
    "unreadable": _NUMBERS,
    "unsupported": Fix(
        _("This number cannot send such a message. Write it as plain text."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "unknown_outcome": Fix(
        _("Nobody knows whether it arrived. Look on the phone before you write it once more."),
        _("Open the chat"),
        "messaging:thread-show",
        "conversation",
    ),
    "offline": _NUMBERS,
}

_UNKNOWN = Fix(_("There is no known remedy for this. Copy the codes below for support."))
_PENDING = Fix(_("Nothing to fix yet: look again in some seconds."))


def fitting(*, reason: str, error_code: str = "") -> Fix:
    """Return what to do about the reason that a matter ended with, or the error of a send."""
    if error_code:
        return FAILURES.get(error_code, _UNKNOWN)
    return REASONS.get(reason, _UNKNOWN) if reason else _PENDING
