"""Sentences as vectors by a model of a vendor, where one is set to take the local encoder's place."""

import threading
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from ai import breaker, gateway
from lib import events

# A vendor takes thousands at once; smaller requests keep their deadline.
_TOGETHER = 128
_breaking = threading.Lock()


class UnableToEmbed(Exception):
    """No vectors: the model is not set, rests, failed or was late, or a transaction is open."""


def embed(texts: Sequence[str], *, seconds: float) -> list[list[float]]:
    """Return a vector for each text, all of one length; at most `seconds` for each request.

    Never in a transaction: a vendor may take its time, and others wait for the locks. Raises
    UnableToEmbed.
    """
    if transaction.get_connection().in_atomic_block and not settings.AI_EMBED_IN_TRANSACTIONS:
        raise UnableToEmbed("A model is not asked while a transaction is open.")
    model = settings.AI_EMBEDDING_MODEL
    if not model or not settings.AI_API_KEY:
        raise UnableToEmbed("AI_EMBEDDING_MODEL and AI_API_KEY are not both set.")
    found: list[list[float]] = []
    for start in range(0, len(texts), _TOGETHER):
        found += _ask(model, list(texts[start : start + _TOGETHER]), seconds)
    if len({len(vector) for vector in found}) > 1:
        raise UnableToEmbed("The model answered with vectors of several lengths.")
    return found


def _ask(model: str, texts: list[str], seconds: float) -> list[list[float]]:
    with _breaking:
        if not breaker.of(model).allows():
            raise UnableToEmbed("The model failed again and again, and rests.")
    try:
        vectors = gateway.run(gateway.embed(texts, seconds=seconds), seconds=seconds)
    except gateway.UnableToComplete as error:
        _note(model, is_failure=True)
        events.publish("ai.embedding.failed", meta={"kind": error.kind, "ms": error.ms})
        raise UnableToEmbed(f"The model gave no vectors ({error.kind}).") from error
    _note(model, is_failure=False)
    return vectors


def _note(model: str, *, is_failure: bool) -> None:
    with _breaking:
        breaker.of(model).note(is_failure=is_failure)
