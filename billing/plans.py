"""What a workspace may do: its subscription's state and its plan's allowances."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from billing.models import Plan, PlanAllowance, Subscription
from workspaces import audit
from workspaces.models import User, Workspace

FREE = "free"
TRIAL_PLAN = "pro"


@dataclass(frozen=True)
class Standing:
    """How a workspace stands: may it be served, on which plan, and how much a day."""

    state: str
    plan_code: str
    plan_name: str
    is_served: bool
    trial_ends_at: datetime | None
    allowances: dict[str, int]
    max_entries: int | None = None  # answers kept; None for no limit

    def per_day(self, meter: str) -> int | None:
        """Return the day's allowance of `meter`, None for no limit."""
        return self.allowances.get(meter)


def begin_trial(*, workspace: Workspace, now: datetime) -> None:
    """Give a new workspace its trial."""
    Subscription.objects.create(
        workspace=workspace,
        plan_id=TRIAL_PLAN,
        state=Subscription.State.TRIAL,
        trial_ends_at=now + timedelta(days=settings.TRIAL_DAYS),
        changed_at=now,
    )


def standing(*, workspace: Workspace, now: datetime) -> Standing:
    """Return how the workspace stands at `now`.

    A trial that is over goes on as the free plan: customers' chats do not go dead on a date.
    """
    subscription = Subscription.objects.filter(workspace=workspace).select_related("plan").first()
    if subscription is None:
        return Standing("cancelled", "", "No plan", False, None, {})
    plan, state = subscription.plan, str(subscription.state)
    if state == Subscription.State.TRIAL and (subscription.trial_ends_at or now) <= now:
        plan, state = Plan.objects.get(code=FREE), str(Subscription.State.ACTIVE)
    allowances = dict(PlanAllowance.objects.filter(plan=plan).values_list("meter_id", "per_day"))
    return Standing(
        state=state,
        plan_code=plan.code,
        plan_name=plan.name,
        is_served=state != Subscription.State.CANCELLED,
        trial_ends_at=subscription.trial_ends_at if state == Subscription.State.TRIAL else None,
        allowances=allowances,
        max_entries=plan.max_entries,
    )


class UnableToChangePlan(Exception):
    """No such plan or state; the message says which there are."""


def change(
    *,
    workspace: Workspace,
    plan: str,
    state: str,
    actor: User | None,
    actor_kind: str,
    now: datetime,
) -> None:
    """Put the workspace on `plan` in `state` (staff and operators). Raises UnableToChangePlan."""
    if state not in Subscription.State.values:
        raise UnableToChangePlan(f"The state is one of {', '.join(Subscription.State.values)}.")
    if not Plan.objects.filter(code=plan).exists():
        known = ", ".join(Plan.objects.values_list("code", flat=True))
        raise UnableToChangePlan(f"The plan is one of {known}.")
    with transaction.atomic():
        Subscription.objects.update_or_create(
            workspace=workspace,
            defaults={
                "plan_id": plan,
                "state": state,
                "changed_at": now,
                **(
                    {"trial_ends_at": now + timedelta(days=settings.TRIAL_DAYS)}
                    if state == Subscription.State.TRIAL
                    else {}
                ),
            },
        )
        audit.record(
            action="subscription.changed",
            workspace=workspace,
            actor=actor,
            actor_kind=actor_kind,
            target=f"{plan} {state}",
            now=now,
        )
