"""What an owner types to connect a number or to let it go."""

from django import forms

from connections.linked.models import LinkedSession
from lib import phones

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class CloudApiForm(forms.Form):
    """The five things that Meta shows for a Cloud API number."""

    phone = forms.CharField(
        label="Phone number",
        max_length=40,
        help_text="The business's WhatsApp number, for example 0803 123 4567.",
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}),
    )
    external_id = forms.CharField(
        label="Phone number ID",
        max_length=64,
        help_text="Digits only; not the phone number itself.",
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )
    account_id = forms.CharField(
        label="WhatsApp Business Account ID",
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "numeric"}),
    )
    access_token = forms.CharField(
        label="Access token",
        max_length=1000,
        help_text="It is encrypted and never shown again.",
        widget=forms.PasswordInput(attrs={**_PLAIN, "autocomplete": "new-password"}),
    )
    app_secret = forms.CharField(
        label="App secret",
        max_length=200,
        required=False,
        help_text="Needed when the number belongs to your own Meta app: it proves that a message comes from Meta.",
        widget=forms.PasswordInput(attrs={**_PLAIN, "autocomplete": "new-password"}),
    )


class LinkForm(forms.Form):
    """How a phone is linked: by QR code, or by a code that is made for its number."""

    method = forms.ChoiceField(choices=LinkedSession.Method, widget=forms.HiddenInput)
    phone = forms.CharField(
        label="WhatsApp number of the phone",
        max_length=40,
        required=False,
        help_text="For example 0803 123 4567. The code works for this number only.",
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )
    agreed = forms.BooleanField(
        label="I have read this. We will not send bulk or unwanted messages on this number.",
        error_messages={
            "required": "Tick the box, so that we know you have read this. Nothing was linked yet."
        },
    )

    def __init__(
        self, *args: object, country: str, is_agreed: bool = False, **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.country = country
        self.fields["phone"].required = self.is_by_code
        if is_agreed:
            del self.fields["agreed"]

    @property
    def is_by_code(self) -> bool:
        """Say whether the form is about a code."""
        return bool(self["method"].value() == LinkedSession.Method.CODE)

    def clean_phone(self) -> str:
        """Return the number in E.164; a QR code needs none."""
        if self.cleaned_data.get("method") != LinkedSession.Method.CODE:
            return ""
        try:
            return phones.parse(self.cleaned_data["phone"], country=self.country)
        except phones.UnableToParsePhone as error:
            raise forms.ValidationError(str(error)) from error


class PretendForm(forms.Form):
    """What a pretend customer, or the business's own pretend phone, writes."""

    customer = forms.CharField(max_length=20)
    by = forms.ChoiceField(choices=[("customer", "customer"), ("business", "business")])
    text = forms.CharField(max_length=4_000)


class SendingForm(forms.Form):
    """Stop or resume."""

    is_sending = forms.ChoiceField(choices=[("on", "on"), ("off", "off")])

    def clean_is_sending(self) -> bool:
        return bool(self.cleaned_data["is_sending"] == "on")


class RemoveForm(forms.Form):
    """The last four digits of the number, typed to show that it is meant.

    A phone that was never linked has none, so nothing is asked.
    """

    digits = forms.CharField(
        label="Last 4 digits of the number",
        max_length=8,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: object, phone: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.phone = phone
        if not phone:
            del self.fields["digits"]

    def clean_digits(self) -> str:
        digits = "".join(c for c in self.cleaned_data["digits"] if c.isdigit())
        if digits != self.phone[-4:]:
            raise forms.ValidationError(
                "These are not the last 4 digits of this number. Nothing was removed."
            )
        return digits


class TestForm(forms.Form):
    """Whom to send a test message."""

    phone = forms.CharField(
        label="A phone of yours",
        max_length=40,
        help_text="For example 0803 123 4567. It gets one short message.",
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )
