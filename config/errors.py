"""The error pages: what happened, what to do, and a code for support. They need no database.

A program that asked the API gets JSON instead; a page that asked for a fragment, a sentence to show.
"""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from connections.api import errors as api
from lib import events

_SENTENCES = {
    "400.html": "That did not make sense to us. Reload the page and try again.",
    "403.html": "You may not do this. Nothing was changed.",
    "403_csrf.html": "This page was open too long. Reload it and send it again; nothing was changed.",
    "404.html": "That is not there any more. Reload the page.",
}


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    if request.path_info.startswith(api.PREFIX):
        return api.plain(status)
    # Rendered without the request: no session, no user, nothing that could fail again.
    content = render_to_string(template, {"correlation": events.correlation()})
    response = HttpResponse(content, status=status)
    if request.headers.get("HX-Request") and template in _SENTENCES:
        sentence = f"{_SENTENCES[template]} Code for support: {events.correlation()}"
        response.headers["X-Say"] = quote(sentence)
    return response


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


def too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: the page was open too long, or another site sent it."""
    return _page(request, "403_csrf.html", 403)
