"""Passkeys that browsers send: what is none at all is refused in words.

The library takes apart what it is sent as if a browser had written it; anybody may write
something else, and that is an ordinary mistake, not an error of ours.
"""

from collections.abc import Callable
from typing import Any

from allauth.mfa.webauthn import forms as library
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_MOST = 20_000  # characters; a browser sends some thousand


class _Guarded:
    """Turns whatever taking apart raises into a sentence."""

    def clean_credential(self) -> Any:
        return self._tried(getattr(super(), "clean_credential", self._as_sent))

    def clean(self) -> Any:
        return self._tried(super().clean)  # type: ignore[misc]

    def _as_sent(self) -> Any:
        return self.cleaned_data["credential"]  # type: ignore[attr-defined]

    def _tried(self, work: Callable[[], Any]) -> Any:
        said = self.data.get("credential", "") if hasattr(self.data, "get") else ""  # type: ignore[attr-defined]
        try:
            if len(said) > _MOST:
                raise ValueError("too long")
            return work()
        except ValidationError:
            raise
        except Exception as error:
            raise ValidationError(_("That is no passkey of this account. Try again.")) from error


class AddPasskey(_Guarded, library.AddWebAuthnForm):  # type: ignore[misc]
    """A new one."""


class ShowPasskey(_Guarded, library.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """As a second step."""


class SignInByPasskey(_Guarded, library.LoginWebAuthnForm):  # type: ignore[misc]
    """In place of everything else."""


class ShowPasskeyAgain(_Guarded, library.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Before something about the sign-in changes."""
