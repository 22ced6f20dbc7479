"""What every page is given."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from lib import events


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the workspace and member in hand, and the trace id for error pages."""
    return {
        "workspace": getattr(request, "workspace", None),
        "member": getattr(request, "member", None),
        "simulator_url": settings.SIMULATOR_URL,
        "correlation": events.correlation(),
    }
