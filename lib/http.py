"""The one door for outgoing HTTP: timeouts always, no redirects, one mapping of failures."""

import http.client
import io
import json as json_module
import socket as sockets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from socket import IPPROTO_TCP, SocketIO, socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ConnectTimeout,
    InvalidHeader,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# What an answer may have at most; nobody we talk to writes longer ones.
_MOST_BYTES = 4 * 1024 * 1024
_QUICK_ACK: int | None = getattr(sockets, "TCP_QUICKACK", None)  # Linux
_IDLE_SECONDS = 1.0
_local = threading.local()


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


# --- A deadline for the whole answer: a socket's own timeout counts for every read anew --------


class _TimedReader(io.RawIOBase):
    """Reads a socket until the call's deadline."""

    def __init__(self, source: socket) -> None:
        self._socket = source
        self._raw: SocketIO = source.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _local.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The answer took too long.")
        self._socket.settimeout(left)
        if _QUICK_ACK is not None:
            # A server that sends head and body apart waits 40 ms for our ACK of the first.
            with suppress(OSError):
                self._socket.setsockopt(IPPROTO_TCP, _QUICK_ACK, 1)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedReader(sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SafeConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SafePool}


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    last, _local.last_used = getattr(_local, "last_used", 0.0), time.monotonic()
    if session is not None and _local.last_used - last > _IDLE_SECONDS:
        # The other side may have closed an idle line; a request into it breaks, and nobody can
        # tell whether it arrived. A new line costs less than that doubt.
        session.close()
        session = None
    if session is None:
        session = requests.Session()
        session.trust_env = False
        # Retries belong to the caller, who knows what may be done twice.
        adapter = _Adapter(pool_connections=8, pool_maxsize=8, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        _local.session = session
    return session


def call(
    method: str,
    url: str,
    *,
    json: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    timeout_seconds: float,
    connect_timeout_seconds: float = 5.0,
) -> Answer:
    """Send one request and return the Answer, whatever its status.

    Raises UnableToReach when no whole answer came within `timeout_seconds`: `was_sent` is
    False only when the request cannot have arrived, so that a caller may safely send again.
    """
    started = time.monotonic()
    _local.deadline = started + timeout_seconds
    try:
        response = _session().request(
            method,
            url,
            json=json,
            headers=dict(headers or {}),
            params=dict(params or {}),
            timeout=(min(connect_timeout_seconds, timeout_seconds), timeout_seconds),
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = _body(response)
    except (ConnectTimeout, InvalidURL, MissingSchema, InvalidSchema, InvalidHeader) as error:
        raise UnableToReach("The address did not answer.", was_sent=False) from error
    except requests.exceptions.ConnectionError as error:
        refused = "NewConnectionError" in repr(error) or "NameResolution" in repr(error)
        raise UnableToReach("The connection broke.", was_sent=not refused) from error
    except requests.exceptions.RequestException as error:
        raise UnableToReach("No answer came in time.", was_sent=True) from error
    return Answer(
        status=response.status_code,
        data=_parsed(body),
        headers={key.lower(): value for key, value in response.headers.items()},
        ms=round((time.monotonic() - started) * 1000),
    )


def _body(response: requests.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(65_536):
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise UnableToReach("The answer is far too long.", was_sent=True)
    return b"".join(parts)


def _parsed(body: bytes) -> Mapping[str, object]:
    try:
        parsed = json_module.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
