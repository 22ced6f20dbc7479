"""What Meta says about a number -> what the owner should know."""

from collections.abc import Mapping
from typing import Any

from connections.providers import untrusted
from connections.providers.base import Account, CheckResult, Code, ProviderError
from lib import phones

_MAX_PROBLEMS = 10

# Field -> value -> sentence. What is not here is no problem.
_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "status": {
        "PENDING": "The number is not registered yet. Register it under Numbers.",
        "DISCONNECTED": "The number is disconnected. Register it again under Numbers.",
        "BANNED": "WhatsApp banned this number. Open WhatsApp Manager and appeal.",
        "RESTRICTED": "WhatsApp restricted this number. Open WhatsApp Manager and read why.",
        "FLAGGED": "WhatsApp flagged this number for low quality. Send less, and only when asked.",
        "RATE_LIMITED": "The number reached its messaging limit. It lifts by itself.",
        "DELETED": "The number was deleted from its WhatsApp account.",
        "MIGRATED": "The number was moved to another WhatsApp account.",
        "UNVERIFIED": "The number is not verified. Verify it in WhatsApp Manager.",
    },
    "name_status": {
        "DECLINED": "The display name was declined. Choose another one in WhatsApp Manager.",
        "PENDING_REVIEW": "The display name is still being reviewed by WhatsApp.",
        "EXPIRED": "The display name's approval has expired. Ask for it again.",
        "NONE": "The number has no approved display name. Ask for one in WhatsApp Manager.",
    },
    "code_verification_status": {
        "NOT_VERIFIED": "The number is not verified. Verify it in WhatsApp Manager.",
        "EXPIRED": "The number's verification has expired. Verify it again in WhatsApp Manager.",
    },
    "quality_rating": {
        "RED": "Customers rate your messages badly. Send less, and only to people who asked.",
    },
}
_BLOCKED = {
    "BLOCKED": "WhatsApp does not let this number send.",
    "LIMITED": "WhatsApp lets this number send only within limits.",
}


def read(found: Mapping[str, Any], *, account: Account) -> CheckResult:
    """Translate the number's own record. Raises ProviderError when it is not the number's."""
    if untrusted.text_of(found, "id") not in (account.external_id, ""):
        raise unreadable()
    display = untrusted.text_of(found, "display_phone_number")
    verified_name = untrusted.text_of(found, "verified_name")
    if not (display or verified_name):
        raise unreadable()
    digits = "".join(character for character in display if character in "0123456789")
    return CheckResult(
        display_phone=phones.from_whatsapp(digits) or "",
        verified_name=verified_name[:200],
        quality=untrusted.text_of(found, "quality_rating").upper()[:20],
        problems=_problems(found),
    )


def unreadable(told: ProviderError | None = None) -> ProviderError:
    """Return the error for an answer from which nothing can be said about the number."""
    return ProviderError(
        Code.UNREADABLE,
        "WhatsApp's answer was not about this number. Check the number's id under Numbers.",
        tell_owner=True,
        vendor_code=told.vendor_code if told else "",
        reference=told.reference if told else "",
        detail=told.detail if told else "",
    )


def _problems(found: Mapping[str, Any]) -> tuple[str, ...]:
    problems = [
        sentences[word]
        for name, sentences in _SENTENCES.items()
        if (word := untrusted.text_of(found, name).upper()) in sentences
    ]
    health = untrusted.dict_of(found, "health_status")
    word = untrusted.text_of(health, "can_send_message").upper()
    if word in _BLOCKED:
        problems.append(_BLOCKED[word])
        problems.extend(
            " ".join(
                part[:300]
                for part in (
                    untrusted.text_of(error, "error_description"),
                    untrusted.text_of(error, "possible_solution"),
                )
                if part
            )
            for entity in untrusted.dicts_of(health, "entities")
            for error in untrusted.dicts_of(entity, "errors")
        )
    return tuple(dict.fromkeys(problem for problem in problems if problem))[:_MAX_PROBLEMS]
