"""The error pages: what happened, what to do, and a code for support. They need no database.

A program that asked the API gets JSON instead.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from connections.api import errors as api
from lib import events


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    if request.path_info.startswith(api.PREFIX):
        return api.plain(status)
    # Rendered without the request: no session, no user, nothing that could fail again.
    content = render_to_string(template, {"correlation": events.correlation()})
    return HttpResponse(content, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The request makes no sense."""
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Not allowed."""
    return _page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """No such page, or none for this person: the same answer."""
    return _page(request, "404.html", 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Our own mistake."""
    return _page(request, "500.html", 500)
