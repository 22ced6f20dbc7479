"""How a number behaves towards customers: a linked phone reads, types a while, then sends."""

import random

from django.conf import settings

from connections import providers
from connections.models import Connection

LINKED = "linked_device"
_MOST_KNOWN = 20_000
# A number keeps its kind for good, so it is asked once in a process.
_known: dict[int, bool] = {}
_MS_A_LETTER = 15


def is_linked(connection_id: int) -> bool:
    """Say whether the number is a linked phone. Call in its workspace's scope."""
    if connection_id not in _known:
        names = Connection.every.filter(pk=connection_id).values_list("provider", flat=True)
        name = names.first()
        if name is None:
            return False
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        try:
            _known[connection_id] = providers.get(name).is_linked
        except providers.UnknownProvider:
            return False
    return _known[connection_id]


def unknown_retry_seconds(connection: Connection) -> int:
    """Return after how long a send of which nobody knows whether it went out is tried again."""
    if connection.provider == LINKED:
        return int(settings.LINKED_DEVICE_UNKNOWN_RETRY_SECONDS)
    return int(settings.UNKNOWN_RETRY_SECONDS)


def typing_seconds(text: str) -> float:
    """Return how long a linked phone "types" before it sends `text`: longer for longer texts."""
    least, most = (int(ms) for ms in settings.LINKED_DEVICE_TYPING_MS)
    if most <= 0:
        return 0.0
    ms = min(most, least + len(text) * _MS_A_LETTER)
    return ms * random.uniform(0.85, 1.0) / 1000  # noqa: S311 - not a secret


def forget() -> None:
    """Ask anew (tests)."""
    _known.clear()
