"""How many answers the workspace's plan has room for."""

from dataclasses import dataclass
from datetime import datetime

from billing import plans
from faqs.models import Entry
from faqs.readers import MAX_ROWS, TooManyRows
from workspaces import registry, scope


@dataclass(frozen=True)
class Room:
    """What a plan holds, and what is there. Answers beyond it stay; none is added."""

    plan_name: str
    most: int | None  # None for no limit
    used: int

    @property
    def left(self) -> int | None:
        """Return how many more answers fit, None for no limit."""
        return None if self.most is None else max(0, self.most - self.used)

    def refusal(self, adding: int) -> str:
        """Say why so many more answers do not fit; an empty string when they do."""
        if adding <= 0 or self.left is None or adding <= self.left:
            return ""
        if adding == 1:
            return f"{self.shown} Delete one that you no longer need, or choose a larger plan."
        return (
            f"{self.shown} This adds {adding:,}. Take out {adding - self.left:,} or more, delete "
            "answers that you no longer need, or choose a larger plan."
        )

    def too_many(self, error: TooManyRows) -> str:
        """Say why a file of so many rows is refused before anybody has looked at them."""
        begin = f"The file has {error.shown} rows; {MAX_ROWS:,} is the most for one import."
        if self.left is None or self.left >= error.count:
            return f"{begin} {self.shown} Split it into smaller files, one after the other."
        most = min(self.left, MAX_ROWS)
        what = f"Keep the {most:,} that matter" if most else "Delete some that you no longer need"
        return f"{begin} {self.shown} {what}, or choose a larger plan."

    @property
    def shown(self) -> str:
        """Return a sentence with the plan, its limit and what is used of it."""
        if self.most is None:
            return f"Your plan ({self.plan_name}) has room for any number of answers."
        return (
            f"Your plan ({self.plan_name}) has room for {self.most:,} "
            f"answer{'' if self.most == 1 else 's'}, and {self.used:,} "
            f"{'is' if self.used == 1 else 'are'} there."
        )


def room(*, now: datetime) -> Room:
    """Return the room of the workspace that this connection speaks for."""
    space = registry.by_id(scope.current_workspace_id() or 0)
    if space is None:
        raise RuntimeError("Entries are counted inside a workspace's scope only.")
    standing = plans.standing(workspace=space, now=now)
    return Room(standing.plan_name, standing.max_entries, Entry.objects.count())
