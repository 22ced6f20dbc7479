"""Addresses of the simulator: the Graph API under any version, the control side, the page."""

from django.urls import path, re_path

from connections.simulator import control, graph, nodes, phone

_GRAPH = r"^v\d+\.\d+/(?P<node>[A-Za-z0-9_.-]+)"

urlpatterns = [
    path("", phone.page),
    path("healthz", phone.health),
    re_path(_GRAPH + r"/messages/?$", graph.messages),
    re_path(_GRAPH + r"/media/?$", graph.media),
    re_path(_GRAPH + r"/phone_numbers/?$", nodes.phone_numbers),
    re_path(_GRAPH + r"/subscribed_apps/?$", nodes.subscribed_apps),
    re_path(_GRAPH + r"/(?P<act>register|deregister)/?$", nodes.registration),
    re_path(_GRAPH + r"/whatsapp_business_profile/?$", nodes.profile),
    re_path(_GRAPH + r"/block_users/?$", nodes.block_users),
    re_path(_GRAPH + r"/message_templates/?$", nodes.message_templates),
    re_path(_GRAPH + r"/?$", nodes.node),
    re_path(_GRAPH + r"/.*$", nodes.nothing),
    path("whatsapp_business/attachments/", graph.download),
    path("control/numbers", control.numbers),
    path("control/customers", control.customers),
    path("control/inbound", control.receive),
    path("control/echo", control.echo),
    path("control/read", control.read),
    path("control/faults", control.faults),
    path("control/requests", control.requests),
    path("control/messages", control.messages),
    path("control/sends", control.sends),
    path("control/webhooks", control.webhooks),
    path("control/reset", control.reset),
    path("control/chat", phone.chat),
    path("control/media/<str:media_id>", phone.media),
]
