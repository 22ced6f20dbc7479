"""How the bot behaves, as its page asks for it."""

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging import behaviour, hours
from messaging.behaviour import Value
from messaging.models import BotSettings

_BY_DAY = "days"


def _text(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _choice(label: Any, choices: type[Any]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices.choices, widget=forms.RadioSelect)


class BehaviourForm(forms.Form):
    """All settings of the bot; what they may be is known to messaging.behaviour."""

    name = forms.CharField(
        label=_("The bot's name"),
        required=False,
        help_text=_("It introduces itself with it. For example Zuri."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=BotSettings.Language.choices)
    is_friendly = forms.BooleanField(label=_("Friendly words"), required=False)
    uses_emoji = forms.BooleanField(label=_("An emoji here and there"), required=False)
    is_short = forms.BooleanField(label=_("Short sentences"), required=False)
    disclosure = _choice(_("Does the greeting say that it is automated?"), BotSettings.Disclosure)
    greeting = _text(_("Greeting"), _("Empty: its own words, in the language and tone above."))
    handover_text = _text(_("When it passes a chat to your team"), _("Empty: its own words."))
    preset = forms.ChoiceField(
        label=_("Opening hours"),
        choices=[
            *((key, hours.describe(week)) for key, week in hours.PRESETS.items()),
            (_BY_DAY, _("Day by day")),
        ],
        widget=forms.RadioSelect,
    )
    outside = _choice(_("Outside these hours"), BotSettings.Outside)
    away_text = _text(
        _("Away text"), _("Empty: its own words. Write {opens} where the next opening belongs.")
    )
    unsure = _choice(_("When it is not sure of an answer"), BotSettings.Unsure)
    manner = _choice(_("How sure must it be?"), BotSettings.Manner)
    handover_words = _text(
        _("Words that call your team"),
        _("One on each line. It knows “agent”, “human”, “talk to a person” and the like already."),
    )
    off_limits = _text(
        _("Never talk about"),
        _(
            "One word or phrase on each line, in every form you mean: refund, refunds. A message"
            " that holds one goes to your team."
        ),
    )
    handback_minutes = forms.IntegerField(
        label=_("Back to the bot after so many minutes"),
        help_text=_("When a person of your team has had a chat and writes nothing more in it."),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, values: Mapping[str, Value]
    ) -> None:
        week = hours.read(str(values["hours"]))
        presets = {written: key for key, written in hours.PRESETS.items()}
        initial: dict[str, Any] = {
            **values,
            "preset": presets.get(str(values["hours"]), _BY_DAY),
        }
        super().__init__(data, initial=initial)
        for index, span in enumerate(week):
            for part, moment in (("opens", span and span.opens), ("closes", span and span.closes)):
                self.fields[f"{part}_{index}"] = forms.TimeField(
                    label=f"{hours.FULL_DAYS[index]}, {part}",
                    required=False,
                    initial=moment,
                    widget=forms.TimeInput(
                        attrs={"type": "time", "aria-label": f"{hours.FULL_DAYS[index]}, {part}"},
                        format="%H:%M",
                    ),
                    error_messages={"invalid": _("Write a time as 08:00.")},
                )

    @property
    def days(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Return each day with the fields of its hours."""
        return [
            (name, self[f"opens_{index}"], self[f"closes_{index}"])
            for index, name in enumerate(hours.FULL_DAYS)
        ]

    @property
    def is_by_day(self) -> bool:
        """Say whether the hours are given for each day."""
        return bool(self["preset"].value() == _BY_DAY)

    def clean(self) -> dict[str, Any]:
        """Make clean settings of what was typed."""
        typed = cast(dict[str, Any], super().clean())
        values: dict[str, Value] = {}
        if typed.get("preset"):
            typed["hours"] = self._hours(typed)
        for name in behaviour.TRAITS:
            if typed.get(name) is None:
                continue
            try:
                values |= behaviour.clean({name: typed[name]})
            except behaviour.UnableToConfigure as error:
                self.add_error("preset" if name == "hours" else name, str(error))
        return values

    def _hours(self, typed: Mapping[str, Any]) -> str | None:
        if typed["preset"] != _BY_DAY:
            return hours.PRESETS[typed["preset"]]
        week: list[hours.Span | None] = []
        for index, day in enumerate(hours.FULL_DAYS):
            opens, closes = typed.get(f"opens_{index}"), typed.get(f"closes_{index}")
            if (opens is None) != (closes is None):
                self.add_error(
                    f"closes_{index}", f"{day} has only one time. Leave both empty when closed."
                )
                return None
            week.append(hours.Span(opens, closes) if opens and closes else None)
        return hours.write(week)


class TestPhoneForm(forms.Form):
    """A phone that is answered while the bot is in test mode."""

    __test__ = False  # not one of pytest's

    phone = forms.CharField(
        label=_("Phone number"),
        max_length=40,
        help_text=_("For example 0803 123 4567. Not the business's own number."),
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )
