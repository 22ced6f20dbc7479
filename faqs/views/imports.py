"""Many answers at once: read, shown first, put right, added, taken back."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET, require_POST

from faqs import amending, browsing, golden, holding, importing, intake, room, starters, training
from faqs.forms import LinkForm, PasteForm, RowForm, UploadForm
from faqs.models import Import
from lib import clock
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PREVIEW = "faqs/import.html"
_WAYS: dict[str, type[UploadForm | PasteForm | LinkForm]] = {
    "file": UploadForm,
    "text": PasteForm,
    "link": LinkForm,
}


def _rights(request: WorkspaceRequest) -> dict[str, Any]:
    return {"may_manage": members.may(request.member, "manager")}


def _import_page(
    request: WorkspaceRequest, *, refused: Form | None = None, way: str = "file", status: int = 200
) -> HttpResponse:
    forms = {name: form() for name, form in _WAYS.items()} | ({way: refused} if refused else {})
    context = {
        "forms": forms,
        "opened": way,
        "imports": browsing.imports(),
        "room": room.room(now=clock.now()),
        "mine": None if browsing.count() else starters.find(request.workspace.kind),
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
            return _to_import(request, file.pk)
    return _import_page(request, refused=form, way=way, status=422)


def _source(form: Form, now: datetime) -> intake.Intake:
    if isinstance(form, UploadForm):
        name = str(form.cleaned_data["file"].name or "")
        return intake.of_file(data=form.content(), name=name, now=now)
    if "text" in form.fields:
        return intake.of_text(text=form.cleaned_data["text"], now=now)
    return intake.of_link(address=form.cleaned_data["address"], now=now)


# --- Examples for a kind of business ---------------------------------------------------------


@require_GET
@member_required("viewer")
def starter_list(request: WorkspaceRequest) -> HttpResponse:
    """Examples for each kind of business; one's own comes first."""
    context = {"kinds": starters.KINDS, "mine": starters.find(request.workspace.kind)}
    return pages.show(request, "faqs/starters.html", context | _rights(request))


@require_POST
@member_required("manager")
def starter_begin(request: WorkspaceRequest) -> HttpResponse:
    """Show the examples of a kind in the preview: fill in or leave out."""
    try:
        file = starters.preview(
            kind=request.POST.get("kind", ""),
            business_name=request.workspace.name,
            user_id=request.user.pk,
            now=clock.now(),
        )
    except importing.UnableToImport as error:
        toasts.complain(request, str(error))
        return pages.go(request, "faqs:starter-list", request.workspace.slug)
    return _to_import(request, file.pk)


# --- The preview -----------------------------------------------------------------------------


@require_GET
@member_required("viewer")
def import_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A file's rows: what they would do, or what they did."""
    return _preview_page(request, pk)


def _about(file: Import) -> dict[str, Any]:
    counts = importing.counts(file)
    return {
        "file": file,
        "counts": counts,
        "to_add": counts["new"] + counts["changed"],
        "noted": sum(1 for row in file.rows if row["notes"] and not row.get("is_skipped")),
        "left_out": len(importing.skipped(file.rows)),
        "blanks": amending.blanks(file) if file.is_starter else [],
        "undo_days": importing.UNDO_DAYS,
    }


def _preview_page(
    request: WorkspaceRequest,
    pk: int,
    status: int = 200,
    *,
    broken: Sequence[golden.Broken] = (),
    fixing: RowForm | None = None,
    number: int | None = None,
) -> HttpResponse:
    preview = browsing.preview(
        import_id=pk,
        state=request.GET.get("state", ""),
        page=pages.number(request.GET.get("page")) or 1,
    )
    if preview is None:
        raise Http404
    context = {
        "preview": preview,
        "broken": broken,
        "fixing": fixing,
        "fixed_number": number,
        "training": training.progress(now=clock.now()) if preview.file.applied_at else None,
    }
    about = _about(preview.file) | _rights(request)
    return pages.show(request, _PREVIEW, context | about, status=status)


def _to_import(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return pages.go(request, "faqs:import-show", request.workspace.slug, pk)


def _back(request: WorkspaceRequest, pk: int, number: int) -> HttpResponse:
    """Return to where the row is: the page and the tab that it was changed on."""
    url = resolve_url("faqs:import-show", request.workspace.slug, pk)
    kept = request.GET.urlencode()
    return pages.go(request, f"{url}{'?' if kept else ''}{kept}#row-{number}")


def _row_part(request: WorkspaceRequest, file: Import, number: int, **more: Any) -> HttpResponse:
    """Answer the row, with what is said above and below all rows."""
    row = next((one for one in file.rows if one["number"] == number), None)
    if row is None:
        raise Http404
    context = {"row": row, "is_row": True} | _about(file) | _rights(request) | more
    status = 422 if more.get("fixing") is not None and more["fixing"].errors else 200
    return pages.show(request, _PREVIEW, context, part="changed", status=status)


@require_GET
@member_required("manager")
def row_edit(request: WorkspaceRequest, pk: int, number: int) -> HttpResponse:
    """A row's question and answer in a form, in its place."""
    file = browsing.import_file(pk)
    row = next((one for one in file.rows if one["number"] == number), None) if file else None
    if file is None or row is None or file.state != Import.State.PREVIEW:
        raise Http404
    form = RowForm(
        initial={
            "question": row["values"].get("question", ""),
            "answer": row["values"].get("answer", ""),
        },
        prefix=f"row{number}",
    )
    if not pages.is_htmx(request):
        return _preview_page(request, pk, fixing=form, number=number)
    is_closed = "close" in request.GET
    return _row_part(request, file, number, **({} if is_closed else {"fixing": form}))


@require_POST
@member_required("manager")
def row_amend(request: WorkspaceRequest, pk: int, number: int) -> HttpResponse:
    """Put a row right; it is checked again and stays in the import."""
    form = RowForm(request.POST, prefix=f"row{number}")
    form.is_valid()
    amend = partial(amending.amend, import_id=pk, number=number, **form.texts())
    return _amended(request, pk, number, amend)


@require_POST
@member_required("manager")
def row_choose(request: WorkspaceRequest, pk: int, number: int) -> HttpResponse:
    """Leave a row out, or take it in after all."""
    is_left_out = request.POST.get("choice") == "leave"
    choose = partial(amending.choose, import_id=pk, number=number, is_left_out=is_left_out)
    return _amended(request, pk, number, choose)


def _must_be_there(pk: int) -> None:
    if not browsing.has_import(pk):
        raise Http404


def _amended(
    request: WorkspaceRequest, pk: int, number: int, change: partial[Import]
) -> HttpResponse:
    _must_be_there(pk)
    try:
        file = change()
    except amending.UnableToAmend as error:
        toasts.complain(request, str(error))
        return _to_import(request, pk)
    if not pages.is_htmx(request):
        return _back(request, pk, number)
    return _row_part(request, file, number)


@require_POST
@member_required("manager")
def blanks_fill(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Fill in the blanks of all answers at once."""
    names, values = request.POST.getlist("name"), request.POST.getlist("value")
    given = dict(zip(names[:200], values[:200], strict=False))
    _must_be_there(pk)
    try:
        _, changed = amending.fill(import_id=pk, values=given)
    except amending.UnableToAmend as error:
        toasts.complain(request, str(error))
    else:
        toasts.say(
            request,
            "1 answer filled in." if changed == 1 else f"{changed} answers filled in.",
        ) if changed else toasts.complain(request, "Write something into the boxes first.")
    return _to_import(request, pk)


@require_GET
@member_required("viewer")
def import_problems(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The rows with problems, as a file to put right and bring again."""
    file = browsing.import_file(pk)
    if file is None:
        raise Http404
    return pages.download(f"problems-{pk}.csv", amending.problems_csv(file), pages.CSV)


@require_POST
@member_required("manager")
def import_confirm(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Add a file's rows, but for those that were left out."""
    _must_be_there(pk)
    ticked = [pages.number(text) for text in request.POST.getlist("skip")]
    skip = [number for number in ticked if number is not None]
    add = partial(
        importing.confirm, import_id=pk, skip=skip, user_id=request.user.pk, now=clock.now()
    )
    try:
        if broken := holding.broken_by(request, add):
            return _preview_page(request, pk, 422, broken=broken)
        file = add()
    except importing.UnableToImport as error:
        messages.error(request, str(error))
        return _to_import(request, pk)
    counts = importing.counts(file)
    toasts.say(
        request,
        f"Done: {counts['new']} added, {counts['changed']} changed.",
        undo_at=resolve_url("faqs:import-undo", request.workspace.slug, pk),
    )
    return _to_import(request, pk)


@require_POST
@member_required("manager")
def import_discard(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Put a file aside."""
    _must_be_there(pk)
    importing.discard(import_id=pk)
    messages.success(request, "Put aside. Nothing was added.")
    return pages.go(request, "faqs:import-list", request.workspace.slug)


@require_POST
@member_required("manager")
def import_undo(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take a file back."""
    _must_be_there(pk)
    undo = partial(importing.undo, import_id=pk, user_id=request.user.pk, now=clock.now())
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


# --- While the bot learns --------------------------------------------------------------------


@require_GET
@member_required("viewer")
def training_show(request: WorkspaceRequest) -> HttpResponse:
    """How far the bot is with learning the answers (a poll, while it learns)."""
    found = training.progress(now=clock.now())
    if not pages.is_htmx(request):
        return pages.go(request, "faqs:entry-list", request.workspace.slug)
    if found.is_learning and str(found.percent) == request.GET.get("seen"):
        return pages.unchanged()
    return pages.show(request, "faqs/_training.html", {"training": found, "is_polled": True})
