"""Exports: have a file of conversations made, watch it grow, take it home."""

from typing import Any, cast

from django.http import FileResponse, Http404, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from connections import naming
from lib import clock
from messaging import exporting
from messaging.forms import ExportForm
from messaging.models import ConversationExport
from workspaces import pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PAGE = "messaging/exports.html"
_KINDS = {
    "csv": pages.CSV,
    "xlsx": pages.XLSX,
    "json": "application/json; charset=utf-8",
}


def _shown(request: WorkspaceRequest, form: ExportForm | None = None) -> dict[str, Any]:
    exports = exporting.kept(now=clock.now())
    return {
        "exports": exports,
        "is_going": any(export.state == ConversationExport.State.GOING for export in exports),
        "version": ".".join(
            f"{row.pk}-{row.state}-{row.done}-{row.is_gathered}" for row in exports
        ),
        "lives_hours": int(exporting.LIVES.total_seconds() // 3600),
        "numbers": naming.live(workspace=request.workspace),
        "form": form or ExportForm(initial={"what": "conversations", "form": "xlsx"}),
        "whats": ConversationExport.What.choices,
        "forms": ConversationExport.Form.choices,
    }


@require_GET
@member_required("manager")
def export_list(request: WorkspaceRequest) -> HttpResponse:
    """What to take along, and the files of the last day."""
    return pages.show(request, _PAGE, _shown(request))


@require_GET
@member_required("manager")
def export_state(request: WorkspaceRequest) -> HttpResponse:
    """The files again, or 204 when nothing changed (a poll); the page, where nobody polls."""
    context = _shown(request)
    if pages.is_htmx(request) and context["version"] == request.GET.get("version"):
        return pages.unchanged()
    return pages.show(request, _PAGE, context, part="files")


@require_POST
@member_required("manager")
def export_begin(request: WorkspaceRequest) -> HttpResponse:
    """Have a file made."""
    form = ExportForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            exporting.begin(
                workspace=request.workspace,
                what=values["what"],
                form=values["form"],
                first_day=values["first_day"],
                last_day=values["last_day"],
                connection_id=values["number"],
                user=request.user,
                now=clock.now(),
            )
        except exporting.UnableToExport as error:
            form.add_error(None, str(error))
        else:
            return pages.go(request, "messaging:export-list", request.workspace.slug)
    return pages.show(request, _PAGE, _shown(request, form), part="ask", status=422)


@require_POST
@member_required("manager")
def export_drop(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Cancel an export, or delete its file."""
    try:
        sentence = exporting.drop(
            workspace=request.workspace, export_id=pk, user=request.user, now=clock.now()
        )
    except exporting.UnableToFindExport as error:
        raise Http404 from error
    toasts.say(request, sentence)
    return pages.go(request, "messaging:export-list", request.workspace.slug)


@require_GET
@member_required("manager")
def export_file(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The file."""
    try:
        export, file = exporting.open_file(export_id=pk, now=clock.now())
    except exporting.UnableToFindExport as error:
        raise Http404 from error
    name = f"{export.what}-{request.workspace.slug}-{export.created_at:%Y-%m-%d}.{export.form}"
    response = FileResponse(
        file, as_attachment=True, filename=name, content_type=_KINDS[export.form]
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return cast(HttpResponse, response)  # the same to whoever passes it on
