"""The start page, setting up a business, and notices."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from lib import clock, countries
from workspaces import helping, members, notices, onboarding, pages, public, schemas
from workspaces.decorators import member_required, person_required
from workspaces.forms import WorkspaceForm
from workspaces.pages import PersonRequest
from workspaces.routing import WorkspaceRequest


@require_GET
def workspace_list(request: HttpRequest) -> HttpResponse:
    """The start page: who we are, or the way to one's own business."""
    if not request.user.is_authenticated:
        return pages.show(request, "workspaces/landing.html", {"trial_days": settings.TRIAL_DAYS})
    found = members.workspaces_of(user=request.user)
    if len(found) == 1:
        return pages.go(request, "messaging:home-show", found[0].slug)
    if not found and not request.user.is_staff:
        return pages.go(request, "workspaces:workspace-new")
    return pages.show(request, "workspaces/list.html", {"workspaces": found})


@require_GET
@person_required
def workspace_new(request: PersonRequest) -> HttpResponse:
    """The form that sets up a business."""
    return pages.show(request, "workspaces/new.html", {"form": WorkspaceForm()})


@require_POST
@person_required
def workspace_create(request: PersonRequest) -> HttpResponse:
    """Set up a business."""
    form = WorkspaceForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            space = schemas.create(
                name=values["name"],
                slug=values["slug"] or schemas.suggest_slug(values["name"]),
                country=values["country"],
                time_zone=countries.time_zone(values["country"]),
                owner=request.user,
                kind=values["kind"],
                city=values["city"],
                setup={"is_open": True, "done": ["business"], "wishes": form.wishes},
                now=clock.now(),
            )
        except schemas.UnableToCreateWorkspace as error:
            form.add_error(None, str(error))
        else:
            return pages.go(request, onboarding.place_of("number"), space.slug)
    return pages.show(request, "workspaces/new.html", {"form": form}, part="form", status=422)


@require_GET
@person_required
def slug_suggest(request: PersonRequest) -> HttpResponse:
    """Suggest an address made of the name, while none is typed."""
    name = request.GET.get("name", "")[:120]
    if request.GET.get("slug") or not name.strip():
        return pages.unchanged()
    form = WorkspaceForm(initial={"slug": schemas.suggest_slug(name)})
    return pages.show(request, "workspaces/new.html", {"form": form}, part="slug")


@require_GET
@member_required("viewer")
def settings_show(request: WorkspaceRequest) -> HttpResponse:
    """The pages of the settings, as far as the member may open them."""
    return pages.show(request, "workspaces/settings.html")


@require_POST
@member_required("agent")
def notice_dismiss(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Put a notice away."""
    if not notices.dismiss(workspace=request.workspace, notice_id=pk, now=clock.now()):
        raise Http404
    if request.htmx:
        return HttpResponse("")
    return pages.go(request, "messaging:home-show", request.workspace.slug)


# --- For everybody ---------------------------------------------------------------------------


@require_GET
def law_show(request: HttpRequest, page: str) -> HttpResponse:
    """Terms, privacy, data processing, acceptable use."""
    return pages.for_everybody(pages.show(request, f"workspaces/legal/{page}.html", public.law()))


@require_GET
def help_show(request: HttpRequest) -> HttpResponse:
    """Help: every topic, or those that a search finds."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    context = {
        "query": query,
        "groups": helping.groups(query=query),
        "opened": request.GET.get("open", ""),
        "support": settings.SUPPORT_EMAIL,
    }
    return pages.for_everybody(pages.show(request, "workspaces/help.html", context))


@require_GET
def robots_show(request: HttpRequest) -> HttpResponse:
    """What search engines may look at."""
    return pages.for_everybody(HttpResponse(public.robots(), content_type="text/plain"))


@require_GET
def sitemap_show(request: HttpRequest) -> HttpResponse:
    """Where it is."""
    return pages.for_everybody(HttpResponse(public.sitemap(), content_type="application/xml"))
