"""What a person types on the pages of the settings."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lib import countries
from workspaces import trades

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


class BusinessForm(forms.Form):
    """What a business says about itself."""

    name = forms.CharField(
        label=_("Name of your business"),
        max_length=120,
        help_text=_("As your customers know it."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    kind = forms.ChoiceField(label=_("Kind of business"), required=False)
    city = forms.CharField(
        label=_("City"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-level2"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        help_text=_("Phone numbers without a country code are read as numbers of this country."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        help_text=_("Days and times on all pages. Type a city to find it."),
        widget=forms.TextInput(
            attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (
            ("kind", [("", _("Not said")), *trades.CHOICES]),
            ("country", countries.offered()),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices

    @property
    def zones(self) -> list[str]:
        """Return the time zones that are offered, likely ones first."""
        return countries.time_zones()


class DeleteForm(forms.Form):
    """The business's name, typed to show that it is meant."""

    name = forms.CharField(
        label=_("Type the name of the business"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class NameForm(forms.Form):
    """How a person is called."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        help_text=_("Your team sees it beside what you write."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
