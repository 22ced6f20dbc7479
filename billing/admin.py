"""Staff's view of plans, subscriptions and usage."""

from typing import TYPE_CHECKING

from django.contrib import admin

from billing.models import DailyCounter, Meter, Plan, PlanAllowance, Subscription, UsageEvent
from workspaces.readonly import FixedPaginator, ReadOnlyAdmin

if TYPE_CHECKING:
    _AllowanceInline = admin.TabularInline[PlanAllowance, Plan]
else:
    _AllowanceInline = admin.TabularInline


class AllowanceInline(_AllowanceInline):
    model = PlanAllowance
    extra = 0
    can_delete = False
    readonly_fields = ("meter", "per_day")


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "currency", "price_minor", "max_entries", "is_offered")
    inlines = (AllowanceInline,)


@admin.register(Meter)
class MeterAdmin(ReadOnlyAdmin):
    list_display = ("code", "label", "unit")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "plan", "state", "trial_ends_at", "changed_at")
    list_filter = ("state", "plan")
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace", "plan")


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "workspace",
        "meter",
        "quantity",
        "kind",
        "day",
        "connection_id",
        "recorded_at",
    )
    list_filter = ("meter", "kind")
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace", "meter")
    ordering = ("-id",)
    paginator = FixedPaginator


@admin.register(DailyCounter)
class DailyCounterAdmin(ReadOnlyAdmin):
    list_display = ("workspace", "meter", "day", "used")
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace", "meter")
    ordering = ("-day", "-id")
