"""What a linked device's engine refuses -> our words (connections/bridge/PROTOCOL.md, 4)."""

from connections.providers import untrusted
from connections.providers.base import Backoff, Code, ProviderError, Slow
from lib import http

# How long a message waits before it is tried again while its number is away.
_AWAY_SECONDS = 2.0
# WhatsApp's time-lock for conversations that the business begins.
COLD = "463"
_STALE = "479"
_STATES = {
    "logged_out": "The phone has logged this device out. Link the number again.",
    "passkey_required": "WhatsApp asks for a passkey, so this number cannot be linked here.",
    "banned": "WhatsApp has blocked this number.",
}


def offline(state: str) -> ProviderError:
    """Return the error for a number that is not connected now; its messages wait for it."""
    return ProviderError(
        Code.OFFLINE,
        _STATES.get(state, "The number is not connected at the moment; the message waits for it."),
        retryable=True,
        vendor_code=state[:30],
        retry_after_seconds=_AWAY_SECONDS,
        slow=Slow.CONNECTION,
    )


def unknown_outcome() -> ProviderError:
    """Return the error for a send of which nobody knows yet whether it went out."""
    return ProviderError(
        Code.UNKNOWN_OUTCOME, "No answer came back; WhatsApp's status will tell.", vendor_code="504"
    )


def of_refusal(code: str) -> ProviderError:
    """Return the error for WhatsApp's own refusal of a message, by its code."""
    if code == COLD:
        return ProviderError(
            Code.REJECTED,
            "WhatsApp lets this number begin no conversations at the moment, so this was not sent."
            " Answers to customers who write first go on. Wait until the customer writes.",
            vendor_code=code,
            cools=True,
        )
    if code == _STALE:
        return ProviderError(
            Code.REJECTED,
            "The customer's phone has changed and could not be reached yet.",
            retryable=True,
            vendor_code=code,
            backoff=Backoff(base_seconds=15),
        )
    return ProviderError(
        Code.REJECTED,
        f"WhatsApp refused this message (code {code or 'unknown'}).",
        vendor_code=code,
    )


def of_answer(answer: http.Answer) -> ProviderError:
    """Return the error for an answer of the engine that is no success."""
    said = dict(answer.data)
    word = untrusted.text_of(said, "error")
    if word in ("not_here", "not_open"):
        return offline(untrusted.text_of(said, "detail")[:30] or word)
    if word == "too_fast":
        return ProviderError(
            Code.THROTTLED,
            "Too much at once for a linked phone; it goes on in a moment.",
            retryable=True,
            vendor_code="429",
            retry_after_seconds=2.0,
            slow=Slow.CONNECTION,
        )
    if word == "no_whatsapp":
        return ProviderError(
            Code.REJECTED, "This number has no WhatsApp, so nothing was sent.", vendor_code=word
        )
    if word == "refused":
        return of_refusal(untrusted.text_of(said, "code"))
    if word == "invalid" or answer.status == 400:
        return ProviderError(
            Code.INVALID_MESSAGE, "This message cannot be sent through a linked phone.",
            vendor_code=word,
        )  # fmt: skip
    if word == "unsigned" or answer.status == 401:
        return ProviderError(
            Code.OFFLINE,
            "The link service does not know us: its BRIDGE_SECRET or its clock is another one.",
            retryable=True,
            vendor_code="401",
            retry_after_seconds=10.0,
            slow=Slow.CONNECTION,
        )
    return unknown_outcome()
