"""Connecting WhatsApp: how, the code and what comes of it, another screen, cancelling."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from connections import agreements, attempts, lifecycle, manager, pretend, screens
from connections.forms import LinkForm
from connections.linked.models import LinkedSession
from connections.models import Connection
from connections.views.shared import find_linked, opened, rights, shown, to_link, to_number
from lib import clock, phones
from workspaces import pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

Method = LinkedSession.Method


# --- How ---------------------------------------------------------------------------------------


@require_GET
@member_required("manager")
def connect_form(request: WorkspaceRequest) -> HttpResponse:
    """The ways to connect WhatsApp, by what one has at hand."""
    return pages.show(request, "connections/connect.html", _ways(request))


@require_POST
@member_required("manager")
def connect_begin(request: WorkspaceRequest) -> HttpResponse:
    """Begin to link a phone that is new here."""
    form = _form(request, is_agreed=False)
    connection = _begin(request, form, None)
    if connection is None:
        context = _ways(request, form)
        return pages.show(request, "connections/connect.html", context, part="ways", status=422)
    return to_link(request, connection.pk)


def _ways(request: WorkspaceRequest, sent: LinkForm | None = None) -> dict[str, Any]:
    country = request.workspace.country
    forms = {
        str(method): LinkForm(initial={"method": method}, auto_id=f"{method}_%s", country=country)
        for method in Method
    }
    opened = request.GET.get("way", "")
    if sent is not None:
        opened = "code" if sent.is_by_code else "qr"
        forms[opened] = sent
    begun = attempts.begun(workspace=request.workspace)
    return {"forms": forms, "opened": opened, "begun": begun} | rights(request)


def _form(request: WorkspaceRequest, *, is_agreed: bool) -> LinkForm:
    method = "code" if request.POST.get("method") == "code" else "qr"
    return LinkForm(
        request.POST,
        auto_id=f"{method}_%s",
        country=request.workspace.country,
        is_agreed=is_agreed,
    )


def _begin(
    request: WorkspaceRequest, form: LinkForm, connection: Connection | None
) -> Connection | None:
    """Begin an attempt as the form asks; None when it says why not."""
    if not form.is_valid():
        return None
    now = clock.now()
    try:
        with transaction.atomic():
            found = lifecycle.create_connection(
                workspace=request.workspace,
                actor=request.user,
                now=now,
                method=form.cleaned_data["method"],
                phone=form.cleaned_data["phone"],
                connection=connection,
            )
            if form.cleaned_data.get("agreed"):
                agreements.remember(connection=found, actor=request.user, now=now)
    except manager.UnableToConnect as error:
        form.add_error(None, str(error))
        return None
    return found


# --- The code and what comes of it -------------------------------------------------------------


@require_GET
@member_required("manager")
def link_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What links the phone now, and how far it is; asked again every few seconds."""
    connection = find_linked(request, pk)
    context = _link(request, connection)
    if pages.is_htmx(request) and request.GET.get("mark") == context["attempt"].mark:
        return pages.unchanged()
    return pages.show(request, "connections/link.html", context, part="attempt")


@require_POST
@member_required("manager")
def link_begin(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Link the phone again, or by the other way, or get a new code."""
    connection = find_linked(request, pk)
    form = _form(request, is_agreed=agreements.is_agreed(connection=connection))
    if _begin(request, form, connection) is None:
        context = _link(request, connection) | {"form": form}
        return pages.show(request, "connections/link.html", context, status=422)
    return to_link(request, pk)


@require_POST
@member_required("manager")
def link_cancel(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Give an attempt up; a number that was never linked is forgotten."""
    connection = find_linked(request, pk)
    if connection.state in lifecycle.LINKED_STATES:
        messages.warning(request, "The phone was linked meanwhile. Disconnect it here if you like.")
        return to_number(request, pk)
    if connection.phone:
        lifecycle.disconnect(connection=connection, actor=request.user, now=clock.now())
        return to_number(request, pk)
    manager.remove(connection=connection, actor=request.user, now=clock.now())
    messages.success(request, "Cancelled. Nothing was linked.")
    return pages.go(request, "connections:connection-list", request.workspace.slug)


@require_POST
@member_required("manager")
def link_on_screen(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Make a one-time link that shows the QR code on another screen."""
    connection = find_linked(request, pk)
    now = clock.now()
    attempt = attempts.look(connection=connection, opened_at=now, now=now)
    if attempt.step == "connected":
        return to_link(request, pk)
    if not attempt.is_under_way or attempt.method != Method.QR:
        form = _form(request, is_agreed=agreements.is_agreed(connection=connection))
        if _begin(request, form, connection) is None:
            context = _link(request, connection) | {"form": form}
            return pages.show(request, "connections/link.html", context, status=422)
        connection.refresh_from_db()
    token = screens.make(connection=connection, actor=request.user, now=now)
    address = settings.BASE_URL + reverse("screen-show", args=[token])
    context = _link(request, connection) | {"screen_url": address}
    return pages.show(request, "connections/link.html", context, part="screen")


def _link(request: WorkspaceRequest, connection: Connection) -> dict[str, Any]:
    now = clock.now()
    opened_at = opened(request.GET.get("opened"), now)
    attempt = attempts.look(connection=connection, opened_at=opened_at, now=now)
    # Asked only where a box may have to be ticked: an attempt that is under way has begun.
    is_agreed = attempt.is_under_way or agreements.is_agreed(connection=connection)
    methods = {"again": attempt.method, "other": "qr" if attempt.method == "code" else "code"}
    forms = {
        name: LinkForm(
            initial={"method": method, "phone": phones.show(attempt.phone)},
            auto_id=f"{name}_%s",
            country=request.workspace.country,
            is_agreed=is_agreed,
        )
        for name, method in methods.items()
    }
    return {
        "form": forms["again"],
        "other": forms["other"],
        "pretend_phone": pretend.phone_of(request.workspace),
        **shown(attempt, opened_at, request.GET.get("code")),
        **rights(request),
    }
