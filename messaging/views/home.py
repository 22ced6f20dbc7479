"""The home page of a workspace, the bot's switch, and the phone that commands it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from lib import clock, phones
from messaging import bot, commands, figures
from messaging.forms import PhoneForm, SwitchForm
from workspaces import members, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


@require_GET
@member_required("viewer")
def home_show(request: WorkspaceRequest) -> HttpResponse:
    """What needs me now, and how it goes."""
    home = figures.home(workspace=request.workspace, user=request.user, now=clock.now())
    context = {
        "home": home,
        "may_manage": members.may(request.member, "manager"),
        "may_reply": members.may(request.member, "agent"),
        "has_simulator": bool(settings.SIMULATOR_URL),
    }
    return pages.show(request, "messaging/home.html", context)


@require_POST
@member_required("manager")
def bot_switch(request: WorkspaceRequest) -> HttpResponse:
    """Turn the bot on or off."""
    form = SwitchForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose on or off.")
        return pages.go(request, "messaging:home-show", request.workspace.slug)
    is_on = form.cleaned_data["is_on"]
    bot.switch(workspace=request.workspace, is_on=is_on, actor=request.user, now=clock.now())
    messages.success(
        request,
        "The bot is on. It answers new messages."
        if is_on
        else "The bot is off. Messages wait for your team in the inbox.",
    )
    return pages.go(request, "messaging:home-show", request.workspace.slug)


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
