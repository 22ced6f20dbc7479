"""What is counted and what is owed: the append-only ledger, plans and subscriptions."""

from django.db import models
from django.db.models.expressions import RawSQL

from workspaces.models import Workspace


class Meter(models.Model):
    """Something that is counted. Immutable but for its label."""

    code = models.CharField(max_length=32, primary_key=True)
    label = models.CharField(max_length=60)
    unit = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.code


class UsageEvent(models.Model):
    """One countable thing that happened. Never changed, never deleted: see workspaces.walls."""

    class Kind(models.IntegerChoices):
        USAGE = 0
        CORRECTION = 1

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, db_index=False)
    quantity = models.BigIntegerField()
    subject = models.BigIntegerField()  # our own row's id: message, call, number and month
    kind = models.SmallIntegerField(choices=Kind, default=Kind.USAGE)
    reverses_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    day = models.DateField()  # in the workspace's time zone, fixed at insert
    connection_id = models.BigIntegerField(null=True)
    category = models.CharField(max_length=32, blank=True)
    cost_micro = models.BigIntegerField(null=True)  # micro-units of cost_currency
    cost_currency = models.CharField(max_length=3, blank=True)
    tx = models.BigIntegerField(
        db_default=RawSQL(
            "pg_current_xact_id()::text::bigint", [], output_field=models.BigIntegerField()
        )
    )
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "meter", "subject", "kind"], name="usage_counted_once"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=0) | models.Q(kind=1),
                name="usage_negative_only_as_correction",
            ),
        ]
        indexes = [models.Index(fields=["workspace", "day", "meter"], name="usage_by_day")]

    def __str__(self) -> str:
        return f"usage {self.pk}"


class DailyCounter(models.Model):
    """How much of a capped meter a workspace has used or reserved today. Rebuildable."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "meter", "day"], name="counter_once_a_day")
        ]

    def __str__(self) -> str:
        return f"counter {self.pk}"


class Plan(models.Model):
    """What a subscription allows. Rows, not constants; no row means no limit on a meter."""

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=40)
    currency = models.CharField(max_length=3, default="NGN")
    price_minor = models.BigIntegerField(default=0)  # a month, in kobo
    is_offered = models.BooleanField(default=True)
    max_entries = models.IntegerField(null=True, blank=True)  # answers kept; null: no limit

    def __str__(self) -> str:
        return self.name


class PlanAllowance(models.Model):
    """How much of a meter a plan allows a day."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="allowances")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT)
    per_day = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "meter"], name="allowance_once_per_meter")
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}: {self.per_day} {self.meter_id} a day"


class Subscription(models.Model):
    """What a workspace has signed up to."""

    class State(models.TextChoices):
        TRIAL = "trial", "Trial"
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Payment is late"
        CANCELLED = "cancelled", "Cancelled"

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    state = models.CharField(max_length=10, choices=State, default=State.TRIAL)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"subscription {self.pk}"
