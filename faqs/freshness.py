"""Is what ranks a workspace's entries up to date? Light: asked where nothing is trained."""

from faqs import labels, versions
from faqs.models import Entry


def is_trained() -> bool:
    """Say whether the model of the workspace in scope is one of its entries as they are."""
    current = versions.current()
    return current.model == current.entries


def is_due() -> bool:
    """Say whether there is something to learn: changed entries, or what people said of answers."""
    current = versions.current()
    return current.model != current.entries or labels.are_worth_fitting(fitted=current.fitted)


def arm() -> None:
    """Ask for training where it is due and nobody asked: after an update, or a lost alarm."""
    if is_due() and Entry.objects.exists():
        versions.ask_for_training()
