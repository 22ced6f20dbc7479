"""What people type about conversations and the bot."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging import notes, replies
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
                "data-key": "r",
            }
        ),
    )
    once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


class SwitchForm(forms.Form):
    """The bot's switch."""

    mode = forms.ChoiceField(choices=BotSettings.Mode.choices)


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
        widget=forms.Textarea(
            attrs={
                "rows": 1,
                "placeholder": "How much is delivery to Lekki?",
                "autocomplete": "off",
                "data-enter": True,
            }
        ),
        error_messages={"required": "Write a question first."},
    )


class LiveForm(forms.Form):
    """Who is answered from now on."""

    who = forms.ChoiceField(
        choices=[("everyone", _("Everyone")), ("test", _("Only my test phones"))],
        widget=forms.RadioSelect,
    )
    phone = forms.CharField(
        label=_("The phone you will write from"),
        max_length=40,
        required=False,
        help_text=_("For example 0803 123 4567. More can be added in the bot’s settings."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )


class BatchForm(forms.Form):
    """Many questions: pasted, or in a file."""

    MOST_BYTES = 200_000

    text = forms.CharField(
        label="Questions, one in each line",
        required=False,
        max_length=50_000,
        widget=forms.Textarea(
            attrs={"rows": 8, "placeholder": "una dey deliver to Ajah?\nhow much for 5 yards"}
        ),
    )
    file = forms.FileField(
        label="Or a text file", required=False, help_text="A .txt or .csv, at most 200 KB."
    )

    def clean_file(self) -> str:
        file = self.cleaned_data.get("file")
        if not file:
            return ""
        if file.size > self.MOST_BYTES:
            raise forms.ValidationError(
                "The file is larger than 200 KB. Paste the questions instead."
            )
        return bytes(file.read()).decode("utf-8-sig", "replace")

    def texts(self) -> str:
        """Return what was pasted and what the file holds."""
        return f"{self.cleaned_data['text']}\n{self.cleaned_data['file']}"


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


class NoteForm(forms.Form):
    """A note of the team."""

    note = forms.CharField(
        label="Note for your team",
        max_length=notes.LIMIT,
        help_text="Only your team sees it. It is never sent.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write something first."},
    )


class NameForm(forms.Form):
    """What the team calls a contact."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class TagForm(forms.Form):
    """A tag for a contact."""

    tag = forms.CharField(
        label="Add a tag",
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "tags-known"}),
        error_messages={"required": "Write the tag first."},
    )


class EraseForm(forms.Form):
    """What is typed to show that a contact shall be erased."""

    typed = forms.CharField(
        label="Type it here",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type what is asked for first."},
    )


class QuickAnswerForm(forms.Form):
    """A text that is laid into a reply by a tap."""

    title = forms.CharField(
        label="Title",
        max_length=60,
        help_text="What you look for in the list, for example “Bank details”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a title."},
    )
    text = forms.CharField(
        label="Text",
        max_length=replies.TEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Write the text first."},
    )
