"""The audit log: who did what, when."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from workspaces import audit_log, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


def _asked(request: WorkspaceRequest) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    return {
        "person": pages.number(request.GET.get("person")),
        "kind": kind if kind in (*audit_log.KINDS, "other") else "",
    }


@require_GET
@member_required("manager")
def audit_show(request: WorkspaceRequest) -> HttpResponse:
    """A page of the log, by person and kind."""
    asked = _asked(request)
    before = pages.number(request.GET.get("before"))
    context = {
        "page": audit_log.page(workspace=request.workspace, before=before, **asked),
        "people": audit_log.people(workspace=request.workspace),
        "kinds": [(code, name) for code, (name, _codes) in audit_log.KINDS.items()],
        "before": before,
        **asked,
    }
    return pages.show(request, "workspaces/audit.html", context, part="lines")


@require_GET
@member_required("manager")
def audit_export(request: WorkspaceRequest) -> HttpResponse:
    """The log as CSV."""
    text = audit_log.as_csv(workspace=request.workspace, **_asked(request))
    return pages.download(f"audit-{request.workspace.slug}.csv", text, pages.CSV)
