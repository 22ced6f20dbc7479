"""Is what ranks a workspace's entries up to date? Light: asked where nothing is trained."""

import time

from faqs import labels, versions
from faqs.encoder import optional
from faqs.models import Entry
from faqs.versions import Current
from workspaces import alarms
from workspaces.models import Workspace

_ASK_SECONDS = 60.0
_MOST_ASKED = 2_000
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
    """Ask for a model of the entries as they are where nobody is to make one; once a minute.

    For who answers customers: after an update of the program, when a stored one was unusable, or
    when a program of another version, which keeps models of its own, has taken the alarm off.
    """
    now = time.monotonic()
    if current.model == current.entries or _asked.get(workspace.pk, 0.0) > now:
        return
    if optional.encoder() is None:
        return
    if len(_asked) >= _MOST_ASKED:
        _asked.clear()
    _asked[workspace.pk] = now + _ASK_SECONDS
    # An alarm that is set is not hurried: it may have been put off after trouble.
    if not alarms.is_set(workspace_id=workspace.pk, kind=versions.ALARM):
        arm()


def arm() -> None:
    """Ask for training where it is due and nobody asked: after an update, or a lost alarm."""
    if is_due() and Entry.objects.exists():
        versions.ask_for_training()
