"""Who may come in: apps with a bearer token to the Graph API, this machine to everything else."""

import functools
import ipaddress
import json
import logging
import select
import socket
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse

from connections.simulator import errors, stage
from connections.simulator.errors import GraphError
from connections.simulator.faults import EVERYWHERE, Trouble, UnableToRead
from connections.simulator.records import Json, Number

_log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]
_LOCAL_NAMES = {"127.0.0.1", "localhost", "::1"}
KEEP_BODY = 4_000
_TOKEN_CODES = (0, 190)


# --- The Graph API -----------------------------------------------------------------------------
def graph(view: View) -> View:
    """Check the token, list the request, answer a GraphError in the vendor's form."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        started = time.monotonic()
        node = str(kwargs.get("node", ""))
        seen = stage.Request(
            at=time.time(),
            method=request.method or "",
            path=request.get_full_path()[:300],
            phone_number_id=node if stage.world.number(node) else "",
            body=_body_to_keep(request),
        )
        stage.requests.append(seen)
        try:
            _check_token(request, node)
            response = view(request, *args, **kwargs)
        except GraphError as error:
            seen.code = error.code
            response = JsonResponse(error.body(), status=error.status)
            if error.status == 401:
                response["WWW-Authenticate"] = f'OAuth "Facebook Platform" "{error.message[:80]}"'
        seen.status = response.status_code
        seen.ms = round((time.monotonic() - started) * 1000)
        return response

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]
    return wrapped


def token_of(request: HttpRequest) -> str:
    """Return the access token of a request, from the header or the query."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "oauth"):
        token = request.GET.get("access_token", "")
    return token.strip()


def _check_token(request: HttpRequest, node: str) -> None:
    if request.headers.get("Origin") or request.headers.get("Sec-Fetch-Site", "none") != "none":
        # Servers call this API; a page that does so is another site's, on our machine.
        raise GraphError(10, "A web page may not call this.")
    token = token_of(request)
    if not token:
        raise errors.token_missing()
    refusal = stage.faults.peek(node or EVERYWHERE, "refuse")
    if refusal and refusal.code in _TOKEN_CODES:
        stage.faults.take(node, "refuse")
        raise errors.token_expired() if refusal.code == 190 else GraphError(refusal.code)
    if token.startswith("EXPIRED"):
        raise errors.token_expired()
    known = stage.world.number(node)
    owners = [known] if known else stage.world.numbers(waba_id=node) if node else []
    allowed = {n.access_token for n in owners if n.access_token}
    if allowed and token not in allowed:
        raise errors.token_missing()


def is_token_of(number: Number, token: str) -> bool:
    """Say whether a token lets its bearer speak for a number."""
    if not token or token.startswith("EXPIRED"):
        return False
    return not number.access_token or token == number.access_token


def number_of(node: str, request: HttpRequest) -> Number:
    """Return the business number of a path. Raises GraphError (100, subcode 33) when unknown."""
    number = stage.world.number(node)
    if number is None:
        raise errors.no_such_node(node, request.method or "POST")
    return number


def read_body(request: HttpRequest) -> Json:
    """Return the request's fields, from JSON or from a form. Raises GraphError."""
    if request.content_type == "application/json" or request.body[:1] == b"{":
        try:
            body = json.loads(request.body or b"{}")
        except ValueError:
            raise GraphError(100, message="(#100) The request body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise GraphError(100, message="(#100) The request body must be a JSON object.")
        return body
    fields: Json = {}
    for name, value in request.POST.items():
        text = str(value)
        try:
            fields[name] = json.loads(text) if text[:1] in "{[" else text
        except ValueError:
            fields[name] = text
    return fields


def _body_to_keep(request: HttpRequest) -> Json:
    if request.content_type != "application/json" or len(request.body) > KEEP_BODY:
        return {
            "content_type": request.content_type,
            "bytes": int(request.headers.get("Content-Length") or 0),
        }
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {"not_json": request.body[:200].decode(errors="replace")}
    return body if isinstance(body, dict) else {"value": body}


def hang(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    """Give no answer: wait until the caller leaves or the time is over, then cut the line."""
    line = request.META.get("gunicorn.socket")
    if stage.hanging.acquire(blocking=False):
        try:
            _wait(line, trouble.seconds)
        finally:
            stage.hanging.release()
    if isinstance(line, socket.socket):
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("The caller had left already.")
    return HttpResponse(status=504)


def _wait(line: object, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not isinstance(line, socket.socket):
            time.sleep(min(left, 0.5))
            continue
        readable, _, _ = select.select([line], [], [], min(left, 0.5))
        try:
            if readable and not line.recv(1, socket.MSG_PEEK):
                return
        except OSError:
            return
        if readable:
            time.sleep(min(left, 0.5))


# --- The control side and the page -------------------------------------------------------------
def local(*methods: str) -> Callable[[View], View]:
    """Let in this machine only, and no page of another site on it.

    The peer is loopback and the Host header names this machine (a rebound name does not);
    what changes something must be JSON and, from a browser, from our own page.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if problem := _problem(request, methods):
                status, sentence = problem
                return JsonResponse({"error": sentence}, status=status)
            try:
                return view(request, *args, **kwargs)
            except UnableToRead as error:
                return JsonResponse({"error": str(error)}, status=400)

        wrapped.csrf_exempt = True  # type: ignore[attr-defined]
        return wrapped

    return decorate


def _problem(request: HttpRequest, methods: Iterable[str]) -> tuple[int, str] | None:
    host = request.META.get("HTTP_HOST", "")
    try:
        is_local_peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
        hostname = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        is_local_peer, hostname = False, ""
    if not is_local_peer or hostname not in _LOCAL_NAMES:
        return 403, "Only this machine, by the name 127.0.0.1 or localhost, may do that."
    # A link on Backroom's own pages leads here from another port: to look, and in a page of its own.
    is_link = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
    asked_by = request.headers.get("Sec-Fetch-Site", "none")
    if asked_by not in ("none", "same-origin") and not is_link:
        return 403, "Another site's page may not do that."
    origin = request.headers.get("Origin")
    if origin and origin not in (f"http://{host}", f"https://{host}"):
        return 403, "Another site's page may not do that."
    if request.method not in (*methods, "HEAD"):
        return 405, f"Use {' or '.join(methods)}."
    if request.method == "POST" and request.content_type != "application/json":
        return 415, "Send JSON (Content-Type: application/json)."
    return None


def read_json(request: HttpRequest) -> Json:
    """Return the JSON object of a control request. Raises UnableToRead."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise UnableToRead("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise UnableToRead("The body is a JSON object.")
    return body
