"""The start page and setting up a business; outside any workspace."""

from django.urls import path

from workspaces import views
from workspaces.pages import by_method

app_name = "workspaces"
urlpatterns = [
    path("", views.workspace_list, name="workspace-list"),
    path(
        "workspaces/new/",
        by_method(get=views.workspace_new, post=views.workspace_create),
        name="workspace-new",
    ),
    path("workspaces/suggest/", views.slug_suggest, name="slug-suggest"),
    path("terms/", views.law_show, {"page": "terms"}, name="terms-show"),
    path("privacy/", views.law_show, {"page": "privacy"}, name="privacy-show"),
    path("data-processing/", views.law_show, {"page": "processing"}, name="processing-show"),
    path("acceptable-use/", views.law_show, {"page": "acceptable"}, name="acceptable-show"),
    path("help/", views.help_show, name="help-show"),
    path("robots.txt", views.robots_show, name="robots-show"),
    path("sitemap.xml", views.sitemap_show, name="sitemap-show"),
    path("w/<slug:slug>/settings/", views.settings_show, name="settings-show"),
    path("w/<slug:slug>/notices/<int:pk>/dismiss/", views.notice_dismiss, name="notice-dismiss"),
]
