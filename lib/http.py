"""The one door for outgoing HTTP: timeouts always, no redirects, one mapping of failures.

Written on sockets and the standard library's reader of answers: a send is one small POST, and
a general client spends five times as long on it.
"""

import http.client
import json as json_module
import os
import re
import select
import socket as sockets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import certifi

from lib import deadlines, progress
from lib.deadlines import Line

# What an answer may have at most; nobody we talk to writes longer ones.
_MOST_BYTES = 4 * 1024 * 1024
_IDLE_SECONDS = 1.0
_KEEP_LINES = 64  # idle ones, to one server
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_TARGET = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class UnableToReach(Exception):
    """No answer came. `was_sent` says whether the request may have arrived all the same."""

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


@dataclass(frozen=True)
class Answer:
    """A reply: status code, parsed JSON object (empty when it is not one), headers, milliseconds."""

    status: int
    data: Mapping[str, object]
    headers: Mapping[str, str]
    ms: int

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class _Place(NamedTuple):
    """Where a line leads. Lines are not shared with a process that was forked off."""

    is_safe: bool
    host: str
    port: int
    process: int


# --- Lines that are kept for the next call -----------------------------------------------------

_idle: dict[_Place, list[tuple[Line, float]]] = {}


def _kept(place: _Place) -> Line | None:
    """Return the line that was used last, unless it has been idle for too long.

    The other side may have closed an idle line; a request into it breaks, and nobody can tell
    whether it arrived. A new line costs less than that doubt.
    """
    lines = _idle.get(place)
    while lines:
        try:
            line, since = lines.pop()
        except IndexError:  # another thread took it
            return None
        if time.monotonic() - since <= _IDLE_SECONDS and not _says_something(line.socket):
            return line
        line.socket.close()
    return None


def _says_something(idle: socket) -> bool:
    """Say whether an idle line was closed, or talks without being asked."""
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))


def _keep(place: _Place, line: Line) -> None:
    lines = _idle.setdefault(place, [])
    if len(lines) < _KEEP_LINES:
        lines.append((line, time.monotonic()))
    else:
        line.socket.close()


def forget() -> None:
    """Close the lines that are kept (tests: the servers at their other ends are gone)."""
    for place in list(_idle):
        for line, _ in _idle.pop(place, []):
            line.socket.close()


def _open(place: _Place, timeout_seconds: float) -> Line:
    source = sockets.create_connection((place.host, place.port), timeout=timeout_seconds)
    source.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    if place.is_safe:
        try:
            source.settimeout(deadlines.left())
            source = _tls().wrap_socket(source, server_hostname=place.host)
        except BaseException:
            source.close()
            raise
    return Line(source)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


# --- One call ----------------------------------------------------------------------------------


def call(
    method: str,
    url: str,
    *,
    json: Mapping[str, object] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    timeout_seconds: float,
    connect_timeout_seconds: float = 5.0,
) -> Answer:
    """Send one request and return the Answer, whatever its status.

    `json` or, where its very bytes matter (they are signed), `body` with its type as a header.

    Raises UnableToReach when no whole answer came within `timeout_seconds`: `was_sent` is
    False only when the request cannot have arrived, so that a caller may safely send again.
    """
    started = time.monotonic()
    deadlines.begin(timeout_seconds)
    try:
        place, request = _written(method, url, json, body, headers or {}, params or {})
        line = _kept(place) or _open(place, min(connect_timeout_seconds, timeout_seconds))
    except (ValueError, OSError) as error:
        raise UnableToReach("The address did not answer.", was_sent=False) from error
    is_whole = False
    try:
        line.socket.settimeout(deadlines.left())
        line.socket.sendall(request)
        response = http.client.HTTPResponse(line, method=method)  # type: ignore[arg-type]
        with response:
            response.begin()
            body = _body(response)
            is_whole = not response.will_close
    except TimeoutError as error:
        raise UnableToReach("No answer came in time.", was_sent=True) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnableToReach("The connection broke.", was_sent=True) from error
    finally:
        progress.note()  # a vendor that answers nobody is no reason to end this process
        if is_whole:
            _keep(place, line)
        else:
            line.socket.close()
    return Answer(
        status=response.status,
        data=_parsed(body),
        headers={key.lower(): value for key, value in response.headers.items()},
        ms=round((time.monotonic() - started) * 1000),
    )


def _written(
    method: str,
    url: str,
    json: Mapping[str, object] | None,
    body: bytes | None,
    headers: Mapping[str, str],
    params: Mapping[str, str],
) -> tuple[_Place, bytes]:
    """Return where the request goes and its bytes. Raises ValueError when it cannot be one."""
    parts = urlsplit(url)
    host, target = parts.hostname or "", parts.path or "/"
    if query := "&".join(filter(None, (parts.query, urlencode(params)))):
        target += f"?{query}"
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or parts.username:
        raise ValueError("This is no address.")
    if not _TARGET.fullmatch(target):
        raise ValueError("The path has letters that no path has.")
    is_safe = parts.scheme == "https"
    place = _Place(is_safe, host, parts.port or (443 if is_safe else 80), os.getpid())
    has_body = json is not None or body is not None
    if body is None:
        body = b"" if json is None else json_module.dumps(json, allow_nan=False).encode()
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "User-Agent: backroom",
    ]
    if json is not None:
        lines.append("Content-Type: application/json")
    if has_body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError("A header has letters that no header has.")
        lines.append(f"{name}: {value}")
    return place, "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _body(response: http.client.HTTPResponse) -> bytes:
    body = response.read(_MOST_BYTES + 1)
    if len(body) > _MOST_BYTES:
        raise UnableToReach("The answer is far too long.", was_sent=True)
    if response.length and not response.chunked:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _parsed(body: bytes) -> Mapping[str, object]:
    try:
        parsed = json_module.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
