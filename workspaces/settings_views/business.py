"""What the business is called and where it is."""

from dataclasses import asdict

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from workspaces import business, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest
from workspaces.settings_forms import BusinessForm

_TEMPLATE = "workspaces/business.html"


@require_GET
@member_required("manager")
def business_show(request: WorkspaceRequest) -> HttpResponse:
    """Name, kind, city, country and time zone."""
    form = BusinessForm(initial=asdict(business.facts_of(request.workspace)))
    return pages.show(request, _TEMPLATE, {"form": form})


@require_POST
@member_required("manager")
def business_change(request: WorkspaceRequest) -> HttpResponse:
    """Change them."""
    form = BusinessForm(request.POST)
    if form.is_valid():
        try:
            before = business.change(
                workspace=request.workspace,
                facts=business.Facts(**form.cleaned_data),
                actor=request.user,
                now=clock.now(),
            )
        except business.UnableToChangeBusiness as error:
            form.add_error(None, str(error))
        else:
            here = reverse("workspaces:business", args=[request.workspace.slug])
            toasts.say(request, _("Saved."), undo_at=here, fields=asdict(before))
            return pages.go(request, here)
    return pages.show(request, _TEMPLATE, {"form": form}, part="form", status=422)
