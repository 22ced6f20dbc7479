"""The numbers and their two mailboxes. Public tables: what is due is one indexed question."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from workspaces.models import Workspace

MOST_PER_SECOND = 1_000
# The keys of messages that the business begins (connections.lifecycle.send) start so.
BEGUN = "begun:"


class LiveConnections(models.Manager["Connection"]):
    """The numbers that a workspace has; removed ones stay for what still speaks of them."""

    def get_queryset(self) -> models.QuerySet["Connection"]:
        return super().get_queryset().filter(removed_at__isnull=True)


class Connection(models.Model):
    """A workspace's WhatsApp number and the way to it."""

    class State(models.TextChoices):
        NOT_CONNECTED = "not_connected", "Not connected"
        WAITING_FOR_SCAN = "waiting_for_scan", "Waiting for scan"
        CONNECTING = "connecting", "Connecting"
        CONNECTED = "connected", "Connected"
        SILENT = "silent", "Silent (checking)"
        RECONNECTING = "reconnecting", "Reconnecting"
        LOGGED_OUT = "logged_out", "Logged out"
        NEEDS_PASSKEY = "needs_passkey", "Needs passkey"
        BLOCKED = "blocked", "Blocked by WhatsApp"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="connections")
    provider = models.CharField(max_length=20)
    phone = models.CharField(max_length=16)  # E.164
    external_id = models.CharField(max_length=64)  # the provider's own id, e.g. phone_number_id
    account_id = models.CharField(max_length=64, blank=True)  # e.g. the WABA id
    label = models.CharField(max_length=60, blank=True)
    credentials = models.TextField(blank=True)  # encrypted JSON, see connections.credentials
    state = models.CharField(max_length=20, choices=State, default=State.CONNECTING)
    state_code = models.CharField(max_length=30, blank=True)
    state_reason = models.CharField(max_length=300, blank=True)
    # False: nothing is sent (owner switched it off, or an error of that kind did).
    is_sending = models.BooleanField(default=True)
    slow_until = models.DateTimeField(null=True, blank=True)
    # What WhatsApp lets the number send: 80 a second, numbers that it has upgraded 1,000.
    rate_per_second = models.PositiveSmallIntegerField(
        default=80,
        db_default=80,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_SECOND)],
    )
    # Since when WhatsApp takes its messages and delivers none (connections.watchdog).
    undelivered_since = models.DateTimeField(null=True, blank=True)
    state_changed_at = models.DateTimeField()
    last_connected_at = models.DateTimeField(null=True, blank=True)
    last_disconnected_at = models.DateTimeField(null=True, blank=True)
    # Tries to connect that failed in a row (connections.incidents).
    failures = models.PositiveIntegerField(default=0, db_default=0)
    # When the phone that is linked now was online first (connections.linked.states).
    linked_at = models.DateTimeField(null=True, blank=True)
    # Milliseconds between two messages, drawn anew each time; 0: `rate_per_second` alone counts.
    least_gap_ms = models.PositiveIntegerField(default=0, db_default=0)
    most_gap_ms = models.PositiveIntegerField(default=0, db_default=0)
    # WhatsApp lets it begin no conversations before (answers go on).
    cold_until = models.DateTimeField(null=True, blank=True)
    # When its owner's right to the number was shown: by a live check, or by an operator. Only
    # then do updates reach the workspace; a number that somebody merely typed gets nothing.
    verified_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    last_outbound_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = LiveConnections()
    every: ClassVar[models.Manager["Connection"]] = models.Manager()

    class Meta:
        constraints = [
            # Two workspaces can never hold the same number; many may have typed it.
            models.UniqueConstraint(
                fields=["external_id"],
                condition=Q(verified_at__isnull=False, removed_at__isnull=True),
                name="connection_number_held_once",
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"],
                condition=Q(removed_at__isnull=True),
                name="connection_once_in_workspace",
            ),
            models.CheckConstraint(
                condition=Q(rate_per_second__gte=1, rate_per_second__lte=MOST_PER_SECOND),
                name="connection_rate_in_bounds",
            ),
        ]
        indexes = [models.Index(fields=["account_id"], name="connection_by_account")]

    def __str__(self) -> str:
        return f"connection {self.pk}"


class ConnectionEvent(models.Model):
    """What happened to a connection: states, errors, account notices. The owner's log."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    code = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["connection", "-at"], name="connection_event_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Incident(models.Model):
    """A number that does not come back by itself: from when people were told until it was over."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="incidents")
    code = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(closed_at__isnull=True),
                name="incident_one_open_a_connection",
            )
        ]

    def __str__(self) -> str:
        return f"incident {self.pk}"


class FirstContact(models.Model):
    """A customer whom a number wrote to first: so many a day, no more (connections.linked.limits)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_index=False)
    digest = models.CharField(max_length=64)  # keyed: a count, not a list of customers
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "digest"], name="first_contact_once")
        ]
        indexes = [models.Index(fields=["connection", "at"], name="first_contact_by_time")]

    def __str__(self) -> str:
        return f"first contact {self.pk}"


class InboundEvent(models.Model):
    """The inbox: everything a provider told us, stored before it was acknowledged."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Done"
        UNROUTED = "unrouted", "No such number"
        DEAD = "dead", "Dead letter"

    workspace = models.ForeignKey(Workspace, null=True, on_delete=models.CASCADE, db_index=False)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE, db_index=False)
    provider = models.CharField(max_length=20)
    number_id = models.CharField(max_length=64, blank=True)  # as named in the payload
    kind = models.CharField(max_length=20)  # connections.events.Kind
    key = models.CharField(max_length=300)  # what makes this update itself; see connections.keeping
    subject = models.CharField(max_length=200, blank=True)  # the provider's message id
    conversation_key = models.CharField(max_length=200, blank=True)
    # Which line of its workspace it stands in (connections.inbox.lane_of).
    lane = models.SmallIntegerField(default=0)
    payload = models.JSONField(null=True)  # erased after retention
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.SmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    correlation = models.CharField(max_length=32, blank=True)
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="inbound_once")]
        indexes = [
            # By id: the oldest is found at once, whatever the planner believes about the rest.
            models.Index(
                fields=["workspace", "lane", "id"],
                condition=Q(state="pending"),
                name="inbound_pending_by_lane",
            ),
            models.Index(fields=["subject"], name="inbound_by_subject"),
            models.Index(
                fields=["received_at"],
                condition=Q(payload__isnull=False),
                name="inbound_payload_age",
            ),
        ]

    def __str__(self) -> str:
        return f"inbound {self.pk}"


class OutboundJob(models.Model):
    """The outbox: what is to be sent, in order within a conversation."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        SENDING = "sending", "Being sent"
        ACCEPTED = "accepted", "Accepted"
        UNKNOWN = "unknown", "Unknown (waiting for its status)"
        FAILED = "failed", "Failed"
        DEAD = "dead", "Dead letter"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_index=False)
    key = models.CharField(max_length=120)  # what makes this send itself, e.g. `message:17`
    kind = models.CharField(max_length=12)  # connections.events.OutboundKind
    message_id = models.BigIntegerField(null=True)  # the workspace's own Message
    conversation_key = models.CharField(max_length=200)
    payload = models.JSONField(null=True)  # what to say and to whom; erased after retention
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.SmallIntegerField(default=0)
    claimed_pid = models.IntegerField(null=True)  # the claiming backend: gone = crashed
    claimed_at = models.DateTimeField(null=True)
    # The claiming process (SenderHeartbeat.token); empty: judged by its backend alone.
    claimed_by = models.CharField(max_length=32, blank=True, default="", db_default="")
    provider_message_id = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=30, blank=True)
    vendor_code = models.CharField(max_length=30, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # The process that was sending it died: nobody knows whether it went out.
    has_crashed = models.BooleanField(default=False)
    # It was only out of the database's sight: its request may still have been on the way.
    was_cut_off = models.BooleanField(default=False, db_default=False)
    has_status = models.BooleanField(default=False)  # a status came back for it
    delivered_at = models.DateTimeField(null=True)  # its status said delivered, or read
    expires_at = models.DateTimeField(null=True)  # the 24-hour window's end: never sent later
    correlation = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        # The key first: the row wall adds `workspace_id = ...` to each question, and an index that
        # begins with it would be taken for any of them, to read all that a workspace ever sent.
        constraints = [
            models.UniqueConstraint(fields=["key", "workspace"], name="outbound_key_once")
        ]
        indexes = [
            models.Index(
                fields=["connection", "id"], condition=Q(state="queued"), name="outbound_queued"
            ),
            models.Index(
                fields=["connection", "conversation_key", "id"],
                condition=Q(state__in=["queued", "sending"]),
                name="outbound_open_by_conversation",
            ),
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["sending", "unknown"]),
                name="outbound_unsettled",
            ),
            models.Index(
                fields=["provider_message_id"],
                condition=~Q(provider_message_id=""),
                name="outbound_by_provider_id",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(payload__isnull=False),
                name="outbound_payload_age",
            ),
        ]

    def __str__(self) -> str:
        return f"outbound {self.pk}"

    @property
    def is_begun(self) -> bool:
        """Say whether the business writes first, unasked."""
        return self.key.startswith(BEGUN)


class SenderHeartbeat(models.Model):
    """A process that sends, and when it last showed that it lives and reaches the database."""

    token = models.CharField(max_length=32, primary_key=True)
    pid = models.IntegerField()  # the database backend that it beats through
    started_at = models.DateTimeField()
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"sender {self.token}"


class Pacing(models.Model):
    """How fast a number sends: when its next send would be due at an even pace (GCRA)."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    arrives_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"pacing of connection {self.connection_id}"


class PairPacing(models.Model):
    """The same for a number and one customer; rows go when their time is long past."""

    pk = models.CompositePrimaryKey("connection", "digest")
    # Written at every send: the two rows it points at need not be asked each time.
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, db_index=False, db_constraint=False
    )
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, db_index=False, db_constraint=False
    )
    digest = models.BigIntegerField()  # of the conversation's key: a pace, not a person
    arrives_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"pacing of a pair of connection {self.connection_id}"


class DirectoryEntry(models.Model):
    """Where a phone number is known: lets support find it without a list of customers.

    Holds a keyed digest, never the number; erased with the contact.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64)
    contact_id = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["digest", "workspace", "contact_id"], name="directory_entry_once"
            )
        ]
        verbose_name_plural = "directory entries"

    def __str__(self) -> str:
        return f"directory entry {self.pk}"


# Django looks for tables here; these have a file of their own.
from connections.linked.models import (  # noqa: E402
    LinkedKey,
    LinkedSent,
    LinkedSession,
)

__all__ = [
    "BEGUN",
    "MOST_PER_SECOND",
    "Connection",
    "ConnectionEvent",
    "DirectoryEntry",
    "FirstContact",
    "InboundEvent",
    "Incident",
    "LinkedKey",
    "LinkedSent",
    "LinkedSession",
    "OutboundJob",
    "Pacing",
    "PairPacing",
    "SenderHeartbeat",
]
