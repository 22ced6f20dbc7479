"""What every page is given."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lib import events
from messaging import figures
from workspaces import members
from workspaces.models import Member


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
)


def _places(member: Member) -> list[Place]:
    return [place for place in PLACES if members.may(member, place.role)]


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
        "simulator_url": settings.SIMULATOR_URL,
        "correlation": events.correlation(),
        # Nobody who tries Backroom out on a machine of his own should look for a message that
        # never left it.
        "mail_is_logged": settings.EMAIL_URL.startswith("consolemail"),
    }
