"""Support's pages: search over the house, and one workspace read-only."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from connections import cards
from lib import clock, crypto
from messaging import explaining, staff, takeover, threads
from workspaces import audit, pages
from workspaces.decorators import staff_look
from workspaces.models import User
from workspaces.routing import WorkspaceRequest

View = Callable[..., HttpResponse]


def staff_required(view: View) -> View:
    """Let staff pass; for everybody else there is no such page."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_active and request.user.is_staff):
            raise Http404
        return view(request, *args, **kwargs)

    return checked


@require_GET
@staff_required
def overview_show(request: HttpRequest) -> HttpResponse:
    """Search, queues, and every workspace."""
    if query := request.GET.get("q", "").strip():
        # The digest, not the number: the audit holds no customer's address.
        audit.record(
            action="staff.searched",
            actor=cast(User, request.user),
            actor_kind="staff",
            target=crypto.digest(query, purpose="staff-search")[:16],
            now=clock.now(),
        )
    found = staff.overview(
        query=request.GET.get("q", ""), page=pages.number(request.GET.get("page")) or 1
    )
    return pages.show(request, "staff/overview.html", {"overview": found})


@require_GET
@staff_look
def workspace_look(request: WorkspaceRequest) -> HttpResponse:
    """One workspace: is it well, and what was said last."""
    contact_id = pages.number(request.GET.get("contact"))
    look = staff.look(workspace=request.workspace, contact_id=contact_id, now=clock.now())
    context = {
        "look": look,
        "numbers": [(number, cards.tone_of(number)) for number in look.numbers],
        "is_one_contact": contact_id is not None,
    }
    return pages.show(request, "staff/workspace.html", context)


@require_GET
@staff_look
def thread_look(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One conversation, read-only."""
    try:
        thread = threads.thread(
            workspace=request.workspace,
            conversation_id=pk,
            before=request.GET.get("before", ""),
            now=clock.now(),
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    return pages.show(request, "staff/thread.html", {"thread": thread, "is_staff_look": True})


@require_GET
@staff_look
def message_look(request: WorkspaceRequest) -> HttpResponse:
    """Why did (or didn't) it reply? The same timeline as the owner's."""
    identifier = request.GET.get("id", "")
    found = explaining.explain(workspace=request.workspace, identifier=identifier)
    if found is None:
        raise Http404
    return pages.show(request, "staff/why.html", {"found": found, "is_staff_look": True})


@require_GET
@staff_required
def styleguide_show(request: HttpRequest) -> HttpResponse:
    """Every part of the style, on one page."""
    now = clock.now()
    days = [now.date() - timedelta(days=n) for n in reversed(range(30))]
    chart = [(day, 40 + (day.day * 37) % 160, 30 + (day.day * 31) % 120) for day in days]
    return pages.show(request, "staff/styleguide.html", {"now": now, "chart": chart})
