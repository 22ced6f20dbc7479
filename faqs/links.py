"""A link that an owner gives: a page of a website, a file, or a Google Sheet open to everybody."""

import re
from urllib.parse import parse_qs, urlsplit

from faqs import readers
from lib import fetching

_PAGES = frozenset(("text/html", "application/xhtml+xml"))
_FILES = frozenset((
    "text/csv", "text/plain", "text/markdown", "text/tab-separated-values", "application/csv",
    "application/pdf", "application/vnd.ms-excel", "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
))  # fmt: skip
_SHEET = re.compile(
    r"/(?:a/[^/]{1,100}/)?spreadsheets/(?:u/\d{1,3}/)?d/(e/)?([A-Za-z0-9_-]{10,200})(?:/|$)"
)
_CLOSED = (
    "This Google Sheet is not open to everybody, or is not there any more. In the sheet choose "
    "Share and, under General access, “Anyone with the link”. Then give its link again."
)
# What Google answers for a sheet that is private, gone, or never was.
_REFUSALS = (400, 401, 403, 404, 410)


def read(address: str) -> readers.Table:
    """Return the rows of what a link leads to. Raises UnableToFetch, UnableToReadFile."""
    address = with_scheme(address)
    sheet = sheet_export(address)
    if sheet:
        return _of_sheet(sheet)
    found = fetching.fetch(address, kinds=_PAGES | _FILES)
    if found.kind in _PAGES:
        return readers.read_page(found.data, charset=found.charset)
    return readers.read(found.data, name=urlsplit(found.url).path)


def with_scheme(address: str) -> str:
    """Return the address as a browser would take it: people leave https:// out."""
    address = address.strip()
    return address if "://" in address else f"https://{address}"


def sheet_export(address: str) -> str:
    """Return where a Google Sheet gives its rows as CSV, or an empty string for other links."""
    try:
        parts = urlsplit(address)
        is_google = parts.hostname == "docs.google.com"
    except ValueError:
        return ""
    found = _SHEET.match(parts.path) if is_google else None
    if found is None:
        return ""
    page = parse_qs(parts.fragment).get("gid") or parse_qs(parts.query).get("gid") or [""]
    gid = page[0] if page[0].isascii() and page[0].isdigit() else ""
    base = f"https://docs.google.com/spreadsheets/d/{found[1] or ''}{found[2]}"
    if found[1]:  # published to the web
        return f"{base}/pub?output=csv" + (f"&single=true&gid={gid}" if gid else "")
    return f"{base}/export?format=csv" + (f"&gid={gid}" if gid else "")


def _of_sheet(export: str) -> readers.Table:
    try:
        found = fetching.fetch(export, kinds=_PAGES | _FILES)
    except fetching.UnableToFetch as error:
        if error.status in _REFUSALS:
            raise fetching.UnableToFetch(_CLOSED, status=error.status) from error
        raise
    if found.kind in _PAGES:
        raise fetching.UnableToFetch(_CLOSED)  # the page to sign in at
    return readers.read(found.data, name="sheet.csv")
