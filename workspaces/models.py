"""Who there is: people, workspaces, memberships, and the record of what was done."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django_tenants.models import TenantMixin

from lib import zones


class UserManager(BaseUserManager["User"]):
    """Makes people; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: owner, teammate or staff. The e-mail address is the name."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return f"user {self.pk}"

    @property
    def shown_name(self) -> str:
        return self.name or self.email.split("@", 1)[0]


def _known_time_zone(value: str) -> None:
    if value not in zones.known():
        raise ValidationError("Choose a time zone such as Africa/Lagos.")


class Workspace(TenantMixin):
    """One business: its slug is its address, its schema holds its content."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        CLOSING = "closing", "Closing"  # it is erased at `erase_at` (workspaces.closing)

    auto_create_schema = False  # workspaces.schemas makes it, in the row's own transaction

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=50, unique=True)
    country = models.CharField(max_length=2, default="NG")
    time_zone = models.CharField(
        max_length=64, default="Africa/Lagos", validators=[_known_time_zone]
    )
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    state_reason = models.CharField(max_length=200, blank=True)
    schema_version = models.CharField(max_length=200, blank=True)
    flags = models.JSONField(default=dict, blank=True)
    # Of business (workspaces.trades). These have defaults of the database's own: processes of the
    # version before make workspaces, too, while one version follows the other.
    kind = models.CharField(max_length=20, blank=True, default="", db_default="")
    city = models.CharField(max_length=80, blank=True, default="", db_default="")
    # The steps of the beginning that were done or left, and whether its list is put away
    # (workspaces.onboarding).
    setup = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), blank=True
    )
    erase_at = models.DateTimeField(null=True, blank=True)
    state_before = models.CharField(max_length=12, blank=True, default="", db_default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "suspended", "closing"]),
                name="workspace_state_known",
            )
        ]

    def __str__(self) -> str:
        return f"workspace {self.slug}"

    @property
    def is_suspended(self) -> bool:
        """Say whether bot and sends are stopped: by us, or because it is being closed."""
        return self.state != self.State.ACTIVE

    @property
    def is_closing(self) -> bool:
        return self.state == self.State.CLOSING


class Member(models.Model):
    """A person's place in a workspace."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        MANAGER = "manager", "Manager"
        AGENT = "agent", "Agent"
        VIEWER = "viewer", "Viewer"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)  # to some minutes

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="member_once_per_workspace")
        ]

    def __str__(self) -> str:
        return f"member {self.pk}"


class AuditEntry(models.Model):
    """Who did what, when, and why; append-only (the application role may not change it)."""

    workspace = models.ForeignKey(Workspace, null=True, on_delete=models.CASCADE)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    actor_kind = models.CharField(max_length=12)  # member, staff, command, system
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    correlation = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-at"], name="audit_by_workspace"),
            # For the owner's page, a slice of it by person and by what was done.
            models.Index(fields=["workspace", "-id"], name="audit_newest"),
            models.Index(fields=["workspace", "actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["workspace", "action", "-id"], name="audit_by_action"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


class Notice(models.Model):
    """Something the owner should know, said once per key (and by e-mail)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=400)
    created_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="notice_once_per_key")
        ]

    def __str__(self) -> str:
        return f"notice {self.key}"


class Alarm(models.Model):
    """When a workspace is to be looked at next, for one kind of work (workspaces.alarms)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    kind = models.CharField(max_length=20)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind"], name="alarm_once_per_kind")
        ]
        indexes = [models.Index(fields=["kind", "due_at"], name="alarm_due")]

    def __str__(self) -> str:
        return f"alarm {self.pk}"


class ApiToken(models.Model):
    """A token that a program of a workspace shows (workspaces.tokens). The token itself is not kept."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    # Without one it is the workspace's own. Never SET_NULL: a removed person's would become that.
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)
    jti = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80, blank=True)
    scopes = models.CharField(max_length=60)  # words with spaces between, as in the token
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"], name="api_token_by_time")]

    def __str__(self) -> str:
        return f"api token {self.pk}"


class Invitation(models.Model):
    """A place in a workspace that is offered to one person (workspaces.invitations)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    email = models.EmailField(blank=True)  # empty: the first person with the link may take it
    phone = models.CharField(max_length=16, blank=True)  # whose WhatsApp the link is for
    role = models.CharField(max_length=8, choices=Member.Role)
    serial = models.PositiveIntegerField(default=1)  # of the link: a new one ends the one before
    digest = models.CharField(max_length=64, unique=True)  # of the link's token
    invited_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="invitations"
    )
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()  # the link as it is now was made
    mailed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="invitation_newest")]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def is_link(self) -> bool:
        """Say whether a link is handed on, instead of a letter to an e-mail address."""
        return not self.email


class Passport(models.Model):
    """Everything of a workspace in one file, as its owner takes it along (workspaces.passports)."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        MAKING = "making", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        GONE = "gone", "Gone"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    done_rows = models.BigIntegerField(default=0)
    all_rows = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes
    problem = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()
    moved_at = models.DateTimeField()  # the last sign of life of who makes it
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(state__in=["waiting", "making"]),
                name="passport_one_under_way",
            )
        ]
        indexes = [models.Index(fields=["workspace", "-id"], name="passport_newest")]

    def __str__(self) -> str:
        return f"passport {self.pk}"


class PassportPart(models.Model):
    """A piece of the file, so that any server can hand it out."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    passport = models.ForeignKey(Passport, on_delete=models.CASCADE, db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["passport", "number"], name="passport_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of passport {self.passport_id}"


class StatusDay(models.Model):
    """How often one part of the house was looked at on a day, and how often it had trouble."""

    day = models.DateField()  # in UTC: the house has no zone of its own
    part = models.CharField(max_length=20)
    looked = models.IntegerField(default=0)
    troubled = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "part"], name="status_day_once_a_part")
        ]

    def __str__(self) -> str:
        return f"{self.part} on {self.day}"


class SpareSchema(models.Model):
    """A schema with a workspace's tables that belongs to nobody yet (workspaces.spares)."""

    schema_name = models.CharField(max_length=63, unique=True)
    schema_version = models.CharField(max_length=200)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"spare {self.schema_name}"
