"""Where everything is."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from billing import views as billing
from config import health
from connections import webhooks
from connections.views import screens
from messaging.views import staff, status
from workspaces.pages import by_method

# The admin shows public tables read-only; these come from libraries with forms to change them.
for model in (Group, EmailAddress, Authenticator, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

staff_pages = [
    path("", staff.overview_show, name="overview-show"),
    path("styleguide/", staff.styleguide_show, name="styleguide-show"),
    path("w/<slug:slug>/", staff.workspace_look, name="workspace-look"),
    path("w/<slug:slug>/conversations/<int:pk>/", staff.thread_look, name="thread-look"),
    path("w/<slug:slug>/why/", staff.message_look, name="message-look"),
]

urlpatterns = [
    path("", include("workspaces.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/", include("connections.api.urls")),
    # The library's own overviews; ours is one page.
    path("accounts/2fa/", RedirectView.as_view(pattern_name="workspaces:security-show")),
    path("accounts/2fa/webauthn/", RedirectView.as_view(pattern_name="workspaces:security-show")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("webhooks/whatsapp/", webhooks.whatsapp, name="webhook-whatsapp"),
    path("webhooks/linked-device/", webhooks.linked_device, name="webhook-linked-device"),
    path(
        "link/<slug:token>/",
        csrf_exempt(by_method(get=screens.screen_show, post=screens.screen_open)),
        name="screen-show",
    ),
    path("w/<slug:slug>/", include("messaging.urls")),
    path("w/<slug:slug>/faqs/", include("faqs.urls")),
    path("w/<slug:slug>/connections/", include("connections.urls")),
    path("w/<slug:slug>/usage/", include("billing.urls")),
    path("pricing/", billing.pricing_show, name="pricing-show"),
    path("status/", status.status_show, name="status-show"),
    path("staff/admin/", admin.site.urls),
    path("staff/", include((staff_pages, "staff"))),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.broken"
