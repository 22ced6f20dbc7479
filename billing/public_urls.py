"""Pages about plans for everybody."""

from django.urls import path

from billing import views

app_name = "billing-public"
urlpatterns = [path("", views.pricing_show, name="pricing-show")]
