"""Is what ranks a workspace's entries up to date? Light: asked where nothing is trained."""

import time

from faqs import labels, versions
from faqs.encoder import optional
from faqs.models import Entry
from faqs.versions import Current
from workspaces.models import Workspace

_ASK_SECONDS = 60.0
_asked: dict[int, float] = {}


def is_trained() -> bool:
    """Say whether the model of the workspace in scope is one of its entries as they are."""
    current = versions.current()
    return current.model == current.entries


def is_due() -> bool:
    """Say whether there is something to learn: changed entries, or what people said of answers."""
    current = versions.current()
    return current.model != current.entries or labels.are_worth_fitting(fitted=current.fitted)


def heal(workspace: Workspace, current: Current) -> None:
    """Ask for a model where there should be one and is none, once a minute at most.

    For who answers customers: after an update of the program, or when a stored one was unusable.
    """
    now = time.monotonic()
    if current.model or optional.encoder() is None or _asked.get(workspace.pk, 0.0) > now:
        return
    _asked[workspace.pk] = now + _ASK_SECONDS
    arm()


def arm() -> None:
    """Ask for training where it is due and nobody asked: after an update, or a lost alarm."""
    if is_due() and Entry.objects.exists():
        versions.ask_for_training()
