"""What every page is given."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from lib import events
from messaging import figures


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
        "simulator_url": settings.SIMULATOR_URL,
        "correlation": events.correlation(),
        # Nobody who tries Backroom out on a machine of his own should look for a message that
        # never left it.
        "mail_is_logged": settings.EMAIL_URL.startswith("consolemail"),
    }
