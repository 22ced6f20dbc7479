"""What people type about conversations and the bot."""

from django import forms

from messaging import notes, replies
from messaging.models import BotSettings


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
