"""Fetch an address that somebody typed in: into no private network, and only so much for so long.

Every address of a name is judged, and one that was judged is connected to, so that a name cannot
mean something else a moment later. Redirects are followed a few times, each judged anew.
"""

import http.client
import ipaddress
import re
import socket as sockets
import ssl
import threading
import zlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import certifi

from lib import deadlines

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_BYTES = 10 * 1024 * 1024
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_LONGEST_ADDRESS = 2_000
_CHUNK = 64 * 1024
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?|[0-9a-f:.]{2,45}")
_CHARSET = re.compile(r"[a-z0-9._:-]{1,40}")
_ALLOWED = "/%:@!$&'()*+,;=~-._?"  # in a path and a query, as they were typed
_USUAL_PORTS = {"http": 80, "https": 443}
# NAT64, 6to4 and Teredo carry an address of version 4 inside, which nobody has judged.
_WRAPPING = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)
_ASSIGNED = ipaddress.IPv6Network("2000::/3")
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")


class UnableToFetch(Exception):
    """Nothing was fetched; the message says what happened and what to do, to whoever typed it."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status  # that the server answered with, if it did


@dataclass(frozen=True)
class Fetched:
    """What stood at an address: where redirects ended, its type and character set, its bytes."""

    url: str
    kind: str  # "text/html", in small letters
    charset: str
    data: bytes


def is_public(address: Address) -> bool:
    """Say whether an address leads into the internet, and nowhere nearer."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv6Address):
        if address not in _ASSIGNED or any(address in network for network in _WRAPPING):
            return False
    elif address in _PROTOCOLS:
        return False
    # Python counts multicast and a few others as global.
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a name. Raises OSError."""
    found = sockets.getaddrinfo(host, port, type=sockets.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


@dataclass(frozen=True)
class Rules:
    """What may be fetched, and how long it may take; tests fetch from this very machine."""

    resolve: Callable[[str, int], Sequence[str]] = resolve
    is_allowed: Callable[[Address], bool] = is_public
    tls: Callable[[], ssl.SSLContext] = _tls
    ports: Collection[int] = (80, 443)
    connect_seconds: float = 5.0
    whole_seconds: float = 15.0
    max_bytes: int = MAX_BYTES


PUBLIC = Rules()
# A slow website holds a thread that shows pages: never all of them.
_places = threading.BoundedSemaphore(3)


def fetch(url: str, *, kinds: Collection[str], rules: Rules | None = None) -> Fetched:
    """Return what stands at `url`, if it is of one of the content types `kinds`.

    Raises UnableToFetch, after the rules' whole time at the latest.
    """
    if not _places.acquire(blocking=False):
        raise UnableToFetch("Other pages are being read just now. Try again in a minute.")
    try:
        return _fetch(url, kinds, rules or PUBLIC)
    finally:
        _places.release()


def _fetch(url: str, kinds: Collection[str], rules: Rules) -> Fetched:
    deadlines.begin(rules.whole_seconds)
    for _ in range(_MOST_REDIRECTS + 1):
        parts = _parsed(url, rules)
        try:
            found = _fetch_one(parts, kinds, rules)
        except TimeoutError as error:
            raise UnableToFetch(
                f"{parts.hostname} did not answer in time. Try again later, or save the page and "
                "upload it as a file."
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise UnableToFetch(
                f"The certificate of {parts.hostname} is not valid, so nobody can tell whose page "
                "it is. Whoever looks after the website can renew it."
            ) from error
        except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
            # A ValueError is what the standard library says of lengths and headers that are none.
            raise UnableToFetch(
                f"The connection to {parts.hostname} broke. Check the address, or try again later."
            ) from error
        if isinstance(found, Fetched):
            return found
        url = found
        if parts.scheme == "https" and not url.lower().startswith("https:"):
            raise UnableToFetch(
                "The address leads on to one that is not encrypted, which was not followed. Open "
                "it in a browser and copy the address that is shown there."
            )
    raise UnableToFetch(
        "The address leads on to others again and again. Open it in a browser and copy the address "
        "that is shown there."
    )


def _parsed(url: str, rules: Rules) -> SplitResult:
    """Return the parts of an address as the network writes them."""
    text = url.strip()
    try:
        if len(text) > _LONGEST_ADDRESS:
            raise ValueError("This is too long.")
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
        host = host if ":" in host else host.encode("idna").decode().lower()
        port = parts.port
        if parts.scheme in ("http", "https") and not _HOST.fullmatch(host):
            raise ValueError("This is no name.")
    except ValueError as error:
        raise UnableToFetch(
            "This is no address of a page. One looks like https://example.com/faq."
        ) from error
    if parts.scheme not in ("http", "https"):
        raise UnableToFetch("Only addresses that begin with https:// or http:// can be read.")
    if "@" in parts.netloc:
        raise UnableToFetch("Take the user name and password out of the address.")
    if (port or _USUAL_PORTS[parts.scheme]) not in rules.ports:
        raise UnableToFetch("Pages are read at the usual ports (80, 443) only, not at another one.")
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port is None else f"{shown}:{port}"
    path, query = (quote(part, safe=_ALLOWED) for part in (parts.path or "/", parts.query))
    return SplitResult(parts.scheme, netloc, path, query, "")


def _fetch_one(parts: SplitResult, kinds: Collection[str], rules: Rules) -> Fetched | str:
    """Return what is there, or the address that it leads on to."""
    line = _connected(parts, rules)
    try:
        line.settimeout(deadlines.left())
        line.sendall(_request(parts))
        response = http.client.HTTPResponse(deadlines.Line(line), method="GET")  # type: ignore[arg-type]
        with response:
            response.begin()
            where = response.headers.get("Location")
            if response.status in _REDIRECTS and where:
                # Headers are read as latin-1, and written by some in UTF-8.
                where = where.encode("latin-1", "replace").decode("utf-8", "replace")
                try:
                    return urljoin(parts.geturl(), where)
                except ValueError:
                    return where  # which is no address, as whoever parses it will say
            _require_ok(parts, response)
            named = response.headers.get("Content-Type")
            kind = response.headers.get_content_type() if named else "application/octet-stream"
            if kind not in kinds:
                raise UnableToFetch(
                    f"What is at this address ({kind[:60]}) is neither a page nor a list of "
                    "questions. Give the address of the page that shows your questions."
                )
            data = _body(response, rules.max_bytes)
    finally:
        line.close()
    charset = response.headers.get_content_charset() or ""
    if not _CHARSET.fullmatch(charset):
        charset = ""
    return Fetched(url=parts.geturl(), kind=kind, charset=charset, data=data)


def _request(parts: SplitResult) -> bytes:
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: Mozilla/5.0 (compatible; Backroom)",
        "Accept: */*",
        "Accept-Encoding: gzip",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _connected(parts: SplitResult, rules: Rules) -> sockets.socket:
    host = parts.hostname or ""
    port = parts.port or _USUAL_PORTS[parts.scheme]
    found = _resolved(host, port, rules)
    if not found:
        raise UnableToFetch(f"There is no website called {host[:80]}. Check how it is spelled.")
    if not all(rules.is_allowed(ipaddress.ip_address(text)) for text in found):
        raise UnableToFetch(
            "This address leads into a private network, so it was not opened. Give an address "
            "that everybody can open."
        )
    line = _opened(found, port, rules)
    if parts.scheme == "http":
        return line
    try:
        line.settimeout(deadlines.left())
        return rules.tls().wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise


def _resolved(host: str, port: int, rules: Rules) -> list[str]:
    """Ask for a name's addresses, on a thread: the system's own way knows no deadline."""
    found: list[str] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(rules.resolve(host, port))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(min(rules.connect_seconds, deadlines.left()))
    if asking.is_alive():
        raise TimeoutError("The name was not resolved in time.")
    return found


def _opened(found: Sequence[str], port: int, rules: Rules) -> sockets.socket:
    problem: OSError | None = None
    for address in found:
        seconds = min(rules.connect_seconds, deadlines.left())
        try:
            return sockets.create_connection((address, port), timeout=seconds)
        except OSError as error:
            problem = error
    raise problem or OSError("There is no address.")


def _require_ok(parts: SplitResult, response: http.client.HTTPResponse) -> None:
    status = response.status
    if status == 200:
        return
    if status in (401, 403):
        sentence = f"{parts.hostname} does not show this page to everybody ({status})"
    elif status in (404, 410):
        sentence = f"There is no page at this address ({status}). Check how it is spelled"
    else:
        sentence = f"{parts.hostname} has trouble with this page ({status}). Try again later"
    raise UnableToFetch(f"{sentence}, or save the page and upload it as a file.", status=status)


def _body(response: http.client.HTTPResponse, most: int) -> bytes:
    """Return the whole body, unpacked; what is counted is what comes out, not what came in."""
    encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise UnableToFetch("The page came packed in a way that cannot be read here.")
    unpacker = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    pieces: list[bytes] = []
    size = came_in = 0
    while chunk := response.read(_CHUNK):
        came_in += len(chunk)
        piece = unpacker.decompress(chunk, most - size + 1) if unpacker else chunk
        size += len(piece)
        if max(size, came_in) > most:
            raise UnableToFetch(
                f"The page has more than {most // 1_048_576} MB. Copy only the questions and "
                "answers, and paste them."
            )
        pieces.append(piece)
    if response.length and not response.chunked:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(pieces)
