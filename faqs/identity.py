"""Which models this program can use: those of its own form, made with its own encoder."""

from faqs.encoder import chosen
from faqs.engine import model


def of_models() -> str:
    """Return what a stored model must be called to be read here.

    Programs of two versions may run beside each other for a while: each keeps its own.
    """
    return f"{chosen.identity()}/{model.FORM}"
