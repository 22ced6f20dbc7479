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
    path("w/<slug:slug>/settings/", views.settings_show, name="settings-show"),
    path("w/<slug:slug>/notices/<int:pk>/dismiss/", views.notice_dismiss, name="notice-dismiss"),
]
