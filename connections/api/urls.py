"""The API; under /api/. Each address answers with and without a slash at its end."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, re_path

from connections.api import views

app_name = "api"


def _at(address: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
    return re_path(rf"^{address}/?$", view, name=name)


urlpatterns = [
    _at("whatsapp/connect", views.connect, "connect"),
    _at("whatsapp/status", views.status, "status"),
    _at("whatsapp/qr", views.code, "qr"),
    _at("whatsapp/disconnect", views.disconnect, "disconnect"),
    _at("schema", views.description, "schema"),
    _at("docs", views.docs, "docs"),
]
