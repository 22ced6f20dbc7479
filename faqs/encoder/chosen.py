"""The encoder that the settings choose: the local one, or a vendor's."""

import threading
from functools import lru_cache

from django.conf import settings

from faqs.encoder import weights
from faqs.engine.features import Encoder
from faqs.engine.remembering import Remembering


def shared() -> Encoder:
    """Return this process's encoder, which encodes what it has seen lately once only.

    Raises UnableToEncode where its files are missing.
    """
    return _remembering(for_lists=False)


def for_lists() -> Encoder:
    """Return the same with a memory of its own, for lists of entries: no flood pushes them out."""
    return _remembering(for_lists=True)


def identity() -> str:
    """Return the name of this very encoder: what was made with another is of no use with it."""
    model: str = settings.AI_EMBEDDING_MODEL
    return f"api {model}"[:60] if model else _local()


@lru_cache(maxsize=1)
def _local() -> str:
    return weights.identity()


def _encoder() -> Encoder:
    if settings.AI_EMBEDDING_MODEL:
        from faqs.encoder.remote import RemoteEncoder

        return RemoteEncoder()
    # It loads onnxruntime, which most processes never need.
    from faqs.encoder import encoding

    return encoding.shared()


def _remembering(*, for_lists: bool) -> Encoder:
    key = (for_lists, settings.AI_EMBEDDING_MODEL, settings.FAQ_MODEL_FOLDER)
    with _lock:
        if key not in _made:
            _made[key] = Remembering(_encoder())
        return _made[key]


_lock = threading.Lock()
_made: dict[tuple[bool, str, str], Encoder] = {}


def forget() -> None:
    """Forget what was encoded (tests)."""
    with _lock:
        _made.clear()
