"""The one door for outgoing HTTP: timeouts always, no redirects, one mapping of failures."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from requests.adapters import HTTPAdapter

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


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = requests.Session()
        session.trust_env = False
        # Retries belong to the caller, who knows what may be done twice.
        adapter = HTTPAdapter(pool_connections=8, pool_maxsize=8, max_retries=0)
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

    Raises UnableToReach when no answer came: `was_sent` is False only when the connection
    could not be made, so that a caller may safely send again.
    """
    started = time.monotonic()
    try:
        response = _session().request(
            method,
            url,
            json=json,
            headers=dict(headers or {}),
            params=dict(params or {}),
            timeout=(min(connect_timeout_seconds, timeout_seconds), timeout_seconds),
            allow_redirects=False,
        )
    except (requests.exceptions.ConnectTimeout, requests.exceptions.InvalidURL) as error:
        raise UnableToReach("The address did not answer.", was_sent=False) from error
    except requests.exceptions.ConnectionError as error:
        refused = "NewConnectionError" in repr(error) or "NameResolution" in repr(error)
        raise UnableToReach("The connection broke.", was_sent=not refused) from error
    except requests.exceptions.RequestException as error:
        raise UnableToReach("No answer came in time.", was_sent=True) from error
    try:
        parsed = response.json()
    except (ValueError, RecursionError):
        parsed = {}
    return Answer(
        status=response.status_code,
        data=parsed if isinstance(parsed, dict) else {},
        headers={key.lower(): value for key, value in response.headers.items()},
        ms=round((time.monotonic() - started) * 1000),
    )
