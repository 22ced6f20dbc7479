"""What a person types to set up a business."""

from allauth.account.forms import LoginForm
from django import forms

from lib import countries


class SignInForm(LoginForm):  # type: ignore[misc]
    """An e-mail address; with a password it signs in, without one a code is sent."""

    def _setup_password_field(self) -> None:
        # The library takes the field away where signing up asks for no password.
        self.fields["password"].required = False
        self.fields["password"].help_text = ""


class WorkspaceForm(forms.Form):
    """Name, address and country of a new business."""

    name = forms.CharField(
        label="Name of your business",
        max_length=120,
        help_text="As your customers know it.",
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    slug = forms.SlugField(
        label="Address",
        max_length=50,
        required=False,
        help_text="Small letters, digits and hyphens. Left empty, we make it from the name.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"invalid": "Letters, digits and hyphens only, for example ada-fabrics."},
    )
    country = forms.ChoiceField(
        label="Country",
        help_text="Phone numbers without a country code are read as numbers of this country.",
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["country"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = countries.offered()

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower()
