"""What a person types to set up a business."""

from allauth.account.forms import LoginForm
from django import forms
from django.utils.translation import gettext_lazy as _

from lib import countries
from workspaces import trades

# What a new business may choose of how it is answered; messaging.bot knows what the words mean.
HOURS = (
    ("mon-sat", _("Monday to Saturday, 8 to 18")),
    ("daily", _("Every day, 8 to 20")),
    ("always", _("Day and night")),
)
TONES = (("warm", _("Warm and friendly")), ("plain", _("Short and to the point")))
LANGUAGES = (("english", _("English")), ("pidgin", _("English and Pidgin")))


class SignInForm(LoginForm):  # type: ignore[misc]
    """An e-mail address; with a password it signs in, without one a code is sent."""

    def _setup_password_field(self) -> None:
        # The library takes the field away where signing up asks for no password.
        self.fields["password"].required = False
        self.fields["password"].help_text = ""


class BusinessForm(forms.Form):
    """What the business is, and how it wants to be heard."""

    kind = forms.ChoiceField(
        label=_("What do you do?"),
        choices=[("", _("Choose …")), *trades.CHOICES],
        help_text=_("We have ready answers for each kind."),
    )
    city = forms.CharField(
        label=_("City"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-level2", "placeholder": "Lagos"}),
    )
    hours = forms.ChoiceField(label=_("Open"), choices=HOURS, initial="mon-sat")
    tone = forms.ChoiceField(label=_("How the bot speaks"), choices=TONES, initial="warm")
    language = forms.ChoiceField(
        label=_("What customers write"), choices=LANGUAGES, initial="english"
    )

    @property
    def wishes(self) -> dict[str, str]:
        """Return what is wished of the bot, in words."""
        return {name: self.cleaned_data[name] for name in ("hours", "tone", "language")}


class WorkspaceForm(BusinessForm):
    """A new business: with its name, address and country."""

    name = forms.CharField(
        label=_("Name of your business"),
        max_length=120,
        help_text=_("As your customers know it."),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    slug = forms.SlugField(
        label=_("Address"),
        max_length=50,
        required=False,
        help_text=_("Small letters, digits and hyphens. Left empty, we make it from the name."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"invalid": _("Letters, digits and hyphens only, for example ada-fabrics.")},
    )
    country = forms.ChoiceField(
        label=_("Country"),
        initial="NG",
        help_text=_("Phone numbers without a country code are read as numbers of this country."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["country"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = countries.offered()

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower()
