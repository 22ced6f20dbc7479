"""The numbers of a workspace: how they are, adding one, checking, stopping, removing."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from connections import agreements, cards, lifecycle, linking, manager, verify_tokens
from connections.forms import CloudApiForm, RemoveForm, SendingForm
from connections.views.shared import find, find_linked, rights, to_number
from lib import clock, phones
from workspaces import onboarding, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


@require_GET
@member_required("viewer")
def connection_list(request: WorkspaceRequest) -> HttpResponse:
    """Every number and how it is; asked again every few seconds where phones are linked."""
    mark = cards.mark_of_all(workspace=request.workspace)
    if pages.is_htmx(request) and request.GET.get("mark") == mark:
        return pages.unchanged()
    found = cards.cards(workspace=request.workspace)
    context = {
        "cards": found,
        "mark": mark,
        "has_pretend": any(card.is_pretend for card in found),
        "is_live": any(card.is_linked for card in found),
    }
    context |= rights(request)
    return pages.show(request, "connections/list.html", context, part="numbers")


@require_GET
@member_required("viewer")
def connection_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One number: how it is, its log, and what Meta has to know to reach us."""
    connection = find(request, pk)
    if pages.is_htmx(request) and request.GET.get("mark") == cards.mark(connection=connection):
        return pages.unchanged()
    page = cards.page(connection=connection, now=clock.now())
    context = {
        "page": page,
        "card": page.card,
        "callback_url": settings.BASE_URL + reverse("webhook-whatsapp"),
        "verify_token": verify_tokens.token_of(connection),
    }
    if page.card.is_linked:
        context |= {
            "is_agreed": agreements.is_agreed(connection=connection),
            "session": lifecycle.session_of(connection),
        }
    return pages.show(request, "connections/show.html", context | rights(request), part="number")


@require_GET
@member_required("manager")
def connection_form(request: WorkspaceRequest) -> HttpResponse:
    """The form for a Cloud API number; `renew` fills in what is no secret."""
    initial: dict[str, str] = {}
    renewed = pages.number(request.GET.get("renew"))
    if renewed is not None:
        known = find(request, renewed)
        initial = {
            "phone": phones.show(known.phone),
            "external_id": known.external_id,
            "account_id": known.account_id,
        }
    context = {"form": CloudApiForm(initial=initial), "is_renewal": bool(initial)}
    return pages.show(request, "connections/add.html", context | rights(request))


@require_POST
@member_required("manager")
def connection_add(request: WorkspaceRequest) -> HttpResponse:
    """Save a number and check it live."""
    form = CloudApiForm(request.POST)
    linked: linking.Linked | None = None
    if form.is_valid():
        values = form.cleaned_data
        try:
            linked = linking.link(
                workspace=request.workspace,
                phone=values["phone"],
                external_id=values["external_id"],
                account_id=values["account_id"],
                secrets={
                    "access_token": values["access_token"],
                    "app_secret": values["app_secret"],
                },
                actor=request.user,
                now=clock.now(),
            )
        except manager.UnableToConnect as error:
            form.add_error(None, str(error))
    if linked is None or linked.is_refused:
        context = {"form": form, "linked": linked} | rights(request)
        return pages.show(request, "connections/add.html", context, part="form", status=422)
    _tell(request, linked, saved=True)
    return to_number(request, linked.connection.pk)


@require_POST
@member_required("manager")
def simulator_connect(request: WorkspaceRequest) -> HttpResponse:
    """Connect the pretend phone (development only)."""
    if not settings.SIMULATOR_URL:
        raise Http404
    try:
        linked = linking.link_pretend(
            workspace=request.workspace, actor=request.user, now=clock.now()
        )
    except manager.UnableToConnect as error:
        messages.error(request, str(error))
        return pages.go(request, "connections:connection-list", request.workspace.slug)
    _tell(request, linked, saved=True)
    # Who sets the business up goes on; the number is there to be looked at any time.
    is_led = linked.result is not None and onboarding.read(request.workspace).is_open
    place = onboarding.place_of("answers") if is_led else "connections:connection-list"
    return pages.go(request, place, request.workspace.slug)


@require_POST
@member_required("manager")
def connection_check(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Ask WhatsApp about the number, live."""
    _tell(request, linking.look(connection=find(request, pk), now=clock.now()))
    return to_number(request, pk)


def _tell(request: WorkspaceRequest, linked: linking.Linked, *, saved: bool = False) -> None:
    if linked.result is None:
        kept = "The number is saved, but: " if saved else ""
        messages.error(request, f"{kept}{linked.problem}")
        return
    found = linked.result
    facts = [part for part in (found.verified_name, phones.show(found.display_phone)) if part]
    if found.quality:
        facts.append(f"quality {found.quality.lower()}")
    messages.success(request, f"WhatsApp answers: {', '.join(facts) or 'the number works'}.")
    for problem in found.problems:
        messages.warning(request, problem)


@require_POST
@member_required("manager")
def connection_switch(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Stop or resume sending on a number."""
    connection = find(request, pk)
    form = SendingForm(request.POST)
    if form.is_valid():
        is_sending = form.cleaned_data["is_sending"]
        manager.switch(
            connection=connection,
            is_sending=is_sending,
            actor=request.user,
            now=clock.now(),
        )
        messages.success(
            request,
            "Sending goes on."
            if is_sending
            else "Sending is stopped. Messages still come in; what is written waits.",
        )
    return to_number(request, pk)


@require_GET
@member_required("manager")
def disconnect_form(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What taking a linked phone off means."""
    context = {"connection": find_linked(request, pk)}
    return pages.show(request, "connections/disconnect.html", context)


@require_POST
@member_required("manager")
def connection_disconnect(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Unlink a phone; the number, its chats and its log stay."""
    connection = find_linked(request, pk)
    lifecycle.disconnect(connection=connection, actor=request.user, now=clock.now())
    messages.success(request, f"{cards.name_of(connection)} is disconnected. Its chats are kept.")
    return to_number(request, pk)


@require_GET
@member_required("manager")
def connection_part(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What removing the number means."""
    connection = find(request, pk)
    form = RemoveForm(phone=connection.phone)
    context = {"connection": connection, "form": form, "name": cards.name_of(connection)}
    return pages.show(request, "connections/remove.html", context)


@require_POST
@member_required("manager")
def connection_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Forget a number and its credentials."""
    connection = find(request, pk)
    form = RemoveForm(request.POST, phone=connection.phone)
    if not form.is_valid():
        context = {"connection": connection, "form": form, "name": cards.name_of(connection)}
        return pages.show(request, "connections/remove.html", context, part="form", status=422)
    manager.remove(connection=connection, actor=request.user, now=clock.now())
    name = phones.show(connection.phone) or "The phone that was never linked"
    messages.success(request, f"{name} is removed. Its chats are kept.")
    return pages.go(request, "connections:connection-list", request.workspace.slug)
