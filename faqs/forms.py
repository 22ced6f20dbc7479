"""What an owner types to teach the bot an answer, and where many of them come from."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from faqs import checking
from faqs.readers import MAX_BYTES

MAX_PASTED = 1_000_000


class _Refusable(forms.Form):
    """A form whose rules are the domain's, on saving."""

    def refuse(self, problems: list[checking.Problem]) -> None:
        """Put the domain's sentences beside their fields."""
        for problem in problems:
            self.add_error(
                problem.field if problem.field in self.fields else None, problem.sentence
            )


class EntryForm(_Refusable):
    """One answer and the ways to ask for it. The rules are the domain's, on saving."""

    question = forms.CharField(
        label="Question",
        max_length=checking.MAX_QUESTION,
        widget=forms.TextInput(attrs={"placeholder": "Do you deliver to Lekki?"}),
        error_messages={"required": "Write the question."},
    )
    answer = forms.CharField(
        label="Answer",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "data-counted": True}),
        error_messages={"required": "Write the answer."},
    )
    phrasings = forms.CharField(
        label="Other ways to ask",
        required=False,
        help_text="One in each line, as customers write: “una dey do delivery”.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    category = forms.CharField(
        label="Category", required=False, max_length=checking.MAX_CATEGORY,
        widget=forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
    )  # fmt: skip
    keywords = forms.CharField(
        label="Keywords",
        required=False,
        max_length=checking.MAX_KEYWORDS,
        help_text="Words that mean this question, with spaces or commas between.",
    )
    is_active = forms.BooleanField(
        label="The bot may answer with this", required=False, initial=True
    )

    def clean_phrasings(self) -> list[str]:
        return [line for line in self.cleaned_data["phrasings"].splitlines() if line.strip()]


class QuickForm(_Refusable):
    """What can be changed in an answer's row of the list."""

    question = forms.CharField(
        label="Question",
        max_length=checking.MAX_QUESTION,
        error_messages={"required": "Write the question."},
    )
    answer = forms.CharField(
        label="Answer",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write the answer."},
    )
    category = forms.CharField(
        label="Category",
        required=False,
        max_length=checking.MAX_CATEGORY,
        widget=forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
    )


class RowForm(forms.Form):
    """A row of an import, to be put right; it is judged with all the others."""

    question = forms.CharField(label="Question")
    answer = forms.CharField(label="Answer", strip=False, widget=forms.Textarea(attrs={"rows": 3}))

    def texts(self) -> dict[str, str]:
        """Return what was typed, as far as it makes sense to keep."""
        return {
            name: str(self.cleaned_data.get(name, "") or "")[: 2 * checking.MAX_ANSWER]
            for name in ("question", "answer")
        }


class UploadForm(forms.Form):
    """A file with many of them; what is in it is read by faqs.intake."""

    file = forms.FileField(
        label="Your file",
        max_length=200,
        widget=forms.FileInput(
            attrs={"accept": ".csv,.xlsx,.docx,.pdf,.txt,.md,.html,text/csv,text/plain"}
        ),
        error_messages={
            "required": "Choose a file first.",
            "empty": "The file is empty. Choose the file that holds your questions.",
        },
    )

    def content(self) -> bytes:
        """Return the file's bytes, with one more than allowed when it is too large."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        return bytes(file.read(MAX_BYTES + 1))


class PasteForm(forms.Form):
    """The text of many answers, copied from wherever they stand."""

    text = forms.CharField(
        label="Your questions and answers",
        max_length=MAX_PASTED,
        widget=forms.Textarea(
            attrs={"rows": 8, "placeholder": "Do you deliver to Lekki?\nYes, for ₦3,500."}
        ),
        error_messages={
            "required": "Paste your questions and answers first.",
            "max_length": "This is too much to paste. Save it as a .txt file and upload that.",
        },
    )


class LinkForm(forms.Form):
    """Where many answers can be read."""

    address = forms.CharField(
        label="The link",
        max_length=2_000,
        widget=forms.TextInput(
            attrs={
                "inputmode": "url",
                "autocapitalize": "none",
                "placeholder": "https://yourshop.com/faq",
            }
        ),
        error_messages={"required": "Paste the link first."},
    )
