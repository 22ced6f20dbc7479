"""Find workspaces by slug or id, with a cache of a few seconds: asked on every request."""

import re
import threading
import time

from workspaces import scope
from workspaces.models import Workspace

_SLUG = re.compile(r"[a-z0-9_-]{1,50}")
CACHE_SECONDS = 5.0
# Workers ask by id, and read the state anew before they act: see `freshen`, connections.inbox.
_ID_SECONDS = 30.0
_lock = threading.Lock()
_cache: dict[str | int, tuple[float, Workspace]] = {}


def by_slug(slug: str) -> Workspace | None:
    """Return the workspace at `/w/<slug>/`, or None."""
    if not _SLUG.fullmatch(slug):
        return None  # what people type into an address bar, NUL included, never reaches SQL
    return _find(slug, {"slug": slug})


def by_id(workspace_id: int) -> Workspace | None:
    """Return the workspace with this id, or None."""
    return _find(workspace_id, {"pk": workspace_id})


def freshen(workspace: Workspace) -> None:
    """Read the workspace's state anew: a suspension stops the bot and the sends at once.

    Call in the workspace's scope, before acting for it.
    """
    row = Workspace.objects.filter(pk=workspace.pk).values_list("state", "state_reason").first()
    if row is not None:
        workspace.state, workspace.state_reason = row


def forget() -> None:
    """Empty the cache (this process only; others see a change within CACHE_SECONDS)."""
    with _lock:
        _cache.clear()


def _find(key: str | int, where: dict[str, str | int]) -> Workspace | None:
    found = _cache.get(key)
    if found and found[0] > time.monotonic():
        return found[1]
    with scope.system():
        space: Workspace | None = Workspace.objects.filter(**where).first()
    # Only what exists is kept, so that guesses cannot fill the memory.
    if space is not None:
        with _lock:
            if len(_cache) > 5_000:
                _cache.clear()
            seconds = CACHE_SECONDS if isinstance(key, str) else _ID_SECONDS
            _cache[key] = (time.monotonic() + seconds, space)
    return space
