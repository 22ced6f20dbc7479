"""A person's own page: name, e-mail, passkeys, password, devices. Outside any workspace."""

from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from workspaces import accounts, devices, members, pages, toasts
from workspaces.decorators import person_required
from workspaces.pages import PersonRequest
from workspaces.settings_forms import NameForm

_TEMPLATE = "workspaces/security.html"


@require_GET
@person_required
def security_show(request: PersonRequest) -> HttpResponse:
    """How this person signs in, and where they are signed in now."""
    return _page(request, NameForm(initial={"name": request.user.name}))


def _page(request: PersonRequest, form: NameForm, *, status: int = 200) -> HttpResponse:
    found = list(Authenticator.objects.filter(user=request.user).order_by("pk"))
    passkeys = [one for one in found if one.type == Authenticator.Type.WEBAUTHN]
    codes = next((one for one in found if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "form": form,
        "passkeys": passkeys,
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "devices": devices.of(request.user),
        "spaces": members.workspaces_of(user=request.user),
    }
    return pages.show(request, _TEMPLATE, context, part="name", status=status)


@require_POST
@person_required
def name_change(request: PersonRequest) -> HttpResponse:
    """Change how teammates and customers' conversations name this person."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    accounts.rename(user=request.user, name=form.cleaned_data["name"])
    toasts.say(request, _("Saved."))
    return pages.go(request, "workspaces:security-show")


@require_POST
@person_required
def devices_end(request: PersonRequest) -> HttpResponse:
    """Sign out everywhere else."""
    devices.sign_out_others(request=request, user=request.user)
    toasts.say(request, _("You are signed out everywhere else."))
    return pages.go(request, "workspaces:security-show")
