"""Staff's view of people and workspaces."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from lib import clock
from workspaces import registry, states
from workspaces.models import AuditEntry, Member, Notice, User, Workspace
from workspaces.readonly import FixedPaginator, ReadOnlyAdmin

admin.site.site_header = "Backroom staff"
admin.site.site_title = "Backroom staff"
admin.site.index_title = "Public tables"
admin.site.site_url = "/staff/"


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("id", "email", "name", "is_staff", "is_active", "date_joined", "last_login")
    search_fields = ("email",)
    list_filter = ("is_staff", "is_active")
    exclude = ("password",)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    list_display = ("id", "slug", "name", "country", "state", "created_at")
    search_fields = ("slug", "name")
    list_filter = ("state", "country")
    actions = ("suspend", "reactivate")

    @admin.action(description="Suspend: bot and sends stop, messages are kept")
    def suspend(self, request: HttpRequest, rows: QuerySet[Workspace]) -> None:
        self._each(request, rows, states.suspend)

    @admin.action(description="Reactivate")
    def reactivate(self, request: HttpRequest, rows: QuerySet[Workspace]) -> None:
        self._each(request, rows, states.reactivate)

    def _each(self, request: HttpRequest, rows: QuerySet[Workspace], act: Any) -> None:
        changed = sum(
            act(
                workspace_id=pk,
                reason="by staff",
                actor=request.user,
                actor_kind="staff",
                now=clock.now(),
            )
            for pk in rows.values_list("pk", flat=True)
        )
        registry.forget()
        self.message_user(request, f"{changed} changed.", messages.SUCCESS)


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "user_id", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("workspace__slug", "user__email")
    list_select_related = ("workspace",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "workspace", "actor_kind", "actor_id", "action", "target", "reason")
    list_filter = ("actor_kind", "action")
    search_fields = ("workspace__slug", "action", "correlation")
    list_select_related = ("workspace",)
    ordering = ("-id",)
    paginator = FixedPaginator


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "workspace", "key", "text", "dismissed_at")
    search_fields = ("workspace__slug", "key")
    list_select_related = ("workspace",)
    ordering = ("-id",)
