"""Staff's view of model calls and budgets; never what was asked."""

from django.contrib import admin

from ai.models import Budget, Call
from workspaces.readonly import FixedPaginator, ReadOnlyAdmin


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "workspace", "state", "route", "model", "tokens_in", "tokens_out", "cost_nano", "ms", "failure",
    )  # fmt: skip
    list_filter = ("state", "route", "failure")
    search_fields = ("workspace__slug", "correlation")
    list_select_related = ("workspace",)
    exclude = ("request", "decision")
    ordering = ("-id",)
    paginator = FixedPaginator


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    list_display = ("workspace", "month", "limit_nano", "spent_nano")
    search_fields = ("workspace__slug",)
    list_select_related = ("workspace",)
    ordering = ("-month", "-id")
