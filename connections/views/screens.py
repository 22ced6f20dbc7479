"""The one-time link: a QR code and its status on somebody else's screen, for nobody's account."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET, require_POST

from connections import attempts, screens
from connections.models import Connection
from connections.views.shared import opened, shown
from lib import clock
from workspaces import pages, scope

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@require_GET
def screen_show(request: HttpRequest, token: str) -> HttpResponse:
    """Ask to open the link; to the browser that did, show the code and how far it is."""
    try:
        screen = _find(token)
        if not screens.is_held(screen=screen, cookies=request.COOKIES):
            # A look must not use the link up: messengers open what is sent, to preview it.
            return _page(request, {"token": token})
        context = _attempt(request, screen)
    except screens.UnableToShow as error:
        return _page(request, {"problem": str(error)}, status=200 if _polls(request) else 410)
    if _polls(request) and request.GET.get("mark") == context["attempt"].mark:
        return pages.unchanged()
    return _page(request, context | {"token": token})


@require_POST
def screen_open(request: HttpRequest, token: str) -> HttpResponse:
    """Give the link to this browser, when no other has it.

    Asked without a CSRF token: a page without referrer has no origin to check, and who knows the
    address may open it anyway.
    """
    try:
        screen = _find(token)
        if not screens.is_held(screen=screen, cookies=request.COOKIES):
            with scope.workspace(screen.workspace):
                screens.claim(screen=screen, now=clock.now())
    except screens.UnableToShow as error:
        return _page(request, {"problem": str(error)}, status=403)
    response = HttpResponseRedirect(request.path)
    response.set_cookie(
        screen.cookie,
        screen.key,
        max_age=int(screens.LASTS.total_seconds()),
        path=request.path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return _guarded(response)


def _find(token: str) -> screens.Screen:
    screen = screens.find(token=token, now=clock.now())
    if screen is None:
        raise Http404
    return screen


def _attempt(request: HttpRequest, screen: screens.Screen) -> dict[str, Any]:
    now = clock.now()
    opened_at = opened(request.GET.get("opened"), now)
    with scope.workspace(screen.workspace):
        connection = Connection.objects.filter(pk=screen.connection_id).first()
        if connection is None:
            raise screens.UnableToShow("The number of this link is not there any more.")
        attempt = attempts.look(connection=connection, opened_at=opened_at, now=now)
        return shown(attempt, opened_at, request.GET.get("code"))


def _polls(request: HttpRequest) -> bool:
    return pages.is_htmx(request)


def _page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = pages.show(
        request, "connections/screen.html", context, part="attempt", status=status
    )
    return _guarded(response)


def _guarded(response: HttpResponse) -> HttpResponse:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
