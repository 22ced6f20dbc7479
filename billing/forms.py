"""What people type about plans."""

from django import forms

from billing import pricing


class ReckonForm(forms.Form):
    """How much a business has to answer."""

    chats = forms.IntegerField(
        label="Chats a day",
        min_value=0,
        max_value=pricing.MOST,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    messages = forms.IntegerField(
        label="Replies in a chat (often three)",
        min_value=1,
        max_value=pricing.MOST,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
