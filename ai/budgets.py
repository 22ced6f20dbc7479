"""What a workspace may spend on models: reserve the most a call can cost, settle what it did."""

from datetime import date, datetime

from django.conf import settings
from django.db.models import F

from ai.models import Budget
from lib import clock
from workspaces.models import Workspace


def _month(workspace: Workspace, now: datetime) -> date:
    return clock.local_day(now, workspace.time_zone).replace(day=1)


def reserve(*, workspace: Workspace, nano: int, now: datetime) -> bool:
    """Take `nano` (nano-USD) of this month's budget; False when it does not fit."""
    month = _month(workspace, now)
    Budget.objects.get_or_create(
        workspace=workspace, month=month, defaults={"limit_nano": settings.AI_MONTHLY_LIMIT_NANO}
    )
    return bool(
        Budget.objects.filter(
            workspace=workspace,
            month=month,
            spent_nano__lte=F("limit_nano") - F("reserved_nano") - nano,
        ).update(reserved_nano=F("reserved_nano") + nano)
    )


def settle(*, workspace: Workspace, reserved: int, cost: int, at: datetime) -> None:
    """Give the reservation made at `at` back and book what the call did cost."""
    Budget.objects.filter(workspace=workspace, month=_month(workspace, at)).update(
        reserved_nano=F("reserved_nano") - reserved, spent_nano=F("spent_nano") + cost
    )
