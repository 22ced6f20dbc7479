"""The short way of a send through the server: past Django, through the same checks.

Taken for a plain `POST /{phone_number_id}/messages` with a JSON body that is right and that no
fault is set for. Everything else, each refusal too, goes the long way and is answered there.
"""

import io
import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from connections.simulator import access, sending, stage, validation
from connections.simulator.errors import GraphError
from connections.simulator.records import Json, Number

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_PATH = re.compile(r"/v\d+\.\d+/([A-Za-z0-9_.-]+)/messages/?")
_MOST_BYTES = 65_536
# What happens to a request itself; what happens after it was taken is `sending`'s to know.
_FAULTS = ("slow_ms", "hang", "refuse", "malformed", "error_after_accept")


def shortened(application: Application) -> Application:
    """Return `application` with a short way for sends."""

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = _answer(environ)
        if answer is None:
            return application(environ, start_response)
        body = json.dumps(answer).encode()
        start_response(
            "200 OK",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body]

    return serve


def _answer(environ: Environ) -> Json | None:
    """Take a send and return its answer; None for what goes the long way."""
    number = _number(environ)
    if number is None:
        return None
    started, at = time.monotonic(), time.time()
    raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = io.BytesIO(raw)
    try:
        body = json.loads(raw)
        if not isinstance(body, dict) or body.get("status") is not None:
            return None
        send = validation.check(body, number=number, is_media=stage.media.has)
        message = sending.accept(number, send)
    except (ValueError, GraphError):
        return None
    stage.requests.append(
        stage.Request(
            at=at,
            method="POST",
            path=environ["PATH_INFO"],
            phone_number_id=number.phone_number_id,
            body=body if len(raw) <= access.KEEP_BODY else {"bytes": len(raw)},
            status=200,
            ms=round((time.monotonic() - started) * 1000),
        )
    )
    return sending.answer(message, send)


def _number(environ: Environ) -> Number | None:
    """Return the number that a plain send is for, when its token is right."""
    if environ["REQUEST_METHOD"] != "POST" or environ.get("QUERY_STRING"):
        return None
    if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:
        return None
    if environ.get("CONTENT_TYPE") != "application/json":
        return None
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or not 0 < int(length) <= _MOST_BYTES:
        return None
    match = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    number = stage.world.number(match[1]) if match else None
    if number is None or not number.registered:
        return None
    if any(stage.faults.has(number.phone_number_id, name) for name in _FAULTS):
        return None
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() not in ("bearer", "oauth") or not access.is_token_of(number, token.strip()):
        return None
    return number
