"""What a member who goes leaves behind (settings.MEMBER_DEPARTURES)."""

from datetime import datetime

from messaging import commands, takeover
from workspaces.models import User, Workspace


def depart(*, workspace: Workspace, user: User, now: datetime) -> None:
    """Give back the conversations that the user holds, and take their phone's commands away.

    In the transaction that takes their place away; the workspace is in scope.
    """
    takeover.give_back_all(user=user)
    commands.forget(workspace=workspace, user=user, now=now)
