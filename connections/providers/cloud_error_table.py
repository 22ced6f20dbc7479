"""Meta's error codes and what each means for us. Dated; to be re-read once a year.

A rule's sentence is for the owner: what happened, what we did, what they can do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connections.providers.base import Backoff, Code, Slow

TABLE_DATE = "2025-11"  # Meta's page "Error codes", as read then

_SOON = Backoff(base_seconds=1)
_LATER = Backoff(base_seconds=15)
_MINUTES = Backoff(base_seconds=150)
_PAIR = Backoff(base_seconds=1, factor=4)  # Meta's own rule: 4^attempt seconds


@dataclass(frozen=True)
class Rule:
    """What one error means for us. The sentence: what happened, what we did, what to do."""

    code: Code
    sentence: str
    backoff: Backoff | None = None
    retryable: bool = False
    switch_off: bool = False
    slow: Slow = Slow.NOBODY
    tell_owner: bool = False


def _again(
    sentence: str,
    *,
    backoff: Backoff,
    code: Code = Code.UNREACHABLE,
    slow: Slow = Slow.NOBODY,
) -> Rule:
    return Rule(code, sentence, backoff=backoff, retryable=True, slow=slow)


def _final(code: Code, sentence: str) -> Rule:
    return Rule(code, sentence)


def _tell(code: Code, sentence: str) -> Rule:
    return Rule(code, sentence, tell_owner=True)


def _stop(code: Code, sentence: str) -> Rule:
    return Rule(code, sentence, switch_off=True, tell_owner=True)


VENDOR_DOWN = _again(
    "WhatsApp had a problem on its side. We try again by ourselves; there is nothing to do.",
    backoff=_SOON,
)
_ACCOUNT_LIMIT = _again(
    "WhatsApp asked your account to slow down. We wait some minutes and send again by ourselves.",
    backoff=_MINUTES,
    code=Code.THROTTLED,
    slow=Slow.ACCOUNT,
)
_BAD_REQUEST = _final(
    Code.INVALID_MESSAGE,
    "WhatsApp could not read this message, so it was not sent. "
    "Write it again in other words; if it happens again, tell support.",
)
_MEDIA = _final(
    Code.REJECTED,
    "WhatsApp could not take the file of this message, so it was not sent. "
    "Send the file again in another format.",
)
_TEMPLATE = _final(
    Code.INVALID_MESSAGE,
    "The message template does not fit what we filled in, so it was not sent. "
    "Open the template in WhatsApp Manager and correct it.",
)
_FLOW = _tell(
    Code.REJECTED,
    "The form in this message is blocked by WhatsApp, so it was not sent. "
    "Look at the form in WhatsApp Manager.",
)
SIGN_IN = _stop(
    Code.LOGGED_OUT,
    "WhatsApp no longer accepts our access to your number. We stopped "
    "sending. Connect the number again under Numbers.",
)
_PERMISSION = _stop(
    Code.NOT_CONFIGURED,
    "We lack a permission for your number. We stopped sending. "
    "Connect the number again under Numbers and allow everything it asks for.",
)
_NOT_REGISTERED = _stop(
    Code.NOT_CONFIGURED,
    "Your number is not registered for WhatsApp Business messages. We stopped sending. "
    "Register it again under Numbers.",
)
_WAIT_TO_REGISTER = _tell(
    Code.NOT_CONFIGURED,
    "WhatsApp does not let the number be registered yet. "
    "Confirm the number in WhatsApp Manager, wait, and try again later.",
)
_PIN = _tell(
    Code.NOT_CONFIGURED,
    "The two-step PIN of your number was not accepted. "
    "Wait a while, then enter the right PIN under Numbers.",
)
_SYNC = _tell(
    Code.REJECTED,
    "WhatsApp did not hand over the chats of your phone app: this is possible once, within "
    "24 hours of connecting. New messages arrive as usual.",
)

RULES: Mapping[int, Rule] = {
    # Their trouble: try again.
    1: VENDOR_DOWN,
    2: VENDOR_DOWN,
    131000: VENDOR_DOWN,
    131016: VENDOR_DOWN,
    133004: VENDOR_DOWN,
    131057: _again(
        "WhatsApp is working on your number for a minute. We send again by ourselves.",
        backoff=_LATER,
        slow=Slow.CONNECTION,
    ),
    # Too fast: wait, at the width the limit has.
    4: _ACCOUNT_LIMIT,
    80007: _ACCOUNT_LIMIT,
    130429: _again(
        "Your number reached WhatsApp's speed limit. We send on by ourselves, a little slower.",
        backoff=_SOON,
        code=Code.THROTTLED,
        slow=Slow.CONNECTION,
    ),
    131056: _again(
        "Too many messages to this customer in a short time. We send on by ourselves, slower.",
        backoff=_PAIR,
        code=Code.THROTTLED,
        slow=Slow.CONTACT,
    ),
    131048: Rule(
        Code.THROTTLED,
        "WhatsApp limits your number because people blocked or reported it. This message was not "
        "sent and we slow down. Send only to people who asked for it and look at the quality in "
        "WhatsApp Manager.",
        backoff=Backoff(base_seconds=900, factor=1),
        slow=Slow.CONNECTION,
        tell_owner=True,
    ),
    # This customer.
    131049: _final(
        Code.REJECTED,
        "WhatsApp chose not to deliver this message to keep its users from too much advertising. "
        "We do not send it again; try on another day.",
    ),
    131050: _final(
        Code.CONTACT_BLOCKED,
        "This customer stopped marketing messages from you. We will not send them any more.",
    ),
    130472: _final(
        Code.REJECTED,
        "WhatsApp did not deliver this message because the customer is part of an experiment of "
        "theirs. We do not send it again; answer when the customer writes.",
    ),
    131026: _final(
        Code.CONTACT_BLOCKED,
        "The message could not be delivered: the number has no WhatsApp, an old app, or blocked "
        "you. Reach the customer in another way.",
    ),
    131047: _final(
        Code.WINDOW_CLOSED,
        "More than 24 hours have passed since the customer wrote, so WhatsApp did not deliver "
        "this reply. Wait until they write again or send an approved template.",
    ),
    131021: _final(
        Code.INVALID_MESSAGE,
        "This message was addressed to your own number, so it was not sent.",
    ),
    131030: _tell(
        Code.REJECTED,
        "Your number is still a test number and this customer is not on its list. The message was "
        "not sent. Add the customer in WhatsApp Manager or connect a real number.",
    ),
    131062: _final(
        Code.INVALID_MESSAGE,
        "This kind of message needs the customer's phone number, which WhatsApp keeps from us. "
        "Ask the customer for it.",
    ),
    130497: _tell(
        Code.REJECTED,
        "WhatsApp does not let your business write to customers in that country. "
        "The message was not sent.",
    ),
    # This message.
    33: _tell(
        Code.NOT_CONFIGURED,
        "WhatsApp does not know this number's id, or our access does not reach it. Nothing was "
        "sent. Check the number's ids under Numbers, or connect it again.",
    ),
    100: _BAD_REQUEST,
    131008: _BAD_REQUEST,
    131009: _BAD_REQUEST,
    135000: _BAD_REQUEST,
    131051: _final(
        Code.UNSUPPORTED,
        "WhatsApp does not support this kind of message, so it was not sent.",
    ),
    131052: _MEDIA,
    131053: _MEDIA,
    # Templates and forms.
    132000: _TEMPLATE,
    132001: _TEMPLATE,
    132005: _TEMPLATE,
    132007: _TEMPLATE,
    132012: _TEMPLATE,
    132015: _tell(
        Code.REJECTED,
        "WhatsApp paused this template because of its quality. The message was not sent. "
        "Wait until the pause ends or use another template.",
    ),
    132016: _tell(
        Code.REJECTED,
        "WhatsApp switched this template off for good. The message was not sent. "
        "Write a new template.",
    ),
    132068: _FLOW,
    132069: _FLOW,
    # The connection or the account.
    0: SIGN_IN,
    190: SIGN_IN,
    3: _PERMISSION,
    10: _PERMISSION,
    **dict.fromkeys(range(200, 300), _PERMISSION),
    131005: _PERMISSION,
    131031: _stop(
        Code.ACCOUNT_BLOCKED,
        "WhatsApp locked your business account. We stopped sending. "
        "Open WhatsApp Manager, read why and ask for a review.",
    ),
    368: _stop(
        Code.ACCOUNT_BLOCKED,
        "WhatsApp blocked your business account for a while for breaking a rule. We stopped "
        "sending. WhatsApp Manager shows until when, and how to appeal.",
    ),
    131042: _stop(
        Code.ACCOUNT_BLOCKED,
        "WhatsApp could not charge your business account. We stopped sending. "
        "Add or repair the payment method in WhatsApp Manager, then switch sending on again.",
    ),
    131037: _tell(
        Code.REJECTED,
        "The display name of your number is not approved yet, so the message was not sent. "
        "Look at the name in WhatsApp Manager.",
    ),
    131045: _NOT_REGISTERED,
    133010: _NOT_REGISTERED,
    133005: _PIN,
    133008: _PIN,
    133009: _PIN,
    133006: _WAIT_TO_REGISTER,
    133015: _WAIT_TO_REGISTER,
    133016: _WAIT_TO_REGISTER,
    2593107: _SYNC,
    2593108: _SYNC,
}

# --- When the code is unknown or there is none ---------------------------------------------

THROTTLED = _again(
    "WhatsApp asked us to slow down. We wait and send again by ourselves.",
    backoff=_LATER,
    code=Code.THROTTLED,
    slow=Slow.CONNECTION,
)
REJECTED = _final(
    Code.REJECTED,
    "WhatsApp did not accept this message and gave a reason we do not know. It was not sent. "
    "Tell support if it happens again.",
)
UNKNOWN_OUTCOME = _final(
    Code.UNKNOWN_OUTCOME,
    "WhatsApp did not tell us whether this message went out. We wait for its delivery report "
    "before anything is sent twice.",
)
UNREACHABLE = _again(
    "WhatsApp could not be reached. We try again by ourselves; there is nothing to do.",
    backoff=_SOON,
)
