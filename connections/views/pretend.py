"""The pretend phone of linked numbers: scan, unlink, write as a customer. Development only."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from connections import lifecycle, pretend
from connections.forms import PretendForm
from connections.linked.models import LinkedSession
from connections.models import Connection
from connections.views.shared import find_linked, rights, to_link
from lib import clock
from workspaces import pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

View = Callable[..., HttpResponse]
_NO_CODE = "No code is shown at this moment. Wait for the next one, then press again."


def _where_pretended(view: View) -> View:
    @wraps(view)
    def checked(request: WorkspaceRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not pretend.is_available():
            raise Http404
        return view(request, *args, **kwargs)

    return checked


@_where_pretended
@require_POST
@member_required("manager")
def pretend_scan(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Scan the QR code that is shown, or type the code, on the business's pretend phone."""
    connection = find_linked(request, pk)
    pairing = lifecycle.get_qr(connection=connection, now=clock.now())
    try:
        if pairing is None:
            raise pretend.UnableToPretend(_NO_CODE)
        if pairing.kind == LinkedSession.Method.CODE:
            session = lifecycle.session_of(connection)
            phone = session.link_phone if session else None
            pretend.enter_code(workspace=request.workspace, phone=phone or "", code=pairing.value)
        else:
            pretend.scan(workspace=request.workspace, qr=pairing.value)
    except pretend.UnableToPretend as error:
        messages.error(request, str(error))
    return to_link(request, pk)


@_where_pretended
@require_POST
@member_required("manager")
def pretend_unlink(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Log the linked device out on the business's pretend phone."""
    connection = find_linked(request, pk)
    try:
        pretend.unlink(phone=connection.phone)
    except pretend.UnableToPretend as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The pretend phone has logged the device out.")
    return pages.go(request, "connections:connection-show", request.workspace.slug, pk)


@_where_pretended
@require_GET
@member_required("manager")
def pretend_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A pretend customer's chat with the linked number; asked again every few seconds."""
    connection = _connected(request, pk)
    context = _chat(request, connection, request.GET.get("customer"))
    if pages.is_htmx(request) and request.GET.get("mark") == context["mark"]:
        return pages.unchanged()
    return pages.show(request, "connections/pretend.html", context, part="chat")


@_where_pretended
@require_POST
@member_required("manager")
def pretend_write(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Write as the customer, or as the business on its own phone."""
    connection = _connected(request, pk)
    form = PretendForm(request.POST)
    problem = ""
    if form.is_valid():
        values = form.cleaned_data
        try:
            _write(connection, pretend.customer(values["customer"]), values["by"], values["text"])
        except pretend.UnableToPretend as error:
            problem = str(error)
    else:
        problem = "Write something first (at most 4,000 characters)."
    context = _chat(request, connection, request.POST.get("customer")) | {"problem": problem}
    status = 422 if problem else 200
    return pages.show(request, "connections/pretend.html", context, part="chat", status=status)


def _connected(request: WorkspaceRequest, pk: int) -> Connection:
    connection = find_linked(request, pk)
    if not connection.phone:
        raise Http404
    return connection


def _write(connection: Connection, customer: pretend.Customer, by: str, text: str) -> None:
    if by == "business":
        pretend.write_by_hand(phone=connection.phone, customer=customer, text=text)
    else:
        pretend.write(customer=customer, phone=connection.phone, text=text)


def _chat(
    request: WorkspaceRequest, connection: Connection, customer_phone: str | None
) -> dict[str, Any]:
    customer = pretend.customer(customer_phone)
    chat, problem = pretend.Chat([], False), ""
    try:
        chat = pretend.chat(customer=customer, phone=connection.phone, now=clock.now())
    except pretend.UnableToPretend as error:
        problem = str(error)
    facts = f"{chat}|{problem}|{connection.state}"
    return {
        "connection": connection,
        "customers": pretend.CUSTOMERS,
        "customer": customer,
        "chat": chat,
        "problem": problem,
        "mark": hashlib.sha256(facts.encode()).hexdigest()[:12],
    } | rights(request)
