"""Pages about answers; under /w/<slug>/faqs/."""

from django.urls import path

from faqs.views import entries, golden, imports, past
from workspaces.pages import by_method

app_name = "faqs"
urlpatterns = [
    path("", entries.entry_list, name="entry-list"),
    path("new/", by_method(get=entries.entry_new, post=entries.entry_create), name="entry-new"),
    path("preview/", entries.answer_preview, name="answer-preview"),
    path("several/", entries.entry_bulk, name="entry-bulk"),
    path(
        "<int:pk>/",
        by_method(get=entries.entry_edit, post=entries.entry_update),
        name="entry-edit",
    ),
    path(
        "<int:pk>/quick/",
        by_method(get=entries.entry_quick, post=entries.entry_quick_save),
        name="entry-quick",
    ),
    path("<int:pk>/switch/", entries.entry_switch, name="entry-switch"),
    path(
        "<int:pk>/delete/",
        by_method(get=entries.entry_part, post=entries.entry_delete),
        name="entry-delete",
    ),
    path("<int:pk>/history/", past.history_show, name="entry-history"),
    path("<int:pk>/history/<int:change>/restore/", past.change_restore, name="change-restore"),
    path("undo/", past.change_undo, name="change-undo"),
    path("trash/", past.trash_list, name="trash-list"),
    path("trash/<int:pk>/restore/", past.trash_restore, name="trash-restore"),
    path("trash/<int:pk>/forget/", past.trash_forget, name="trash-forget"),
    path("golden/", by_method(get=golden.golden_list, post=golden.golden_add), name="golden-list"),
    path("golden/<int:pk>/remove/", golden.golden_remove, name="golden-remove"),
    path("export.csv", entries.entry_export, {"form": "csv"}, name="entry-export-csv"),
    path("export.xlsx", entries.entry_export, {"form": "xlsx"}, name="entry-export-xlsx"),
    path("training/", imports.training_show, name="training-show"),
    path(
        "starters/",
        by_method(get=imports.starter_list, post=imports.starter_begin),
        name="starter-list",
    ),
    path(
        "import/",
        by_method(get=imports.import_list, post=imports.import_upload),
        name="import-list",
    ),
    path("import/<int:pk>/", imports.import_show, name="import-show"),
    path(
        "import/<int:pk>/rows/<int:number>/",
        by_method(get=imports.row_edit, post=imports.row_amend),
        name="import-row",
    ),
    path("import/<int:pk>/rows/<int:number>/choose/", imports.row_choose, name="import-choose"),
    path("import/<int:pk>/fill/", imports.blanks_fill, name="import-fill"),
    path("import/<int:pk>/problems.csv", imports.import_problems, name="import-problems"),
    path("import/<int:pk>/confirm/", imports.import_confirm, name="import-confirm"),
    path("import/<int:pk>/discard/", imports.import_discard, name="import-discard"),
    path("import/<int:pk>/undo/", imports.import_undo, name="import-undo"),
]
