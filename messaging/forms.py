"""What people type about conversations and the bot."""

from typing import Any

from django import forms

from messaging.models import BotSettings, ConversationExport


class ReplyForm(forms.Form):
    """A person's reply; `once` makes a repeated submission one message."""

    text = forms.CharField(
        label="Your reply",
        strip=False,
        error_messages={"required": "Write something first."},
        widget=forms.Textarea(
            attrs={
                "rows": 1,
                "placeholder": "Type a reply",
                "autocomplete": "off",
                "data-enter": True,
            }
        ),
    )
    once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


class SwitchForm(forms.Form):
    """The bot's switch."""

    is_on = forms.ChoiceField(choices=[("on", "on"), ("off", "off")])

    def clean_is_on(self) -> bool:
        return bool(self.cleaned_data["is_on"] == "on")


class MannerForm(forms.Form):
    """How sure the bot must be to answer by itself."""

    manner = forms.ChoiceField(choices=BotSettings.Manner.choices)


class PhoneForm(forms.Form):
    """The phone from which a member wants to command the bot."""

    phone = forms.CharField(
        label="Your WhatsApp number",
        max_length=40,
        help_text="For example 0803 123 4567. Not the business's own number.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )


class TryForm(forms.Form):
    """A question as a customer might write it."""

    text = forms.CharField(
        label="What a customer might write",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "How much is delivery to Lekki?"}),
        error_messages={"required": "Write a question first."},
    )


class ExportForm(forms.Form):
    """Which conversations to take along, and as what file."""

    what = forms.ChoiceField(choices=ConversationExport.What.choices)
    form = forms.ChoiceField(choices=ConversationExport.Form.choices)
    first_day = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last_day = forms.DateField(
        label="To and with",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    number = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = values.get("first_day"), values.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day comes before the first. Swap them.")
        if last and last.year > 9000:
            self.add_error("last_day", "Give a day of this century.")
        return values
