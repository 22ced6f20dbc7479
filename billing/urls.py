"""Pages about usage; under /w/<slug>/usage/."""

from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("", views.usage_show, name="usage-show"),
    path("export.csv", views.usage_export, {"form": "csv"}, name="usage-export-csv"),
    path("export.xlsx", views.usage_export, {"form": "xlsx"}, name="usage-export-xlsx"),
]
