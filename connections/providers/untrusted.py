"""JSON that strangers wrote: parsed, cleaned for the database, and looked into without raising.

PostgreSQL stores neither NUL nor half a surrogate pair in text or jsonb, and no NaN or
Infinity: all of them are gone after `parse`. The readers below answer with an empty value
when the shape is another one than expected, so that translating never needs a try.
"""

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from connections.providers.base import UnableToRead

# Meta's own payloads are about 12 deep.
MAX_DEPTH = 64
TOO_DEEP = "[nested too deep]"
_MAX_INTEGER_DIGITS = 40
# A message of WhatsApp cannot be older than WhatsApp; later than this is junk.
_EARLIEST = datetime(2009, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def _integer(literal: str) -> int | str:
    return int(literal) if len(literal) <= _MAX_INTEGER_DIGITS else literal


def _number(literal: str) -> float | str:
    value = float(literal)
    return value if math.isfinite(value) else literal


# Not strict: a raw line break inside a string is no reason to lose a message.
_DECODER = json.JSONDecoder(
    strict=False, parse_int=_integer, parse_float=_number, parse_constant=str
)
# NUL, and surrogates (whole pairs too, as emoji are written in ASCII), raw or as an escape.
_UNCLEAN = re.compile(r"\x00|\\u0000|\\u[dD][89a-fA-F]")


def parse(body: bytes) -> Any:
    """Return the JSON in `body`, cleaned. Raises UnableToRead when it is not JSON."""
    try:
        text = body.decode("utf-8-sig")
        parsed = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise UnableToRead("The body is not JSON.") from error
    # Nearly every body is clean, and looking at its text costs a fraction of walking its values.
    is_flat = text.count("{") + text.count("[") <= MAX_DEPTH
    return parsed if is_flat and not _UNCLEAN.search(text) else clean(parsed)


def clean(value: Any, depth: int = 0) -> Any:
    """Return `value` without what PostgreSQL cannot store, cut off below MAX_DEPTH."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict):
        return {clean_text(key): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]
    return value


def clean_text(value: str) -> str:
    """Return `value` without NUL characters and lone surrogates."""
    if value.isascii():
        return value.replace("\x00", "") if "\x00" in value else value
    return value.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def cap(value: str, limit: int) -> str:
    """Return `value` in at most `limit` characters; two long values never become the same one."""
    if len(value) <= limit:
        return value
    mark = "~" + hashlib.sha256(value.encode()).hexdigest()[:32]
    return value[: limit - len(mark)] + mark


def digest(value: Any) -> str:
    """Return the SHA-256 of cleaned JSON in its canonical form."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


# --- Readers -------------------------------------------------------------------------------


def text_of(holder: Any, *names: str) -> str:
    """Return the first of `names` in `holder` that holds a text or a whole number, as text."""
    if isinstance(holder, dict):
        for name in names:
            value = holder.get(name)
            if isinstance(value, str) and value:
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
    return ""


def dict_of(holder: Any, name: str) -> dict[str, Any]:
    """Return the object called `name`, or an empty one."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def dicts_of(holder: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects in the list called `name`; one object alone counts as a list of one."""
    return [item for item in list_of(holder, name) if isinstance(item, dict)]


def list_of(holder: Any, name: str) -> list[Any]:
    """Return the list called `name`; anything else than nothing counts as a list of one."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def number_of(holder: Any, name: str) -> float | int | None:
    """Return the number called `name` (also written as text), or None."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, str) and len(value) <= _MAX_INTEGER_DIGITS:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def flag_of(holder: Any, name: str) -> bool:
    """Say whether `name` is true; a text or a number is not."""
    return isinstance(holder, dict) and holder.get(name) is True


def time_of(holder: Any, name: str) -> datetime | None:
    """Return the time called `name`: seconds, milliseconds or microseconds since 1970, or None."""
    value = number_of(holder, name)
    for divisor in (1, 1_000, 1_000_000):
        if value is not None and _EARLIEST <= value / divisor < _LATEST:
            return datetime.fromtimestamp(value / divisor, UTC)
    return None
