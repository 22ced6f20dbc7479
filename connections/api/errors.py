"""What the API answers when it does not do what was asked: one form, a code and a sentence."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework import exceptions

PREFIX = "/api/"
# Code and sentence for each status, unless who refuses says more.
STATUSES = {
    400: ("invalid", "The request makes no sense. Nothing was changed."),
    401: ("token_missing", "Send your token in the header “Authorization: Bearer TOKEN”."),
    403: ("forbidden", "This token may not do that."),
    404: ("not_found", "There is nothing at this address. See /api/docs/."),
    405: ("method_not_allowed", "This address does not take that method. See /api/docs/."),
    406: ("not_acceptable", "This address does not answer in the format that was asked for."),
    409: ("conflict", "This cannot be done at the moment."),
    413: ("too_large", "The body is too large."),
    415: ("unsupported_media_type", "Send JSON, with the header “Content-Type: application/json”."),
    429: ("too_many_requests", "Too many requests. Wait as long as Retry-After says."),
    500: (
        "server_error",
        "That was our mistake. Try again; if it stays, tell support the X-Correlation-Id.",
    ),
    503: ("unavailable", "This is not set up here, or not running at the moment."),
}


class Problem(exceptions.APIException):
    """Something is answered instead of what was asked for."""

    def __init__(self, status: int, message: str = "", code: str = "") -> None:
        usual_code, usual_message = STATUSES[status]
        self.status_code = status
        super().__init__(message or usual_message, code or usual_code)


def answer(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the answer in its one form, whatever format was asked for."""
    response = JsonResponse(
        {"error": {"code": code, "message": message}},
        status=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        json_dumps_params={"ensure_ascii": False},
    )
    if status < 500:
        # Django's own line for each one would let strangers write our log.
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def plain(status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return the answer with the usual words for its status."""
    return answer(status, *STATUSES[status], headers)


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into an answer; None for what nobody expected."""
    if isinstance(error, Http404):
        return plain(404)
    if isinstance(error, PermissionDenied):
        return plain(403)
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(getattr(error, "wait", None) or 1)))
    status = error.status_code
    if isinstance(error, exceptions.ValidationError):
        return answer(status, "invalid", " ".join(_sentences(error.detail)), headers)
    detail = error.detail
    # What the framework itself refuses is told in our words.
    is_ours = isinstance(error, (Problem, exceptions.AuthenticationFailed))
    if is_ours and isinstance(detail, exceptions.ErrorDetail):
        return answer(status, str(detail.code), str(detail), headers)
    return plain(status, headers)


def _sentences(detail: Any, name: str = "") -> Iterator[str]:
    """Yield each complaint of a body or query, the field's name in front."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _sentences(inner, "" if key == "non_field_errors" else str(key))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _sentences(inner, name)
    else:
        yield f"{name}: {detail}" if name else str(detail)
