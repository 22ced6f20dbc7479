"""Which models this program can use: those of its own form, made with its own encoder."""

from functools import lru_cache

from faqs.encoder import weights
from faqs.engine import model


@lru_cache(maxsize=1)
def of_models() -> str:
    """Return what a stored model must be called to be read here.

    Programs of two versions may run beside each other for a while: each keeps its own.
    """
    return f"{weights.identity()}/{model.FORM}"
