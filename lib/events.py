"""Structured events, one JSON line each, tied together by one correlation id."""

import json
import logging
import os
import traceback
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from lib import redact

_correlation: ContextVar[str] = ContextVar("correlation", default="")
_log = logging.getLogger("backroom")

Scalar = str | int | float | bool | None
# Values that a caller may pass by mistake; ids belong in an event, contents never.
_FORBIDDEN = frozenset({"text", "body", "phone", "token", "secret", "email", "name", "password"})


def new_correlation() -> str:
    """Return a fresh correlation id (16 hex characters)."""
    return uuid.uuid4().hex[:16]


def new_correlations(count: int) -> list[str]:
    """Return as many fresh ids, at the cost of about one."""
    noise = os.urandom(8 * count).hex()
    return [noise[start : start + 16] for start in range(0, len(noise), 16)]


def correlation() -> str:
    """Return the id of the message or request in hand, or an empty string."""
    return _correlation.get()


@contextmanager
def correlated(identifier: str) -> Iterator[str]:
    """Make `identifier` (or a fresh id when empty) the correlation id inside the block."""
    token = _correlation.set(identifier or new_correlation())
    try:
        yield _correlation.get()
    finally:
        _correlation.reset(token)


def publish(
    name: str,
    *,
    workspace: int | None = None,
    params: Mapping[str, Scalar] | None = None,
    meta: Mapping[str, Scalar] | None = None,
    level: int = logging.INFO,
) -> None:
    """Log the event `app.noun.past-verb` as one JSON line.

    `params` are known before the act (ids only), `meta` after it (ms, counts, codes).
    Raises ValueError for a key that could only hold content, such as `text` or `phone`.
    """
    content = {**(params or {}), **(meta or {})}
    if forbidden := _FORBIDDEN.intersection(content):
        raise ValueError(f"Events carry ids, not content: {', '.join(sorted(forbidden))}")
    fields: dict[str, Scalar] = {}
    if workspace is not None:
        fields["workspace"] = workspace
    fields.update(content)
    _log.log(level, name, extra={"is_event": True, "fields": fields})


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for our events and for everybody else's log records."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "event": record.getMessage(),
            "level": record.levelname.lower(),
        }
        if not getattr(record, "is_event", False):
            line["logger"] = record.name
        if identifier := correlation():
            line["correlation"] = identifier
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = type(record.exc_info[1]).__name__
            # Frames name files and lines; the message and locals may hold content.
            frames = traceback.extract_tb(record.exc_info[2])[-12:]
            line["frames"] = [
                f"{f.filename.rsplit('/', 3)[-1]}:{f.lineno} {f.name}" for f in frames
            ]
            line["message"] = redact.error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)
