"""Where everything is."""

from django.urls import path

from connections import webhooks

urlpatterns = [path("webhooks/whatsapp/", webhooks.whatsapp, name="webhook-whatsapp")]
