"""Who of the team is here, and where: told by every poll, known for less than a minute."""

from dataclasses import dataclass
from datetime import datetime

from lib import marks
from messaging.inbox import names_of
from workspaces.models import User, Workspace

# Longer than the slowest poll; who closes the page is gone after that.
_FRESH_SECONDS = 40
_WRITING_SECONDS = 12


@dataclass(frozen=True)
class Presence:
    """The others: who is here at all, who has this conversation open, who writes in it."""

    online: dict[int, str]
    here: list[str]
    writing: list[str]

    @property
    def mark(self) -> str:
        """What changes when any of it does; empty for who is alone."""
        if not self.online:
            return ""
        return "|".join([*sorted(self.online.values()), "", *self.here, "", *self.writing])


def note(
    *,
    workspace: Workspace,
    user: User,
    now: datetime,
    conversation_id: int = 0,
    is_writing: bool = False,
) -> Presence:
    """Say that a person is here, and return who else is. Never raises and hardly ever waits."""
    at = int(now.timestamp())
    found = marks.put(
        f"here:{workspace.pk}",
        str(user.pk),
        f"{at} {conversation_id} {int(is_writing)}",
        seconds=_FRESH_SECONDS * 2,
    )
    others = {int(pk): seen for pk, seen in found.items() if pk != str(user.pk)}
    known = {pk: [int(part) for part in seen.split()] for pk, seen in others.items()}
    fresh = {pk: seen for pk, seen in known.items() if at - seen[0] <= _FRESH_SECONDS}
    names = names_of(fresh)
    beside = [
        pk for pk in sorted(fresh) if conversation_id and fresh[pk][1] == conversation_id
    ]  # fmt: skip
    return Presence(
        online=names,
        here=[names[pk] for pk in beside if pk in names],
        writing=[
            names[pk]
            for pk in beside
            if pk in names and fresh[pk][2] and at - fresh[pk][0] <= _WRITING_SECONDS
        ],
    )
