"""Sign-up and sign-in: our choices for the account library."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from workspaces.models import User


class AccountAdapter(DefaultAccountAdapter):
    """E-mail and six digits; addresses in lower case, plain-text mail."""

    def clean_email(self, email: str) -> str:
        return str(super().clean_email(email)).lower()

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return True

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("workspaces:security-show")


def rename(*, user: User, name: str) -> None:
    """Call a person something else."""
    User.objects.filter(pk=user.pk).update(name=" ".join(name.split())[:120])
