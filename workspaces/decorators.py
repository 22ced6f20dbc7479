"""What a view asks for before it runs: a person, a role, or staff looking read-only."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from lib import clock
from workspaces import audit, members, registry, scope
from workspaces.routing import WorkspaceRequest, ask_to_sign_in

View = Callable[..., HttpResponse]
AnyView = TypeVar("AnyView", bound=Callable[..., HttpResponseBase])


def person_required(view: AnyView) -> AnyView:
    """Let who has signed in pass; others are asked to."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        return view(request, *args, **kwargs)

    return cast(AnyView, checked)


def member_required(role: str = "viewer") -> Callable[[View], View]:
    """Let members with `role` or a higher one pass; others of the workspace get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(
            request: WorkspaceRequest, slug: str, *args: Any, **kwargs: Any
        ) -> HttpResponse:
            if getattr(request, "member", None) is None:
                raise Http404
            if not members.may(request.member, role):
                return render(request, "403.html", {"needed_role": role}, status=403)
            return view(request, *args, **kwargs)

        return checked

    return decorate


def _looked_at(request: HttpRequest) -> str:
    """Return what is looked at: the path, and which message or contact of it."""
    named = [f"{name}={request.GET[name]}" for name in ("id", "contact") if name in request.GET]
    return "?".join([request.path_info, "&".join(named)] if named else [request.path_info])


def staff_look(view: View) -> View:
    """Let staff look into a workspace: a read-only transaction, and an audit entry before it."""

    @wraps(view)
    def checked(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_active and request.user.is_staff):
            raise Http404
        space = registry.by_slug(slug)
        if space is None:
            raise Http404
        with scope.system():
            audit.record(
                action="staff.looked",
                workspace=space,
                actor=request.user,
                actor_kind="staff",
                target=_looked_at(request),
                now=clock.now(),
            )
        with timezone.override(space.time_zone), scope.workspace(space), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute("SET LOCAL statement_timeout = '3s'")
            request.workspace = space  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

    return checked
