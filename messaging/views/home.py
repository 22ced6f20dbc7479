"""The home page of a workspace, and the phone that commands the bot."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib import clock, phones
from messaging import beginning, commands, figures, quality
from messaging.forms import PhoneForm
from workspaces import members, onboarding, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


@require_GET
@member_required("viewer")
def home_show(request: WorkspaceRequest) -> HttpResponse:
    """What needs me now, and how it goes."""
    now, space = clock.now(), request.workspace
    may_manage = members.may(request.member, "manager")
    is_led = may_manage and not onboarding.read(space).is_hidden
    extras = beginning.extras(workspace=space) if is_led else []
    context = {
        "home": figures.home(workspace=space, user=request.user, now=now),
        "greeting": _greeting(timezone.localtime(now).hour),
        "todo": beginning.of(workspace=space) if is_led else None,
        "extras": extras,
        "has_extras": not all(extra.is_done for extra in extras),
        "may_manage": may_manage,
        "may_reply": members.may(request.member, "agent"),
    }
    return pages.show(request, "messaging/home.html", context)


def _greeting(hour: int) -> str:
    if hour < 12:
        return _("Good morning")
    return _("Good afternoon") if hour < 17 else _("Good evening")


@require_GET
@member_required("viewer")
def home_unanswered(request: WorkspaceRequest) -> HttpResponse:
    """The questions most asked that no answer covers, for the home page."""
    if not pages.is_htmx(request):
        return pages.go(request, "messaging:quality-topics", request.workspace.slug)
    found = quality.topics(workspace=request.workspace, now=clock.now())
    return pages.show(request, "messaging/home.html", {"topics": found[:3]}, part="unanswered")


# --- Commands from one's own phone -----------------------------------------------------------


def _phone_context(request: WorkspaceRequest, form: PhoneForm | None = None) -> dict[str, Any]:
    number = figures.owner_number(user=request.user)
    return {
        "number": number,
        "is_pending": bool(
            number
            and not number.confirmed_at
            and number.code_expires_at
            and number.code_expires_at > clock.now()
        ),
        "business_numbers": figures.business_phones(workspace=request.workspace),
        "form": form or PhoneForm(),
        "commands": commands.COMMANDS,
    }


@require_GET
@member_required("manager")
def phone_show(request: WorkspaceRequest) -> HttpResponse:
    """The phone from which I may command the bot."""
    context = _phone_context(request)
    if request.htmx and not (context["number"] and context["number"].confirmed_at):
        return pages.unchanged()
    return pages.show(request, "messaging/phone.html", context, part="panel")


@require_POST
@member_required("manager")
def phone_begin(request: WorkspaceRequest) -> HttpResponse:
    """Name the phone; the code to send from it is shown once."""
    form = PhoneForm(request.POST)
    code = ""
    if form.is_valid():
        try:
            code = commands.begin_confirmation(
                workspace=request.workspace,
                user=request.user,
                phone=form.cleaned_data["phone"],
                now=clock.now(),
            )
        except phones.UnableToParsePhone as error:
            form.add_error("phone", str(error))
    status = 200 if code else 422
    context = _phone_context(request, None if code else form) | {"code": code}
    # The code lives only in this answer; a redirect would have to keep it somewhere.
    return pages.show(request, "messaging/phone.html", context, part="panel", status=status)


@require_POST
@member_required("manager")
def phone_forget(request: WorkspaceRequest) -> HttpResponse:
    """Take the right to command away from my phone."""
    commands.forget(workspace=request.workspace, user=request.user, now=clock.now())
    messages.success(request, "That phone can no longer command the bot.")
    return pages.go(request, "messaging:phone-show", request.workspace.slug)
