"""The way from a new workspace to a live bot: which steps were done, and which left for later.

Kept with the workspace as words, so that another device goes on where the first one stopped.
What a step is about is known by the rooms above; of those only the addresses stand in the
settings (`ONBOARDING_STEPS`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from workspaces import scope
from workspaces.models import Workspace

STEPS = ("business", "number", "answers", "try", "live")
# Kept small: a workspace's row is read with every request.
_MOST_COUNTED = 99


@dataclass(frozen=True)
class Setup:
    """How far a workspace is. Workspaces made by a command begin without."""

    is_led: bool = False  # somebody was led through the steps
    is_open: bool = False  # and still is: pages lead from one to the next
    done: frozenset[str] = field(default_factory=frozenset)
    left: frozenset[str] = field(default_factory=frozenset)
    counts: dict[str, int] = field(default_factory=dict)
    is_hidden: bool = False
    live_at: datetime | None = None


def read(workspace: Workspace) -> Setup:
    """Return how far the workspace is, by what this row of it says."""
    kept = workspace.setup
    live_at = kept.get("live_at")
    return Setup(
        is_led="is_open" in kept,
        is_open=bool(kept.get("is_open")),
        done=frozenset(kept.get("done", ())),
        left=frozenset(kept.get("left", ())),
        counts=dict(kept.get("counts", {})),
        is_hidden=bool(kept.get("is_hidden")),
        live_at=datetime.fromisoformat(live_at) if live_at else None,
    )


def freshen(workspace: Workspace) -> Setup:
    """Read how far the workspace is now: another device may have gone on."""
    with scope.system():
        workspace.setup = Workspace.objects.values_list("setup", flat=True).get(pk=workspace.pk)
    return read(workspace)


def place_of(step: str) -> str:
    """Return the URL name of a step's page."""
    place: str = settings.ONBOARDING_STEPS[step]
    return place


def following(step: str) -> str:
    """Return the step after this one; empty after the last."""
    at = STEPS.index(step) + 1
    return STEPS[at] if at < len(STEPS) else ""


def finish(workspace: Workspace, step: str) -> None:
    """Keep that a step was done."""
    known = read(workspace)
    if step in known.done and step not in known.left:
        return

    def change(kept: dict[str, Any]) -> None:
        kept["done"] = sorted({*kept.get("done", ()), step})
        kept["left"] = sorted({*kept.get("left", ())} - {step})

    _change(workspace, change)


def leave(workspace: Workspace, step: str) -> None:
    """Keep that a step was left for later."""

    def change(kept: dict[str, Any]) -> None:
        kept["left"] = sorted({*kept.get("left", ()), step})

    _change(workspace, change)


def count(workspace: Workspace, what: str) -> None:
    """Count something that a step wants some of (questions tried, replies judged)."""

    def change(kept: dict[str, Any]) -> None:
        counts = kept.setdefault("counts", {})
        counts[what] = min(_MOST_COUNTED, int(counts.get(what, 0)) + 1)

    if read(workspace).counts.get(what, 0) < _MOST_COUNTED:
        _change(workspace, change)


def go_live(workspace: Workspace, now: datetime) -> None:
    """Keep when the bot was first let loose; the steps are over, their list stays."""

    def change(kept: dict[str, Any]) -> None:
        kept["done"] = sorted({*kept.get("done", ()), "live"})
        kept["left"] = sorted({*kept.get("left", ())} - {"live"})
        kept.setdefault("live_at", now.isoformat())

    _change(workspace, change)


def close(workspace: Workspace) -> None:
    """End the steps: pages no longer lead from one to the next."""
    _change(workspace, lambda kept: kept.update(is_open=False))


def hide(workspace: Workspace, *, is_hidden: bool) -> None:
    """Put the list of steps away, or show it again."""
    _change(workspace, lambda kept: kept.update(is_hidden=is_hidden))


def _change(workspace: Workspace, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what is kept; of two devices at once neither takes the other's step back."""
    with scope.system(), transaction.atomic():
        # The key stays free: what is written for this workspace meanwhile points at the row.
        row = Workspace.objects.select_for_update(no_key=True).only("setup").get(pk=workspace.pk)
        change(row.setup)
        row.save(update_fields=["setup"])
    workspace.setup = row.setup
