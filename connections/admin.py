"""Staff's view of numbers and mailboxes, with replay. Never contents, never secrets."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from connections import allowances, inbox, outbox
from connections.models import (
    Connection,
    ConnectionEvent,
    DirectoryEntry,
    InboundEvent,
    Incident,
    LinkedSession,
    OutboundJob,
)
from lib import clock
from workspaces import audit
from workspaces.readonly import FixedPaginator, ReadOnlyAdmin


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "workspace", "provider", "external_id", "state", "state_code", "is_sending",
        "rate_per_second", "undelivered_since", "last_inbound_at", "last_outbound_at",
    )  # fmt: skip
    list_filter = ("provider", "state", "is_sending")
    search_fields = ("workspace__slug", "external_id", "account_id")
    list_select_related = ("workspace",)
    exclude = ("credentials", "phone")

    # The pace alone may be changed: what Meta allows a number is told to support.
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [
            field.name
            for field in Connection._meta.fields
            if field.name not in ("rate_per_second", *self.exclude)
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        allowances.set_pace(
            connection=obj,
            rate_per_second=form.cleaned_data["rate_per_second"],
            actor=request.user,  # type: ignore[arg-type]
            now=clock.now(),
        )


@admin.register(ConnectionEvent)
class ConnectionEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "workspace", "connection_id", "kind", "code")
    list_filter = ("kind",)
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace",)
    exclude = ("detail",)
    ordering = ("-id",)
    paginator = FixedPaginator


@admin.register(LinkedSession)
class LinkedSessionAdmin(ReadOnlyAdmin):
    """Who holds which line. Never what links a phone, never keys, never numbers."""

    list_display = (
        "id", "workspace", "connection_id", "wanted", "state", "state_code", "state_at", "owner",
        "epoch", "lease_until",
    )  # fmt: skip
    list_filter = ("state", "wanted")
    search_fields = ("workspace__slug", "id")
    list_select_related = ("workspace",)
    exclude = ("pairing", "creds", "data_key", "phone", "lid", "push_name", "link_phone")
    ordering = ("-state_at",)
    paginator = FixedPaginator


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Numbers that did not come back by themselves; the open ones first."""

    list_display = ("opened_at", "workspace", "connection_id", "code", "detail", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "code")
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace",)
    ordering = ("-opened_at",)
    paginator = FixedPaginator


class MailboxAdmin(ReadOnlyAdmin):
    """Rows of a mailbox; dead ones can be put back in line."""

    actions = ("replay",)
    exclude = ("payload", "conversation_key")
    list_select_related = ("workspace",)
    ordering = ("-id",)
    paginator = FixedPaginator
    box: Any = None

    @admin.action(description="Replay the dead ones")
    def replay(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        ids = list(rows.values_list("pk", flat=True))
        count = self.box.replay(ids=ids, now=clock.now())
        audit.record(
            action="mailbox.replayed",
            actor=request.user,  # type: ignore[arg-type]
            actor_kind="staff",
            target=f"{self.model._meta.model_name} {', '.join(map(str, ids))}",
            now=clock.now(),
        )
        self.message_user(request, f"{count} put back in line.", messages.SUCCESS)


@admin.register(InboundEvent)
class InboundEventAdmin(MailboxAdmin):
    list_display = (
        "id", "workspace", "number_id", "kind", "state", "attempts", "error", "received_at", "done_at",
    )  # fmt: skip
    list_filter = ("state", "kind")
    search_fields = ("workspace__slug", "subject", "correlation", "number_id")
    box = inbox


@admin.register(OutboundJob)
class OutboundJobAdmin(MailboxAdmin):
    list_display = (
        "id", "workspace", "connection_id", "kind", "state", "attempts", "error_code", "vendor_code",
        "created_at", "settled_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "error_code")
    search_fields = ("workspace__slug", "provider_message_id", "correlation")
    box = outbox


@admin.register(DirectoryEntry)
class DirectoryEntryAdmin(ReadOnlyAdmin):
    list_display = ("workspace", "contact_id", "last_at")
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace",)
    exclude = ("digest",)
    ordering = ("-id",)
    paginator = FixedPaginator
