"""What the bot says of itself: fixed sentences in the language and the tone that were chosen.

An answer is always the owner's own text; these are for everything around it. Owners may write
their own greeting, hand-over and away text instead.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from messaging import hours
from messaging.models import BotSettings

GREETING = (
    "Hello, welcome to {business}! {intro}Ask me anything about our products, prices and delivery."
)
HANDOVER = "Thank you. I am passing this to a colleague, who will answer you here."
MENU_HEAD = "Did you mean one of these?"
MENU_FOOT = "Tap one, or send its number. If none fits, just write it another way."
OPTED_OUT = "You will get no more automatic replies from us. Send START to have them again."
OPTED_IN = "Automatic replies are on again. How can we help?"

# By language: a sentence, in its plain form, and what a tone makes of it where it makes anything.
_ENGLISH: Mapping[str, str] = {
    "greeting": GREETING,
    "greeting friendly": "Hello and a warm welcome to {business}! It is good to hear from you. {intro}"
    "Ask me anything about our products, prices and delivery.",
    "greeting short": "Hello from {business}! {intro}How can I help?",
    "greeting friendly short": "Hello and welcome to {business}! {intro}How can I help?",
    "intro": "I am {name}. ",
    "handover": HANDOVER,
    "handover friendly": "No problem at all, thank you! I am passing this to a colleague, who will"
    " answer you here.",
    "handover short": "A colleague will answer you here.",
    "handover friendly short": "No problem! A colleague will answer you here.",
    "menu head": MENU_HEAD,
    "menu head friendly": "Happy to help! Did you mean one of these?",
    "menu foot": MENU_FOOT,
    "menu foot short": "Tap one, or send its number.",
    "away": "Thank you for your message. We are closed now and open again {opens}. We will answer"
    " you then.",
    "away friendly": "Thank you so much for writing! We are closed now and open again {opens}. We"
    " will gladly answer you then.",
    "away short": "We are closed now. We open again {opens}.",
    "away friendly short": "Thank you for writing! We open again {opens}.",
    "away long": "Thank you for your message. We are closed now and will answer you as soon as we"
    " can.",
    "back": "Somebody is here again {opens}.",
    "opted out": OPTED_OUT,
    "opted in": OPTED_IN,
    "plain": "I am {named}the automated assistant of {business}.",
    "person": "I am {named}the automated assistant of {business}. To reach a person, write *agent*.",
    "honest": "Yes, I am {named}the automated assistant of {business}, not a person. To reach a"
    " person, write *agent*.",
    "today": "today at {time}",
    "tomorrow": "tomorrow at {time}",
    "day": "on {day} at {time}",
}
_PIDGIN: Mapping[str, str] = {
    "greeting": "Welcome to {business}! {intro}Ask me anything about wetin we dey sell, price and"
    " delivery.",
    "greeting friendly": "You are welcome well well to {business}! We happy say you come. {intro}Ask"
    " me anything about wetin we dey sell, price and delivery.",
    "greeting short": "Welcome to {business}! {intro}Wetin you want know?",
    "greeting friendly short": "You are welcome well well to {business}! {intro}Wetin you want know?",
    "intro": "My name na {name}. ",
    "handover": "Thank you. I dey pass this one to my colleague wey go answer you here.",
    "handover friendly": "No wahala, thank you well well! I dey pass this one to my colleague wey go"
    " answer you here.",
    "handover short": "My colleague go answer you here.",
    "handover friendly short": "No wahala! My colleague go answer you here.",
    "menu head": "You mean one of these?",
    "menu head friendly": "I dey for you! You mean one of these?",
    "menu foot": "Tap one, or send the number. If e no dey there, abeg write am another way.",
    "menu foot short": "Tap one, or send the number.",
    "away": "Thank you for your message. We don close for now, we go open {opens}. We go answer you"
    " that time.",
    "away friendly": "Thank you well well for your message! We don close for now, we go open {opens}."
    " We go answer you that time, no worry.",
    "away short": "We don close for now. We go open {opens}.",
    "away friendly short": "Thank you for your message! We go open {opens}.",
    "away long": "Thank you for your message. We don close for now, we go answer you as soon as we fit.",
    "back": "Person go dey here {opens}.",
    "opted out": "We no go send you automatic reply again. Send START if you want am again.",
    "opted in": "Automatic replies don start again. How we fit help?",
    "plain": "I be {named}the automated assistant of {business}.",
    "person": "I be {named}the automated assistant of {business}. If you want talk to person, write"
    " *agent*.",
    "honest": "Yes, I be {named}the automated assistant of {business}, I no be person. If you want"
    " talk to person, write *agent*.",
    "today": "today by {time}",
    "tomorrow": "tomorrow by {time}",
    "day": "on {day} by {time}",
}
_LANGUAGES = {
    str(BotSettings.Language.ENGLISH): _ENGLISH,
    str(BotSettings.Language.PIDGIN): _PIDGIN,
}
_EMOJI = {
    "greeting": "👋",
    "handover": "🙏",
    "menu head": "🙂",
    "away": "🌙",
    "opted in": "👍",
    "honest": "🤖",
}


def _say(how: BotSettings, sentence: str, **values: str) -> str:
    known = _LANGUAGES.get(how.language, _ENGLISH)
    friendly = " friendly" if how.is_friendly else ""
    short = " short" if how.is_short else ""
    forms = (f"{sentence}{friendly}{short}", f"{sentence}{short}", f"{sentence}{friendly}")
    text = next((known[form] for form in forms if form in known), known[sentence])
    # Not str.format: names are the owner's and may hold braces of their own.
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    emoji = _EMOJI.get(sentence) if how.uses_emoji else None
    return f"{text} {emoji}" if emoji else text


def _named(how: BotSettings) -> str:
    return f"{how.name}, " if how.name else ""


def greeting(how: BotSettings, *, business: str) -> str:
    """Return how a customer is greeted, with what is said of being automated."""
    is_told = how.disclosure in ("plain", "person")
    intro = _say(how, "intro", name=how.name) if how.name and not is_told else ""
    text = how.greeting or _say(how, "greeting", intro=intro, business=business)
    if not is_told:
        return text
    return f"{text}\n{_say(how, how.disclosure, named=_named(how), business=business)}"


def handover(how: BotSettings, *, zone: str, now: datetime) -> str:
    """Return what a customer is told who is passed to the team, outside the hours with when."""
    text = how.handover_text or _say(how, "handover")
    if how.outside != "tell" or hours.is_open(how.hours, zone=zone, now=now):
        return text
    opens = _opens(how, zone=zone, now=now)
    return f"{text} {_say(how, 'back', opens=opens)}" if opens else text


def away(how: BotSettings, *, zone: str, now: datetime) -> str:
    """Return the away text; `{opens}` in one of the owner's own becomes the next opening."""
    opens = _opens(how, zone=zone, now=now)
    if how.away_text:
        return how.away_text.replace("{opens}", opens or "later")
    return _say(how, "away", opens=opens) if opens else _say(how, "away long")


def honest(how: BotSettings, *, business: str) -> str:
    """Return the answer to "are you a bot?"."""
    return _say(how, "honest", named=_named(how), business=business)


def menu_head(how: BotSettings) -> str:
    """Return what stands above answers to choose from."""
    return _say(how, "menu head")


def menu_foot(how: BotSettings) -> str:
    """Return what stands below answers to choose from."""
    return _say(how, "menu foot")


def consent(how: BotSettings, *, is_out: bool) -> str:
    """Return what is said to STOP and to START."""
    return _say(how, "opted out" if is_out else "opted in")


def _opens(how: BotSettings, *, zone: str, now: datetime) -> str:
    moment = hours.opens_at(how.hours, zone=zone, now=now)
    if moment is None:
        return ""
    local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    days = (local.date() - today).days
    form = "today" if days == 0 else "tomorrow" if days == 1 else "day"
    values = {"day": hours.FULL_DAYS[local.weekday()], "time": f"{local.hour}:{local:%M}"}
    known = _LANGUAGES.get(how.language, _ENGLISH)
    return known[form].format(**values)
