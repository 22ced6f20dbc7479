"""The three tables that a linked device's engine works on (connections/bridge/PROTOCOL.md, 1 and 5)."""

import uuid
from typing import Any, ClassVar

from django.db import models

from workspaces.models import Workspace


class SessionsWithoutKeys(models.Manager["LinkedSession"]):
    """Sessions as Backroom reads them: what only the engine may open is left where it is."""

    def get_queryset(self) -> models.QuerySet["LinkedSession"]:
        return super().get_queryset().defer("creds", "data_key")


class LinkedSession(models.Model):
    """One linked device of one number: what Backroom wants of it, and how its engine says it is."""

    class Wanted(models.TextChoices):
        ON = "on", "Connected"
        OFF = "off", "Closed, keys kept"
        LOGOUT = "logout", "Unlinked, keys erased"

    class Method(models.TextChoices):
        QR = "qr", "QR code"
        CODE = "code", "Pairing code"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    connection = models.OneToOneField(
        "connections.Connection", on_delete=models.CASCADE, related_name="session"
    )
    # Written by Backroom.
    wanted = models.CharField(max_length=10, choices=Wanted, default=Wanted.ON)
    link_serial = models.IntegerField(default=0)
    link_method = models.CharField(max_length=10, choices=Method, default=Method.QR)
    link_phone = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001 - the contract's null
    # Written by the engine.
    linked_serial = models.IntegerField(default=0)
    state = models.CharField(max_length=30, default="new")
    state_code = models.IntegerField(null=True)
    state_reason = models.CharField(max_length=300, null=True)  # noqa: DJ001
    state_until = models.DateTimeField(null=True)
    state_at = models.DateTimeField(null=True)
    pairing = models.JSONField(null=True)  # {"kind", "value", "expires_at"}; never logged
    phone = models.CharField(max_length=16, null=True)  # noqa: DJ001
    lid = models.CharField(max_length=64, null=True)  # noqa: DJ001
    push_name = models.CharField(max_length=200, null=True)  # noqa: DJ001
    owner = models.CharField(max_length=200, null=True)  # noqa: DJ001
    owner_url = models.CharField(max_length=300, null=True)  # noqa: DJ001
    epoch = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    creds = models.BinaryField(null=True)
    data_key = models.BinaryField(null=True)
    key_id = models.CharField(max_length=60, null=True)  # noqa: DJ001

    objects = SessionsWithoutKeys()
    every: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        indexes = [models.Index(fields=["lease_until"], name="linked_session_by_lease")]

    def __str__(self) -> str:
        return f"linked session {self.pk}"


class LinkedKey(models.Model):
    """One key of a session, encrypted under the session's data key. The engine's own."""

    # The database's own constraint cascades (migration 0008): they go with their session.
    session = models.ForeignKey(
        LinkedSession, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    value = models.BinaryField()
    pk = models.CompositePrimaryKey("session", "kind", "name")

    def __str__(self) -> str:
        return f"{self.kind} of {self.session_id}"


class LinkedSent(models.Model):
    """What a session sent of late, encrypted: a phone that could not read it gets it again."""

    session = models.ForeignKey(
        LinkedSession, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False
    )
    wa_id = models.CharField(max_length=64)
    opaque = models.CharField(max_length=200)
    message = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)
    pk = models.CompositePrimaryKey("session", "wa_id")

    def __str__(self) -> str:
        return f"sent by {self.session_id}"
