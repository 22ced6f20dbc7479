"""What was asked of a model, and what it cost; and how much a workspace may spend."""

from django.db import models

from workspaces.models import Workspace


class Budget(models.Model):
    """A workspace's spending on models in one calendar month, in nano-USD."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    month = models.DateField()  # the first day of it, in the workspace's time zone
    limit_nano = models.BigIntegerField()
    spent_nano = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "month"], name="budget_once_a_month")
        ]

    def __str__(self) -> str:
        return f"budget {self.pk}"


class Call(models.Model):
    """One question to a model: in line, asked, settled, or unknown if its answer was lost.

    While it is open, its budget counts it with the most it can cost.

    `request` and `decision` hold plain data (candidate entries by number, never other
    workspaces' texts) and are erased when the call is settled and used.
    """

    CHOOSE = "choose"  # for a customer's message (ai.choosing)
    PHRASINGS = "phrasings"  # for a manager (ai.suggesting)

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        ASKED = "asked", "Asked"
        SETTLED = "settled", "Settled"
        UNKNOWN = "unknown", "Unknown"
        REFUSED = "refused", "Over budget"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=20)  # one of the words above
    # The caller's own row: a message's or an entry's id; below zero once that is asked about anew.
    reference = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    route = models.CharField(max_length=10)
    model = models.CharField(max_length=80, blank=True)
    request = models.JSONField()
    decision = models.JSONField(null=True)
    estimated_nano = models.BigIntegerField(default=0)
    cost_nano = models.BigIntegerField(default=0)
    tokens_in = models.IntegerField(default=0)
    tokens_out = models.IntegerField(default=0)
    ms = models.IntegerField(default=0)
    failure = models.CharField(max_length=20, blank=True)
    correlation = models.CharField(max_length=32, blank=True)
    # By when the next step should have been made: asked, answered, or taken up (ai.choosing).
    deadline_at = models.DateTimeField()
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "purpose", "reference"], name="call_once_per_reference"
            )
        ]
        indexes = [
            models.Index(
                fields=["deadline_at"],
                condition=models.Q(used_at__isnull=True),
                name="call_open_by_deadline",
            ),
            models.Index(
                fields=["workspace", "id"],
                condition=models.Q(state="waiting"),
                name="call_in_line",
            ),
            models.Index(
                fields=["workspace", "id"],
                condition=models.Q(state="settled", used_at__isnull=True),
                name="call_to_take_up",
            ),
            models.Index(
                fields=["workspace", "deadline_at"],
                condition=models.Q(state__in=["waiting", "asked"], used_at__isnull=True),
                name="call_unanswered",
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"
