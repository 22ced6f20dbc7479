"""The status page, for everybody: looked at once in so many seconds, however often it is asked for."""

import threading
import time
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from lib import clock
from messaging import condition
from workspaces import pages

_KEEP_SECONDS = 15.0
_lock = threading.Lock()
_last: tuple[float, datetime, list[condition.Part]] | None = None


@require_GET
def status_show(request: HttpRequest) -> HttpResponse:
    """How the house is."""
    global _last
    with _lock:
        if _last is None or _last[0] < time.monotonic():
            now = clock.now()
            _last = (time.monotonic() + _KEEP_SECONDS, now, condition.page(now=now))
        _, at, parts = _last
    worst = next(
        (s for s in (condition.DOWN, condition.TROUBLE) if s in {p.state for p in parts}), ""
    )
    context = {"parts": parts, "at": at, "worst": worst, "has_days": any(p.share for p in parts)}
    response = pages.show(request, "messaging/status.html", context)
    response.headers["Cache-Control"] = "public, max-age=15"
    return response


def forget() -> None:
    """Look anew at the next question."""
    global _last
    _last = None
