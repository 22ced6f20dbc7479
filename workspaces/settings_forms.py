"""What a person types on the pages of the settings."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class InviteForm(forms.Form):
    """Whom to invite, as what, and how."""

    way = forms.ChoiceField(
        choices=[("email", "email"), ("link", "link")], widget=forms.HiddenInput
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        required=False,
        help_text=_("Only who receives mail there can use the invitation."),
        widget=forms.EmailInput(attrs={**_PLAIN, "inputmode": "email"}),
    )
    phone = forms.CharField(
        label=_("WhatsApp number"),
        max_length=40,
        required=False,
        help_text=_("Opens the chat with them. Left empty, you choose in WhatsApp."),
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        # The smallest first: nobody becomes owner by a slip.
        field.choices = list(reversed(roles))
        field.initial = "agent"
        self.fields["email"].required = self["way"].value() == "email"

    @property
    def is_link(self) -> bool:
        """Say whether a link is asked for."""
        return bool(self["way"].value() == "link")


class RoleForm(forms.Form):
    """Another role."""

    role = forms.CharField(max_length=8)
