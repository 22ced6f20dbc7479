"""The encoder that the settings choose: the local one, or a vendor's."""

from functools import lru_cache

from django.conf import settings

from faqs.encoder import weights
from faqs.engine.features import Encoder
from faqs.engine.remembering import Remembering


def shared() -> Encoder:
    """Return this process's encoder, which encodes what it has seen lately once only.

    Raises UnableToEncode where its files are missing.
    """
    if settings.AI_EMBEDDING_MODEL:
        return _remote()
    # It loads onnxruntime, which most processes never need.
    from faqs.encoder import encoding

    return _remembering(encoding.shared())


def identity() -> str:
    """Return the name of this very encoder: what was made with another is of no use with it."""
    model: str = settings.AI_EMBEDDING_MODEL
    return f"api {model}"[:60] if model else _local()


@lru_cache(maxsize=1)
def _local() -> str:
    return weights.identity()


@lru_cache(maxsize=1)
def _remembering(encoder: Encoder) -> Encoder:
    return Remembering(encoder)


@lru_cache(maxsize=1)
def _remote() -> Encoder:
    from faqs.encoder.remote import RemoteEncoder

    return Remembering(RemoteEncoder())
