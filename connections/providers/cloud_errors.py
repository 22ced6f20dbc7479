"""What went wrong at Meta, in our words: from the answer to a send, or from a failed status.

Built on `error.code` and `error_data.details`: Meta is retiring titles, messages, subcodes
and HTTP statuses as things to build on. A status counts only when the code is unknown.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connections.providers import cloud_error_table as table
from connections.providers import untrusted
from connections.providers.base import ProviderError
from lib import http, redact

_MAX_RETRY_AFTER = 3600.0
# The one subcode that matters: under "bad parameter", the id in the address is unknown.
_NO_SUCH_OBJECT = 33
_BY_STATUS: Mapping[int, table.Rule] = {
    401: table.SIGN_IN,
    429: table.THROTTLED,
}


def number(value: Any) -> int | None:
    """Return an error code as a number (Meta writes some as text), or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def from_answer(answer: http.Answer) -> ProviderError:
    """Return what an answer that is not a success means, by its code, else by its status."""
    body = untrusted.dict_of(untrusted.clean(dict(answer.data)), "error")
    code = number(body.get("code"))
    details = untrusted.text_of(untrusted.dict_of(body, "error_data"), "details")
    rule = None if code is None else table.RULES.get(code)
    if code == 100 and number(body.get("error_subcode")) == _NO_SUCH_OBJECT:
        rule = table.RULES[_NO_SUCH_OBJECT]
    return _error(
        rule or _rule_by_status(answer.status, has_spoken=code is not None),
        vendor_code=str(code) if code is not None else f"http_{answer.status}",
        reference=untrusted.text_of(body, "fbtrace_id")[:100],
        retry_after_seconds=_retry_after(answer.headers),
        detail=details or untrusted.text_of(body, "message"),
    )


def from_status_error(code: int | str | None, *, details: str = "") -> ProviderError:
    """Return what the error of a failed status means; a code nobody knows is final."""
    known = number(code)
    rule = table.REJECTED if known is None else table.RULES.get(known, table.REJECTED)
    return _error(rule, vendor_code="" if known is None else str(known), detail=details)


def unknown_outcome(*, vendor_code: str = "", detail: str = "") -> ProviderError:
    """Return the error for a send that may or may not have gone out."""
    return _error(table.UNKNOWN_OUTCOME, vendor_code=vendor_code, detail=detail)


def unreachable(*, retryable: bool = True) -> ProviderError:
    """Return the error for a call that did not arrive, or may be made twice."""
    return _error(replace(table.UNREACHABLE, retryable=retryable), vendor_code="")


def _rule_by_status(status: int, *, has_spoken: bool) -> table.Rule:
    if status >= 500:
        # Without an error of Meta's own it is a gateway that got no answer, or an answer that
        # broke: the message may have gone out.
        is_known = has_spoken and status != 504
        return table.VENDOR_DOWN if is_known else table.UNKNOWN_OUTCOME
    return _BY_STATUS.get(status, table.REJECTED)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    written = headers.get("retry-after", "").strip()
    if not (written.isascii() and written.isdigit() and len(written) <= 9):
        return None
    return min(float(written), _MAX_RETRY_AFTER)


def _error(
    rule: table.Rule,
    *,
    vendor_code: str,
    reference: str = "",
    retry_after_seconds: float | None = None,
    detail: str = "",
) -> ProviderError:
    if retry_after_seconds is None and rule.backoff and rule.slow:
        retry_after_seconds = rule.backoff.seconds(1)
    return ProviderError(
        rule.code,
        rule.sentence,
        retryable=rule.retryable,
        switch_off=rule.switch_off,
        vendor_code=vendor_code,
        reference=reference,
        retry_after_seconds=retry_after_seconds if rule.backoff else None,
        slow=rule.slow,
        tell_owner=rule.tell_owner,
        backoff=rule.backoff,
        detail=redact.text(detail)[:300],
    )
