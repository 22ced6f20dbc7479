"""The settings that an owner gives the bot: what each is called, may be, and reads like."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from messaging import hours, words
from messaging.models import BotSettings

MOST_LINES = 100
_LINE_LENGTH = 60


class UnableToConfigure(ValueError):
    """A setting cannot be so; `name` says which, the message why."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


Value = str | bool | int


@dataclass(frozen=True)
class Trait:
    """One setting: its label, and what makes a clean value of one that was given."""

    label: str
    clean: Callable[[object], Value]


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same in two places, in words."""

    name: str
    label: str
    before: str
    after: str


def text(value: object, *, most: int = 600) -> str:
    """Return an owner's text without what no phone shows. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("Write a text.")
    clean = "\n".join(value.replace("\x00", "").splitlines()).strip()
    if len(clean) > most:
        raise ValueError(f"This has {len(clean):,} characters; there is room for {most:,}.")
    return clean


def _name(value: object) -> str:
    return " ".join(text(value, most=40).split())


def lines(value: object) -> str:
    """Return words or phrases, one on each line, each once. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("Write words or phrases, one on each line.")
    kept: dict[str, str] = {}
    for line in value.replace("\x00", "").replace(",", "\n").splitlines():
        phrase = " ".join(line.split())
        if not phrase:
            continue
        if len(phrase) > _LINE_LENGTH:
            raise ValueError(f"“{phrase[:30]}…” is too long; use a word or a short phrase.")
        folded = words.bare(phrase)
        if not folded:
            raise ValueError(f"“{phrase}” has no letter or digit that could be looked for.")
        kept.setdefault(folded, phrase)
    if len(kept) > MOST_LINES:
        raise ValueError(f"These are {len(kept)}; there is room for {MOST_LINES}.")
    return "\n".join(kept.values())


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Choose yes or no.")
    return value


def _hours(value: object) -> str:
    return hours.write(hours.read(text(value, most=90)))


def _minutes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 5 <= value <= 10_080:
        raise ValueError("Choose between 5 minutes and 7 days (10,080 minutes).")
    return value


def _one_of(choices: type[Any]) -> Callable[[object], str]:
    def clean(value: object) -> str:
        if value not in choices.values:
            raise ValueError("Choose one of these.")
        return str(value)

    return clean


TRAITS: Mapping[str, Trait] = {
    "name": Trait("Name", _name),
    "language": Trait("Language", _one_of(BotSettings.Language)),
    "is_friendly": Trait("Friendly words", _flag),
    "uses_emoji": Trait("Emoji", _flag),
    "is_short": Trait("Short sentences", _flag),
    "disclosure": Trait("Says that it is automated", _one_of(BotSettings.Disclosure)),
    "greeting": Trait("Greeting", text),
    "handover_text": Trait("Hand-over text", text),
    "hours": Trait("Opening hours", _hours),
    "outside": Trait("Outside the hours", _one_of(BotSettings.Outside)),
    "away_text": Trait("Away text", text),
    "unsure": Trait("When it is not sure", _one_of(BotSettings.Unsure)),
    "manner": Trait("How sure it must be", _one_of(BotSettings.Manner)),
    "handover_words": Trait("Hand-over words", lines),
    "off_limits": Trait("Never talk about", lines),
    "handback_minutes": Trait("Back to the bot after", _minutes),
}


def clean(changes: Mapping[str, object]) -> dict[str, Value]:
    """Return these settings as they are kept. Raises UnableToConfigure."""
    cleaned: dict[str, Value] = {}
    for name, value in changes.items():
        if name not in TRAITS:
            raise UnableToConfigure(name[:40], "There is no such setting.")
        try:
            cleaned[name] = TRAITS[name].clean(value)
        except ValueError as error:
            raise UnableToConfigure(name, str(error)) from error
    return cleaned


def values_of(how: BotSettings) -> dict[str, Value]:
    """Return the settings as a version keeps them."""
    return {name: getattr(how, name) for name in TRAITS}


def differing(changes: Mapping[str, Value], live: Mapping[str, Value]) -> dict[str, Value]:
    """Return those of `changes` that `live` does not say already."""
    return {
        name: value for name, value in changes.items() if name in TRAITS and live.get(name) != value
    }


def compare(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[Difference]:
    """Return what `after` says otherwise than `before`, in the order of the page."""
    changed = differing(after, before)
    return [
        Difference(name, trait.label, _shown(name, before.get(name)), _shown(name, after[name]))
        for name, trait in TRAITS.items()
        if name in changed
    ]


def _shown(name: str, value: Value | None) -> str:
    if value is None or value == "":
        return "(its own words)" if name in ("greeting", "handover_text", "away_text") else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "hours":
        return hours.describe(str(value))
    if name == "handback_minutes":
        return f"{value} minutes"
    choices: Any = BotSettings._meta.get_field(name)
    return str(dict(choices.flatchoices).get(value, value)).replace("\n", ", ")
