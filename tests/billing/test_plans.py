"""What a workspace may do: rows, not constants; a trial that is over goes on as the free plan."""

from datetime import timedelta

import pytest

from billing import meters, plans
from billing.models import Plan, PlanAllowance, Subscription
from lib import clock
from workspaces import scope
from workspaces.models import AuditEntry, Workspace

pytestmark = pytest.mark.django_db


def change(space: Workspace, plan: str, state: str = "active") -> plans.Standing:
    with scope.workspace(space):
        plans.change(
            workspace=space, plan=plan, state=state, actor=None, actor_kind="command",
            now=clock.now(),
        )  # fmt: skip
        return plans.standing(workspace=space, now=clock.now())


@pytest.mark.parametrize(("plan", "per_day"), [("free", 50), ("starter", 200), ("pro", None)])
def test_each_plan_has_its_messages_a_day(acme: Workspace, plan: str, per_day: int | None) -> None:
    standing = change(acme, plan)

    assert standing.per_day(meters.MESSAGES_SENT) == per_day
    assert standing.per_day(meters.MESSAGES_RECEIVED) is None


def test_a_plans_allowance_is_a_row_that_counts_at_once(acme: Workspace) -> None:
    change(acme, "free")
    with scope.owner():
        PlanAllowance.objects.filter(plan="free").update(per_day=7)

    with scope.workspace(acme):
        standing = plans.standing(workspace=acme, now=clock.now())
    assert standing.per_day(meters.MESSAGES_SENT) == 7


def test_a_new_workspace_is_on_trial(acme: Workspace) -> None:
    with scope.workspace(acme):
        subscription = Subscription.objects.get()
        moment = subscription.trial_ends_at
        assert moment is not None
        on_trial = plans.standing(workspace=acme, now=moment - timedelta(seconds=1))
        after = plans.standing(workspace=acme, now=moment)

    assert (on_trial.state, on_trial.plan_code, on_trial.trial_ends_at) == ("trial", "pro", moment)
    assert (after.state, after.plan_code, after.is_served) == ("active", "free", True)
    assert after.per_day(meters.MESSAGES_SENT) == 50


@pytest.mark.parametrize(
    ("state", "is_served"), [("active", True), ("past_due", True), ("cancelled", False)]
)
def test_only_a_cancelled_subscription_is_not_served(
    acme: Workspace, state: str, is_served: bool
) -> None:
    assert change(acme, "starter", state).is_served is is_served


def test_without_a_subscription_nobody_is_served(acme: Workspace) -> None:
    with scope.workspace(acme):
        Subscription.objects.all().delete()
        standing = plans.standing(workspace=acme, now=clock.now())

    assert (standing.is_served, standing.plan_name) == (False, "No plan")


@pytest.mark.parametrize(
    ("plan", "state", "words"),
    [("gold", "active", "plan is one of"), ("free", "asleep", "state is one of"), ("", "active", "plan is")],
)  # fmt: skip
def test_an_unknown_plan_or_state_is_refused_and_changes_nothing(
    acme: Workspace, plan: str, state: str, words: str
) -> None:
    with pytest.raises(plans.UnableToChangePlan, match=words):
        change(acme, plan, state)

    with scope.workspace(acme):
        assert Subscription.objects.get().plan_id == "pro"


def test_a_change_is_audited_and_a_new_trial_begins_anew(acme: Workspace) -> None:
    with scope.workspace(acme):
        Subscription.objects.update(trial_ends_at=clock.now() - timedelta(days=1))

    standing = change(acme, "pro", "trial")

    assert standing.state == "trial"
    with scope.workspace(acme):
        entry = AuditEntry.objects.filter(action="subscription.changed").latest("pk")
        assert (entry.target, entry.actor_kind) == ("pro trial", "command")
        assert Plan.objects.count() == 3
