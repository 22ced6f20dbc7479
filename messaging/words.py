"""Words that mean something before any question is looked up."""

import re
import unicodedata
from functools import lru_cache


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GREETINGS = _set(
    """hi hello hey hiya helo hallo howdy yo morning afternoon evening greetings
    good-morning good-afternoon good-evening good-day how-far how-are-you how-you-dey how-una-dey
    wetin-dey sannu ina-kwana barka e-kaaro e-kaasan e-kaale bawo bawo-ni kedu ndewo nno
    hello-there hi-there hey-there good-morning-sir good-morning-ma hello-sir hello-ma"""
)
_THANKS = _set(
    """thanks thank-you thank-u thx tnx tanx ok okay okey alright noted great good nice fine k kk
    na-gode nagode e-se ese daalu imela thank-you-so-much thanks-a-lot ok-thanks okay-thanks
    ok-thank-you okay-thank-you alright-thanks god-bless no-wahala"""
)
_PERSON = (
    "agent", "human", "a person", "real person", "customer care", "customer service",
    "talk to someone", "speak to someone", "talk to a human", "speak to a person", "talk to person",
    "talk to human", "call me", "oga", "your manager", "the owner", "speak with someone",
)  # fmt: skip
_PERSON_ALONE = frozenset({"agent", "human", "person", "oga", "representative", "support"})
STOP_WORDS = frozenset({"stop", "unsubscribe", "stop all", "opt out", "optout"})
START_WORDS = frozenset({"start", "unstop", "subscribe", "opt in", "optin"})


@lru_cache(maxsize=64)  # each gate asks it of the same message
def bare(text: str) -> str:
    """Return the words only: folded case, no marks, signs or emoji, single spaces."""
    folded = unicodedata.normalize("NFKD", text[:1000]).casefold()
    kept = "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    return " ".join(kept.split())


def is_greeting(text: str) -> bool:
    """Say whether the message greets and asks nothing."""
    words = bare(text)
    if not words:
        return False
    joined = words.replace(" ", "-")
    if joined in _GREETINGS:
        return True
    parts = words.split()
    head = parts[0] in _GREETINGS
    rest = "-".join(parts[1:])
    return head and len(parts) <= 5 and (rest in _GREETINGS or rest in _COURTESIES)


_COURTESIES = _set(
    """sir ma madam please there dear boss friend good-morning good-afternoon good-evening
    everyone all how-are-you how-far team guys my-people"""
)


def is_thanks(text: str) -> bool:
    """Say whether the message only thanks or agrees."""
    return bare(text).replace(" ", "-") in _THANKS


def wants_person(text: str, more: str = "") -> bool:
    """Say whether the customer asks for a human being; `more` words of the owner's mean so, too."""
    words = bare(text)
    if words in _PERSON_ALONE or (more and held_by(text, more)):
        return True
    if len(words.split()) > 14:
        return False
    return any(re.search(rf"\b(?:talk|speak|chat|connect|transfer|want|need|get|call|give)\b.*\b{phrase}\b", words)
               for phrase in _PERSON)  # fmt: skip


_BOT = "(?:chat ?)?bot|robot|ai|a i"
_ANY_MACHINE = f"{_BOT}|machine|computer|automated|automatic"
_HUMAN = "human|human being|real human|person|real person"
_FILL = "(?: (?:an?|just|really|actually|the|only|not|even))*"
# "Is this real?", "is it automatic?" ask for goods: what is said of things is taken narrowly.
_ASKS_WHETHER_BOT = re.compile(
    rf"\b(?:are|r) (?:you|u){_FILL} (?:{_ANY_MACHINE}|{_HUMAN}|real$|real or)\b"
    rf"|\b(?:you|u) (?:be|are){_FILL} (?:{_BOT}|human|human being|real person)\b"
    rf"|\b(?:is|na) (?:(?:this|that|it|dis){_FILL} )?(?:{_BOT}|automated|{_HUMAN})\b"
    rf"|\b(?:talk|talking|speak|speaking|chat|chatting|text|texting) (?:to|with){_FILL}"
    rf" (?:{_BOT}|machine|computer|{_HUMAN}) (?:or|abi|right|here|now)\b"
    rf"|\b(?:am|i dey) i? ?(?:talk|talking|speak|speaking|chat|chatting|text|texting)"
    rf" (?:to|with){_FILL} (?:{_BOT}|machine|computer|{_HUMAN})\b"
    rf"|\b(?:{_ANY_MACHINE}) (?:or|abi){_FILL} (?:{_HUMAN})\b"
    rf"|\b(?:{_HUMAN}) (?:or|abi){_FILL} (?:{_ANY_MACHINE})\b"
)
_QUESTION_WORDS = 14


def asks_whether_bot(text: str) -> bool:
    """Say whether the customer asks if a machine writes."""
    words = bare(text)
    return len(words.split()) <= _QUESTION_WORDS and bool(_ASKS_WHETHER_BOT.search(words))


@lru_cache(maxsize=256)  # of one workspace's list, asked with each of its messages
def _phrases(lines: str) -> tuple[tuple[str, str], ...]:
    return tuple((line, f" {bare(line)} ") for line in lines.splitlines() if bare(line))


def held_by(text: str, lines: str) -> str:
    """Return the first of these words or phrases, one on each line, that the text holds whole."""
    # In pieces, as `bare` looks at the beginning of a text only; they overlap by a phrase.
    whole = "".join(f" {bare(text[start : start + 1000])} " for start in range(0, len(text), 900))
    return next((line for line, phrase in _phrases(lines) if phrase in whole), "")


def has_words(text: str) -> bool:
    """Say whether there is anything to look up: a letter or digit."""
    return any(c.isalnum() for c in text[:1000])
