"""Pages about numbers; under /w/<slug>/connections/."""

from django.urls import path

from connections.views import linking, numbers, pretend, trying
from workspaces.pages import by_method

app_name = "connections"
urlpatterns = [
    path("", numbers.connection_list, name="connection-list"),
    path(
        "connect/",
        by_method(get=linking.connect_form, post=linking.connect_begin),
        name="connect",
    ),
    path(
        "add/",
        by_method(get=numbers.connection_form, post=numbers.connection_add),
        name="connection-add",
    ),
    path("simulator/", numbers.simulator_connect, name="simulator-connect"),
    path("<int:pk>/", numbers.connection_show, name="connection-show"),
    path("<int:pk>/check/", numbers.connection_check, name="connection-check"),
    path("<int:pk>/switch/", numbers.connection_switch, name="connection-switch"),
    path(
        "<int:pk>/link/",
        by_method(get=linking.link_show, post=linking.link_begin),
        name="link-show",
    ),
    path("<int:pk>/link/cancel/", linking.link_cancel, name="link-cancel"),
    path("<int:pk>/link/screen/", linking.link_on_screen, name="link-screen"),
    path(
        "<int:pk>/disconnect/",
        by_method(get=numbers.disconnect_form, post=numbers.connection_disconnect),
        name="connection-disconnect",
    ),
    path(
        "<int:pk>/remove/",
        by_method(get=numbers.connection_part, post=numbers.connection_remove),
        name="connection-remove",
    ),
    path(
        "<int:pk>/pretend/",
        by_method(get=pretend.pretend_show, post=pretend.pretend_write),
        name="pretend-show",
    ),
    path("<int:pk>/pretend/scan/", pretend.pretend_scan, name="pretend-scan"),
    path("<int:pk>/pretend/unlink/", pretend.pretend_unlink, name="pretend-unlink"),
    path("<int:pk>/log/", trying.connection_log, name="connection-log"),
    path(
        "<int:pk>/test/",
        by_method(get=trying.test_show, post=trying.test_send),
        name="connection-test",
    ),
]
