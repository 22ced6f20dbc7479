"""Pages about numbers; under /w/<slug>/connections/."""

from django.urls import path

from connections import views
from workspaces.pages import by_method

app_name = "connections"
urlpatterns = [
    path("", views.connection_list, name="connection-list"),
    path(
        "add/",
        by_method(get=views.connection_form, post=views.connection_add),
        name="connection-add",
    ),
    path("simulator/", views.simulator_connect, name="simulator-connect"),
    path("<int:pk>/", views.connection_show, name="connection-show"),
    path("<int:pk>/check/", views.connection_check, name="connection-check"),
    path("<int:pk>/switch/", views.connection_switch, name="connection-switch"),
    path(
        "<int:pk>/remove/",
        by_method(get=views.connection_part, post=views.connection_remove),
        name="connection-remove",
    ),
]
