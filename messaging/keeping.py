"""What a workspace wants once a day: old traces go, alarms that were lost are set again."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import F

from faqs import freshness
from messaging import takeover
from workspaces import alarms, registry, retention, scope
from workspaces.models import Workspace
from workspaces.retention import Rule

_log = logging.getLogger(__name__)
ALARM = "keep"
_MINUTES = 24 * 60
# In one turn of a workspace; what is left waits for its alarm, so that others get their turn.
_MOST_ROWS = 100_000


def rules() -> list[Rule]:
    """Return what may go from a workspace's own tables."""
    return [
        Rule("messaging_tracestep", "why the bot did what it did", settings.RETENTION_DAYS["trace"], "at")
    ]  # fmt: skip


def keep(*, now: datetime) -> int:
    """Look after the workspaces whose minute of the day it is, and those with more to do.

    The id chooses the minute: without a list, a thousand workspaces are spread over the day.
    Returns how many were looked after.
    """
    minute = now.hour * 60 + now.minute
    with scope.system():
        mine = Workspace.objects.annotate(minute=F("pk") % _MINUTES).filter(minute=minute)
        ids = [*mine.values_list("pk", flat=True), *alarms.due(kind=ALARM, now=now)]
    for workspace_id in dict.fromkeys(ids):
        space = registry.by_id(workspace_id)
        try:
            if space is not None:
                with scope.workspace(space):
                    _keep(space, now)
        except DatabaseError:
            _log.exception("messaging.keep.failed")
            with scope.system():
                alarms.put_off(
                    workspace_id=workspace_id, kind=ALARM, until=now + timedelta(hours=1)
                )
    return len(set(ids))


def _keep(space: Workspace, now: datetime) -> None:
    takeover.arm(workspace=space)
    freshness.arm()
    is_done = True
    for rule in retention.workspace_rules():
        is_done &= retention.apply(rule, now=now, most=_MOST_ROWS).is_done
    if not is_done:
        alarms.set_at_latest(workspace_id=space.pk, kind=ALARM, due_at=now + timedelta(minutes=1))
    alarms.settle(
        workspace_id=space.pk,
        kind=ALARM,
        find_next=lambda: None if is_done else now + timedelta(minutes=1),
    )
