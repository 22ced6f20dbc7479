"""What every page is given."""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lib import events
from messaging import beginning, figures
from workspaces import members
from workspaces.models import Member, Workspace


@dataclass(frozen=True)
class Place:
    """A page of the settings: its URL name, what it is called, and who may open it."""

    name: str
    label: str | Promise
    hint: str | Promise
    icon: str
    role: str = "viewer"


PLACES = (
    Place(
        "messaging:bot-settings",
        _("Bot"),
        _("How it speaks, when, and about what; test phones."),
        "bot",
    ),
    Place(
        "connections:connection-list",
        _("Numbers"),
        _("The WhatsApp numbers that customers write to."),
        "number",
    ),
    Place(
        "messaging:phone-show",
        _("Your phone"),
        _("Command the bot by WhatsApp from your own phone."),
        "send",
        "manager",
    ),
    Place(
        "workspaces:team-show",
        _("Team"),
        _("Who belongs to the business, and what each of them may do."),
        "people",
    ),
    Place(
        "workspaces:business",
        _("Business"),
        _("Name, kind, city, country and time zone."),
        "shop",
        "manager",
    ),
    Place(
        "workspaces:data-show",
        _("Your data"),
        _("Take everything along in one file, or delete the business."),
        "down",
        "manager",
    ),
    Place(
        "workspaces:audit-show",
        _("Audit log"),
        _("Who did what, and when; visits of our support, too."),
        "list",
        "manager",
    ),
    Place(
        "messaging:quick-list",
        _("Quick answers"),
        _("Texts that your team lays into a reply by a tap."),
        "list",
        "agent",
    ),
)


def _places(member: Member) -> list[Place]:
    return [place for place in PLACES if members.may(member, place.role)]


def _beginning(request: HttpRequest, workspace: Workspace) -> beginning.Beginning | None:
    """Return the steps of setting up, for the pages that belong to one of them."""
    view = request.resolver_match.view_name if request.resolver_match else ""
    step = beginning.step_of(view)
    return beginning.of(workspace=workspace, here=step) if step else None


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the workspace and member in hand, and the trace id for error pages.

    `shell` is asked for by whole pages only: fragments cost no query for it.
    """
    workspace = getattr(request, "workspace", None)
    member = getattr(request, "member", None)
    return {
        "workspace": workspace,
        "member": member,
        "shell": partial(figures.shell, workspace=workspace) if workspace and member else None,
        "may_switch": member is not None and members.may(member, "manager"),
        "places": partial(_places, member) if member else None,
        "beginning": cache(partial(_beginning, request, workspace))
        if workspace and member and members.may(member, "manager")
        else None,
        "simulator_url": settings.SIMULATOR_URL,
        "correlation": events.correlation(),
        # Nobody who tries Backroom out on a machine of his own should look for a message that
        # never left it.
        "mail_is_logged": settings.EMAIL_URL.startswith("consolemail"),
    }
