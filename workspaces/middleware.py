"""For every request: one correlation id, and the policy of what a page may load."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from lib import events
from workspaces import loader

Handler = Callable[[HttpRequest], HttpResponseBase]


def correlation(get_response: Handler) -> Handler:
    """Give the request a correlation id and say it in the answer, for support."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        with events.correlated("") as identifier:
            response = get_response(request)
            response.headers["X-Correlation-Id"] = identifier
            return response

    return handle


def content_security_policy(get_response: Handler) -> Handler:
    """Pages load from this host only and run no script that stands in them but the loader.

    In development the pretend phone may show a page beside itself.
    """
    frames = f"'self' {settings.SIMULATOR_URL}" if settings.SIMULATOR_URL else "'none'"
    policy = (
        f"default-src 'self'; script-src 'self' {loader.HASH}; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none';"
        f" frame-ancestors {frames}"
    )
    # The admin's own pages carry style attributes.
    admin_policy = policy.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_admin = request.path_info.startswith("/staff/admin/")
        response.headers.setdefault("Content-Security-Policy", admin_policy if is_admin else policy)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        return response

    return handle
