"""Pages about answers; under /w/<slug>/faqs/."""

from django.urls import path

from faqs import golden_views, views
from workspaces.pages import by_method

app_name = "faqs"
urlpatterns = [
    path("", views.entry_list, name="entry-list"),
    path("new/", by_method(get=views.entry_new, post=views.entry_create), name="entry-new"),
    path("<int:pk>/", by_method(get=views.entry_edit, post=views.entry_update), name="entry-edit"),
    path("<int:pk>/switch/", views.entry_switch, name="entry-switch"),
    path(
        "<int:pk>/delete/",
        by_method(get=views.entry_part, post=views.entry_delete),
        name="entry-delete",
    ),
    path(
        "golden/",
        by_method(get=golden_views.golden_list, post=golden_views.golden_add),
        name="golden-list",
    ),
    path("golden/<int:pk>/remove/", golden_views.golden_remove, name="golden-remove"),
    path("templates/add/", views.template_add, name="template-add"),
    path("export.csv", views.entry_export, {"form": "csv"}, name="entry-export-csv"),
    path("export.xlsx", views.entry_export, {"form": "xlsx"}, name="entry-export-xlsx"),
    path("import/", by_method(get=views.import_list, post=views.import_upload), name="import-list"),
    path("import/<int:pk>/", views.import_show, name="import-show"),
    path("import/<int:pk>/confirm/", views.import_confirm, name="import-confirm"),
    path("import/<int:pk>/discard/", views.import_discard, name="import-discard"),
    path("import/<int:pk>/undo/", views.import_undo, name="import-undo"),
]
