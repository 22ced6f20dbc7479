"""The few words in which a new business says how its bot shall be (workspaces.forms.BusinessForm)."""

from collections.abc import Mapping

from messaging import hours
from messaging.models import BotSettings

_TONES = {
    "warm": {"is_friendly": True, "is_short": False},
    "plain": {"is_friendly": False, "is_short": True},
}
_LANGUAGES = {
    "english": BotSettings.Language.ENGLISH.value,
    "pidgin": BotSettings.Language.PIDGIN.value,
}


def changes_of(wishes: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that are meant; words that mean nothing change nothing."""
    changes: dict[str, object] = {}
    if (opened := hours.PRESETS.get(str(wishes.get("hours")))) is not None:
        changes["hours"] = opened
    changes |= _TONES.get(str(wishes.get("tone")), {})
    if (language := _LANGUAGES.get(str(wishes.get("language")))) is not None:
        changes["language"] = language
    return changes


def of(how: BotSettings) -> dict[str, str]:
    """Return the words that come nearest to the settings; none for hours of the owner's own."""
    words = {
        "tone": "plain" if how.is_short and not how.is_friendly else "warm",
        "language": next(word for word, value in _LANGUAGES.items() if value == how.language),
    }
    if (
        opened := next((word for word, week in hours.PRESETS.items() if week == how.hours), "")
    ) != "":
        words["hours"] = opened
    return words
