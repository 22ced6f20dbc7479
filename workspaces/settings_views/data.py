"""A business's data: taking all of it along, and deleting it."""

from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from workspaces import closing, members, pages, passports, scope, toasts
from workspaces.decorators import member_required, person_required
from workspaces.models import Passport
from workspaces.pages import PersonRequest
from workspaces.routing import WorkspaceRequest
from workspaces.settings_forms import DeleteForm

_TEMPLATE = "workspaces/data.html"


def _context(request: WorkspaceRequest, form: DeleteForm | None = None) -> dict[str, Any]:
    passport = passports.newest(workspace=request.workspace)
    is_over = (
        passport is not None
        and passport.expires_at is not None
        and passport.expires_at <= clock.now()
    )
    return {
        "passport": passport,
        "is_over": is_over,
        "is_under_way": passport is not None and passport.state in ("waiting", "making"),
        "share_done": passports.share_done(passport) if passport else 0,
        "mark": _mark(passport),
        "form": form or DeleteForm(),
        "is_owner": members.may(request.member, "owner"),
    }


def _mark(passport: Passport | None) -> str:
    if passport is None:
        return ""
    return f"{passport.pk}-{passport.state}-{passports.share_done(passport)}"


@require_GET
@member_required("manager")
def data_show(request: WorkspaceRequest) -> HttpResponse:
    """The file with everything, and the way to delete the workspace."""
    context = _context(request)
    if pages.is_htmx(request) and request.GET.get("mark") == context["mark"]:
        return pages.unchanged()
    return pages.show(request, _TEMPLATE, context, part="export")


@require_POST
@member_required("manager")
def export_ask(request: WorkspaceRequest) -> HttpResponse:
    """Have the file made."""
    try:
        passports.ask(workspace=request.workspace, actor=request.user, now=clock.now())
    except passports.UnableToAsk as error:
        toasts.complain(request, str(error))
    if pages.is_htmx(request):
        return pages.show(request, _TEMPLATE, _context(request), part="export")
    return _to_data(request)


def _to_data(request: WorkspaceRequest) -> HttpResponse:
    return pages.go(request, "workspaces:data-show", request.workspace.slug)


@require_GET
@person_required
def export_fetch(request: PersonRequest, pk: int) -> StreamingHttpResponse:
    """Hand the file out, to managers of its workspace within its day.

    Outside `/w/`, as it goes out piece by piece: no workspace's scope is held meanwhile.
    """
    now = clock.now()
    passport = passports.find_ready(passport_id=pk, now=now)
    if passport is None:
        raise Http404
    with scope.system():
        member = members.find(workspace=passport.workspace, user=request.user)
    if member is None or not members.may(member, "manager"):
        raise Http404
    passports.note_fetched(passport=passport, actor=request.user, now=now)
    response = StreamingHttpResponse(
        passports.pieces(passport=passport), content_type="application/zip"
    )
    day = f"{passport.asked_at:%Y-%m-%d}"
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{passport.workspace.slug}-{day}.zip"'
    )
    response.headers["Content-Length"] = str(passport.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- Deleting ------------------------------------------------------------------------------


@require_POST
@member_required("owner")
def workspace_close(request: WorkspaceRequest) -> HttpResponse:
    """Stop the workspace, and erase it when the grace is over."""
    form = DeleteForm(request.POST)
    if form.is_valid():
        try:
            closing.begin(
                workspace=request.workspace,
                typed_name=form.cleaned_data["name"],
                actor=request.user,
                now=clock.now(),
            )
        except closing.UnableToClose as error:
            form.add_error("name", str(error))
        else:
            return _to_data(request)
    return pages.show(request, _TEMPLATE, _context(request, form), part="delete", status=422)


@require_POST
@member_required("owner")
def workspace_keep(request: WorkspaceRequest) -> HttpResponse:
    """Let the workspace go on."""
    try:
        closing.keep(workspace=request.workspace, actor=request.user, now=clock.now())
    except closing.UnableToKeep as error:
        toasts.complain(request, str(error))
    else:
        toasts.say(request, _("It stays, and works as before."))
    return pages.go(request, "messaging:home-show", request.workspace.slug)
