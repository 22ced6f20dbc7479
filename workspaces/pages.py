"""How views answer: a page or the fragment of it that was asked for, a redirect either way."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from workspaces.models import User

View = Callable[..., HttpResponse]


class PersonRequest(HttpRequest):
    """A request by somebody who has signed in, outside any workspace."""

    user: User
    htmx: HtmxDetails


def show(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a page; to htmx only its fragment `part`, when one is named.

    A page in a frame (the pretend phone shows the trace beside itself) comes without its shell.
    """
    is_part = bool(part) and is_htmx(request)
    name = f"{template}#{part}" if is_part else template
    framed = request.headers.get("Sec-Fetch-Dest") == "iframe"
    response = render(
        request, name, {**(context or {}), "is_part": is_part, "is_framed": framed}, status=status
    )
    if is_htmx(request) and "#" in name and (said := list(messages.get_messages(request))):
        # A fragment brings along what is to be said; a whole page shows it by itself.
        response.write(render_to_string("parts/toasts_beside.html", {"said": said}, request))
    patch_vary_headers(response, ["HX-Request", "Sec-Fetch-Dest"])
    return response


def for_everybody(response: HttpResponse) -> HttpResponse:
    """Let a page that is the same for everybody be kept for minutes, by browsers and on the way."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def go(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """Send the browser to a page, by its URL name or path, whoever asked."""
    url = resolve_url(to, *args, **kwargs)
    response: HttpResponse = (
        HttpResponseClientRedirect(url) if is_htmx(request) else HttpResponseRedirect(url)
    )
    return response


def unchanged() -> HttpResponse:
    """Answer a poll when nothing changed: the page stays as it is."""
    return HttpResponse(status=204)


def is_htmx(request: HttpRequest) -> bool:
    """Say whether htmx asked."""
    return bool(getattr(request, "htmx", False))


def by_method(*, get: View, post: View) -> View:
    """Let a page and the form on it share one address."""

    def dispatch(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "GET":
            return get(request, *args, **kwargs)
        if request.method == "POST":
            return post(request, *args, **kwargs)
        return HttpResponseNotAllowed(["GET", "POST"])

    dispatch.__name__ = get.__name__
    return dispatch


def download(name: str, content: str | bytes, kind: str) -> HttpResponse:
    """Answer a file to be saved under `name`."""
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def number(text: str | None) -> int | None:
    """Return a whole number from a query, or None: no signs, no other scripts, no giants."""
    is_number = bool(text) and str(text).isascii() and str(text).isdigit() and len(str(text)) < 19
    return int(str(text)) if is_number else None


CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
