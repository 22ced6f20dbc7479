"""Usage: how much of everything, by day, on a page and in files."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from billing import months, plans
from lib import clock, tables
from workspaces import pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


def _no_such_month(request: WorkspaceRequest) -> HttpResponse:
    asked: dict[str, Any] = {"asked": request.GET.get("month", "")[:20]}
    return pages.show(request, "billing/no_month.html", asked, status=400)


@require_GET
@member_required("viewer")
def usage_show(request: WorkspaceRequest) -> HttpResponse:
    """A month's usage."""
    now = clock.now()
    try:
        month = months.month(
            workspace=request.workspace, name=request.GET.get("month", ""), now=now
        )
    except ValueError:
        return _no_such_month(request)
    standing = plans.standing(workspace=request.workspace, now=now)
    return pages.show(request, "billing/usage.html", {"month": month, "standing": standing})


@require_GET
@member_required("viewer")
def usage_export(request: WorkspaceRequest, form: str) -> HttpResponse:
    """A month's usage as a file."""
    name = request.GET.get("month", "")
    try:
        header, rows = months.table(workspace=request.workspace, name=name, now=clock.now())
    except ValueError:
        return _no_such_month(request)
    title = f"usage-{request.workspace.slug}-{name or 'month'}.{form}"
    if form == "csv":
        return pages.download(title, tables.to_csv(header, rows), pages.CSV)
    return pages.download(title, tables.to_xlsx(header, rows, sheet="Usage"), pages.XLSX)
