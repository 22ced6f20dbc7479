"""Places in a list to go on from, and digests by which a poll knows that nothing changed."""

import hashlib
from datetime import UTC, datetime


def mark(moment: datetime, pk: int) -> str:
    """Write a place: a moment, and the row at it."""
    return f"{round(moment.timestamp() * 1_000_000)}.{pk}"


def place(mark: str) -> tuple[datetime, int] | None:
    """Read a place that came with a request; None when it is none."""
    micros, _, pk = mark.partition(".")
    if not (micros.isascii() and micros.isdigit() and pk.isascii() and pk.isdigit()):
        return None
    if len(micros) > 17 or len(pk) > 18:
        return None
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), int(pk)


def digest(*parts: object) -> str:
    """Return a short word that is the same for the same parts."""
    return hashlib.blake2s(repr(parts).encode(), digest_size=8).hexdigest()
