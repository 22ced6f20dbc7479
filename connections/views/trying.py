"""A test message on a number, and the whole log of it."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from connections import cards, trying
from connections.forms import TestForm
from connections.views.shared import find
from lib import clock
from workspaces import pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_TEMPLATE = "connections/test.html"


@require_GET
@member_required("viewer")
def connection_log(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Everything that happened to a number, page by page."""
    connection = find(request, pk)
    before = pages.number(request.GET.get("before"))
    context = {
        "page": cards.log_page(connection=connection, before=before),
        "connection": connection,
        "name": cards.name_of(connection),
        "before": before,
    }
    return pages.show(request, "connections/log.html", context)


@require_GET
@member_required("manager")
def test_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Where to send a test message; with `sent`, what became of it, asked again till it is known."""
    connection = find(request, pk)
    sent = pages.number(request.GET.get("sent"))
    found = trying.outcome(connection=connection, outbound_id=sent) if sent is not None else None
    if pages.is_htmx(request) and found and found.mark == request.GET.get("mark"):
        return pages.unchanged()
    context = {
        "connection": connection,
        "name": cards.name_of(connection),
        "form": TestForm(),
        "outcome": found,
        "sent": sent,
    }
    return pages.show(request, _TEMPLATE, context, part="outcome")


@require_POST
@member_required("manager")
def test_send(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send a test message, or say why WhatsApp does not allow it."""
    connection = find(request, pk)
    form = TestForm(request.POST)
    if form.is_valid():
        try:
            sent = trying.send(
                connection=connection,
                phone=form.cleaned_data["phone"],
                actor=request.user,
                now=clock.now(),
            )
        except trying.UnableToSend as error:
            form.add_error("phone", str(error))
        else:
            here = reverse("connections:connection-test", args=[request.workspace.slug, pk])
            return pages.go(request, f"{here}?sent={sent}")
    context = {"connection": connection, "name": cards.name_of(connection), "form": form}
    return pages.show(request, _TEMPLATE, context, part="form", status=422)
