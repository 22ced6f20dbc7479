"""The path router: `/w/<slug>/...` speaks for one workspace, `/staff/...` for the house."""

from collections.abc import Callable
from typing import cast

from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from lib import clock
from workspaces import members, registry, scope, team
from workspaces.models import Member, User, Workspace

Handler = Callable[[HttpRequest], HttpResponseBase]


class WorkspaceRequest(HttpRequest):
    """A request inside a workspace, by a member of it."""

    workspace: Workspace
    member: Member
    user: User
    htmx: HtmxDetails


def middleware(get_response: Handler) -> Handler:
    """Set the scope of each request from its path.

    A signed-in stranger gets the same 404 for a workspace that exists and one that does not;
    an anonymous visitor is asked to sign in either way.
    """

    def route(request: HttpRequest) -> HttpResponseBase:
        parts = request.path_info.split("/", 3)
        if len(parts) > 3 and parts[1] == "w":
            return _inside(request, parts[2], get_response)
        if parts[1:2] == ["staff"]:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            with scope.system():
                return get_response(request)
        return get_response(request)

    return route


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send the browser to where one signs in; htmx has the whole page do so, not a part of it."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())


def _inside(request: HttpRequest, slug: str, get_response: Handler) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return ask_to_sign_in(request)
    space = registry.by_slug(slug)
    if space is None:
        raise Http404
    with scope.workspace(space), timezone.override(space.time_zone):
        member = members.find(workspace=space, user=request.user)
        if member is None:
            raise Http404
        team.note_seen(member=member, now=clock.now())
        inside = cast(WorkspaceRequest, request)
        inside.workspace = space
        inside.member = member
        response = get_response(request)
        if response.streaming and not isinstance(response, FileResponse):
            # A generator would run after the scope has ended, in another one; a file on this
            # host's disk needs none.
            raise RuntimeError("Pages of a workspace are answered whole, not streamed.")
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response
