"""The FAQs: find, write, switch, delete, import with a preview, undo, export."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from faqs import browsing, checking, entries, exporting, golden, holding, importing, intake, room
from faqs.forms import EntryForm, LinkForm, PasteForm, UploadForm
from faqs.models import Entry
from lib import clock
from workspaces import members, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


def _to_list(request: WorkspaceRequest) -> HttpResponse:
    return pages.go(request, "faqs:entry-list", request.workspace.slug)


def _rights(request: WorkspaceRequest) -> dict[str, Any]:
    return {"may_manage": members.may(request.member, "manager")}


# --- One entry -------------------------------------------------------------------------------


@require_GET
@member_required("viewer")
def entry_list(request: WorkspaceRequest) -> HttpResponse:
    """Every answer, with a search."""
    shelf = browsing.shelf(
        query=request.GET.get("q", ""),
        category=request.GET.get("category", ""),
        page=pages.number(request.GET.get("page")) or 1,
    )
    context = {"shelf": shelf, "templates": importing.templates()} | _rights(request)
    return pages.show(request, "faqs/list.html", context, part="list")


def _entry(pk: int) -> Entry:
    found = browsing.entry(pk)
    if found is None:
        raise Http404
    return found


def _form_page(
    request: WorkspaceRequest,
    form: EntryForm,
    entry: Entry | None,
    status: int = 200,
    *,
    broken: Sequence[golden.Broken] = (),
) -> HttpResponse:
    context = {
        "broken": broken,
        "form": form,
        "entry": entry,
        "most": checking.MAX_ANSWER,
        "folded_after": checking.FOLDED_AFTER,
        "categories": browsing.categories(),
        "answer_length": len(str(form["answer"].value() or "")),
    }
    return pages.show(request, "faqs/edit.html", context, part="form", status=status)


@require_GET
@member_required("manager")
def entry_new(request: WorkspaceRequest) -> HttpResponse:
    """A blank form; a question and other ways to ask it may be handed over."""
    form = EntryForm(
        initial={
            "question": request.GET.get("question", "")[:300],
            "phrasings": "\n".join(request.GET.getlist("phrasing")),
            "is_active": True,
        }
    )
    return _form_page(request, form, None)


@require_POST
@member_required("manager")
def entry_create(request: WorkspaceRequest) -> HttpResponse:
    """Add an answer."""
    form = EntryForm(request.POST)
    if form.is_valid():
        save = partial(entries.create, **form.cleaned_data, now=clock.now())
        try:
            if broken := holding.broken_by(request, save):
                return _form_page(request, form, None, 422, broken=broken)
            save()
        except entries.UnableToSaveEntry as error:
            form.refuse(error.problems)
        else:
            messages.success(request, "Added. The bot knows it in a few seconds.")
            return _to_list(request)
    return _form_page(request, form, None, 422)


@require_GET
@member_required("manager")
def entry_edit(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """An answer in its form."""
    entry = _entry(pk)
    form = EntryForm(
        initial={
            "question": entry.question,
            "answer": entry.answer,
            "category": entry.category,
            "keywords": entry.keywords,
            "is_active": entry.is_active,
            "phrasings": "\n".join(phrasing.text for phrasing in entry.phrasings.all()),
        }
    )
    return _form_page(request, form, entry)


@require_POST
@member_required("manager")
def entry_update(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Change an answer."""
    entry = _entry(pk)
    form = EntryForm(request.POST)
    if form.is_valid():
        save = partial(entries.update, entry_id=pk, **form.cleaned_data, now=clock.now())
        try:
            if broken := holding.broken_by(request, save):
                return _form_page(request, form, entry, 422, broken=broken)
            save()
        except entries.UnableToSaveEntry as error:
            form.refuse(error.problems)
        except Entry.DoesNotExist as error:
            raise Http404 from error
        else:
            messages.success(request, "Saved.")
            return _to_list(request)
    return _form_page(request, form, entry, 422)


@require_POST
@member_required("manager")
def entry_switch(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Switch an answer on or off."""
    is_active = request.POST.get("is_active") == "on"
    switch = partial(entries.set_active, entry_id=pk, is_active=is_active, now=clock.now())
    if broken := holding.broken_by(request, switch):
        return holding.page(request, broken)
    switch()
    if not pages.is_htmx(request):
        return _to_list(request)
    return pages.show(
        request, "faqs/list.html", {"entry": _entry(pk)} | _rights(request), part="switch"
    )


@require_GET
@member_required("manager")
def entry_part(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Ask before an answer goes for good."""
    return pages.show(request, "faqs/delete.html", {"entry": _entry(pk)})


@require_POST
@member_required("manager")
def entry_delete(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Delete an answer."""
    delete = partial(entries.delete, entry_id=pk)
    if broken := holding.broken_by(request, delete):
        return holding.page(request, broken)
    if not delete():
        raise Http404
    messages.success(request, "Deleted. The bot no longer answers with it.")
    return _to_list(request)


@require_POST
@member_required("manager")
def template_add(request: WorkspaceRequest) -> HttpResponse:
    """Add a trade's ready-made answers."""
    trade = request.POST.get("trade", "")
    add = partial(importing.add_template, trade=trade, user_id=request.user.pk, now=clock.now())
    try:
        if broken := holding.broken_by(request, add):
            return holding.page(request, broken)
        file = add()
    except importing.UnableToImport as error:
        messages.error(request, str(error))
        return _to_list(request)
    added = importing.counts(file)["new"]
    messages.success(
        request, f"{added} answers added. Look at each: prices and times are examples."
    )
    return _to_list(request)


@require_GET
@member_required("viewer")
def entry_export(request: WorkspaceRequest, form: str) -> HttpResponse:
    """Every answer as a file that can be imported again."""
    name = f"faqs-{request.workspace.slug}.{form}"
    if form == "csv":
        return pages.download(name, exporting.as_csv(), pages.CSV)
    return pages.download(name, exporting.as_xlsx(), pages.XLSX)


# --- Many at once ----------------------------------------------------------------------------


_WAYS: dict[str, type[UploadForm | PasteForm | LinkForm]] = {
    "file": UploadForm,
    "text": PasteForm,
    "link": LinkForm,
}


def _import_page(
    request: WorkspaceRequest, *, refused: Form | None = None, way: str = "file", status: int = 200
) -> HttpResponse:
    forms = {name: form() for name, form in _WAYS.items()} | ({way: refused} if refused else {})
    context = {
        "forms": forms,
        "opened": way,
        "imports": browsing.imports(),
        "room": room.room(now=clock.now()),
    } | _rights(request)
    return pages.show(request, "faqs/imports.html", context, part="ways", status=status)


@require_GET
@member_required("viewer")
def import_list(request: WorkspaceRequest) -> HttpResponse:
    """The ways to bring many answers; the imports before."""
    return _import_page(request)


@require_POST
@member_required("manager")
def import_upload(request: WorkspaceRequest) -> HttpResponse:
    """Read what was brought and show what it would do; nothing is added yet."""
    way = request.POST.get("way", "")
    way = way if way in _WAYS else "file"
    form = _WAYS[way](request.POST, request.FILES)
    if form.is_valid():
        try:
            source = _source(form, clock.now())
            file = importing.preview(
                rows=source.table.rows,
                notes=source.table.notes,
                file_name=source.name,
                user_id=request.user.pk,
                now=clock.now(),
            )
        except (intake.UnableToRead, importing.UnableToImport) as error:
            form.add_error(next(iter(form.fields)), str(error))
        else:
            return pages.go(request, "faqs:import-show", request.workspace.slug, file.pk)
    return _import_page(request, refused=form, way=way, status=422)


def _source(form: Form, now: datetime) -> intake.Intake:
    if isinstance(form, UploadForm):
        name = str(form.cleaned_data["file"].name or "")
        return intake.of_file(data=form.content(), name=name, now=now)
    if "text" in form.fields:
        return intake.of_text(text=form.cleaned_data["text"], now=now)
    return intake.of_link(address=form.cleaned_data["address"], now=now)


@require_GET
@member_required("viewer")
def import_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A file's rows: what they would do, or what they did."""
    return _preview_page(request, pk)


def _preview_page(
    request: WorkspaceRequest, pk: int, status: int = 200, *, broken: Sequence[golden.Broken] = ()
) -> HttpResponse:
    preview = browsing.preview(
        import_id=pk,
        state=request.GET.get("state", ""),
        page=pages.number(request.GET.get("page")) or 1,
    )
    if preview is None:
        raise Http404
    counts = importing.counts(preview.file)
    context = {
        "preview": preview,
        "counts": counts,
        "to_add": counts["new"] + counts["changed"],
        "noted": sum(1 for row in preview.file.rows if row["notes"]),
        "undo_days": importing.UNDO_DAYS,
        "broken": broken,
    }
    return pages.show(request, "faqs/import.html", context | _rights(request), status=status)


def _to_import(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return pages.go(request, "faqs:import-show", request.workspace.slug, pk)


@require_POST
@member_required("manager")
def import_confirm(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Add a file's rows, but for those that were ticked to be left out."""
    ticked = [pages.number(text) for text in request.POST.getlist("skip")]
    skip = [number for number in ticked if number is not None]
    add = partial(importing.confirm, import_id=pk, skip=skip, now=clock.now())
    try:
        if broken := holding.broken_by(request, add):
            return _preview_page(request, pk, 422, broken=broken)
        file = add()
    except importing.UnableToImport as error:
        messages.error(request, str(error))
        return _to_import(request, pk)
    counts = importing.counts(file)
    messages.success(request, f"Done: {counts['new']} added, {counts['changed']} changed.")
    return _to_import(request, pk)


@require_POST
@member_required("manager")
def import_discard(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Put a file aside."""
    importing.discard(import_id=pk)
    messages.success(request, "Put aside. Nothing was added.")
    return pages.go(request, "faqs:import-list", request.workspace.slug)


@require_POST
@member_required("manager")
def import_undo(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take a file back."""
    undo = partial(importing.undo, import_id=pk, now=clock.now())
    try:
        if broken := holding.broken_by(request, undo):
            return holding.page(request, broken)
        undone = undo()
    except importing.UnableToUndo as error:
        messages.error(request, str(error))
        return _to_import(request, pk)
    messages.success(
        request, f"Taken back: {undone.removed} removed, {undone.restored} as they were before."
    )
    for kept in undone.kept[:5]:
        messages.warning(request, f"“{kept.question}”: {kept.reason}")
    return _to_import(request, pk)
