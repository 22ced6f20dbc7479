"""The FAQs: find, write, change in place, switch, delete, several at once, export."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET, require_POST

from faqs import browsing, checking, entries, exporting, golden, history, holding, training
from faqs.forms import EntryForm, QuickForm
from faqs.models import Entry
from lib import clock
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


def _to_list(request: WorkspaceRequest) -> HttpResponse:
    return pages.go(request, "faqs:entry-list", request.workspace.slug)


def _rights(request: WorkspaceRequest) -> dict[str, Any]:
    return {"may_manage": members.may(request.member, "manager")}


_LIST = "faqs/list.html"


def _hand(request: WorkspaceRequest, door: history.Door = history.Door.EDIT) -> history.Hand:
    return history.Hand(door, request.user.pk)


def _say(request: WorkspaceRequest, text: str, hand: history.Hand) -> None:
    """Say what was done, with the way back."""
    undo_at = resolve_url("faqs:change-undo", request.workspace.slug)
    toasts.say(request, text, undo_at=undo_at, fields={"batch": hand.batch})


@require_GET
@member_required("viewer")
def entry_list(request: WorkspaceRequest) -> HttpResponse:
    """Every answer, with a search."""
    shelf = browsing.shelf(
        query=request.GET.get("q", ""),
        category=request.GET.get("category", ""),
        state=request.GET.get("state", ""),
        after=pages.number(request.GET.get("after")),
        before=pages.number(request.GET.get("before")),
    )
    context = {"shelf": shelf} | _rights(request)
    if not pages.is_htmx(request):
        context["training"] = training.progress(now=clock.now())
    return pages.show(request, _LIST, context, part="list")


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
        hand = _hand(request)
        save = partial(entries.create, **form.cleaned_data, hand=hand, now=clock.now())
        try:
            if broken := holding.broken_by(request, save):
                return _form_page(request, form, None, 422, broken=broken)
            save()
        except entries.UnableToSaveEntry as error:
            form.refuse(error.problems)
        else:
            _say(request, "Added. The bot knows it in a few seconds.", hand)
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
        hand = _hand(request)
        save = partial(entries.update, entry_id=pk, **form.cleaned_data, hand=hand, now=clock.now())
        try:
            if broken := holding.broken_by(request, save):
                return _form_page(request, form, entry, 422, broken=broken)
            save()
        except entries.UnableToSaveEntry as error:
            form.refuse(error.problems)
        except Entry.DoesNotExist as error:
            raise Http404 from error
        else:
            _say(request, "Saved.", hand)
            return _to_list(request)
    return _form_page(request, form, entry, 422)


@require_POST
@member_required("viewer")
def answer_preview(request: WorkspaceRequest) -> HttpResponse:
    """An answer as WhatsApp shows it, while it is written."""
    context = {"answer": checking.clean(request.POST.get("answer", ""))[: checking.MAX_ANSWER]}
    return pages.show(request, "faqs/_bubble.html", context)


# --- In its row of the list ------------------------------------------------------------------


def _row(
    request: WorkspaceRequest,
    pk: int,
    *,
    form: QuickForm | None = None,
    broken: Sequence[golden.Broken] = (),
) -> HttpResponse:
    entry = browsing.row(pk)
    if entry is None:
        raise Http404
    context = {"entry": entry, "form": form, "broken": broken} | _rights(request)
    status = 422 if broken or (form is not None and form.errors) else 200
    return pages.show(request, _LIST, context, part="row", status=status)


@require_GET
@member_required("manager")
def entry_quick(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A row as a form, or (`close`) as a row again. Without JavaScript: the page of the answer."""
    entry = _entry(pk)
    if not pages.is_htmx(request):
        return pages.go(request, "faqs:entry-edit", request.workspace.slug, pk)
    if "close" in request.GET:
        return _row(request, pk)
    initial = {
        "question": entry.question, "answer": entry.answer, "category": entry.category,
    }  # fmt: skip
    return _row(request, pk, form=QuickForm(initial=initial, prefix=f"e{pk}"))


@require_POST
@member_required("manager")
def entry_quick_save(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Change question, answer and category in the list."""
    entry = _entry(pk)
    form = QuickForm(request.POST, prefix=f"e{pk}")
    if not form.is_valid():
        return _row(request, pk, form=form)
    hand = _hand(request)
    save = partial(
        entries.update,
        entry_id=pk,
        **{**vars(entries.content_of(entry)), **form.cleaned_data},
        hand=hand,
        now=clock.now(),
    )
    try:
        if broken := holding.broken_by(request, save):
            return _row(request, pk, form=form, broken=broken)
        save()
    except entries.UnableToSaveEntry as error:
        form.refuse(error.problems)
        return _row(request, pk, form=form)
    except Entry.DoesNotExist as error:
        raise Http404 from error
    _say(request, "Saved.", hand)
    return _row(request, pk) if pages.is_htmx(request) else _to_list(request)


@require_POST
@member_required("manager")
def entry_switch(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Switch an answer on or off."""
    _entry(pk)
    is_active = request.POST.get("is_active") == "on"
    hand = _hand(request)
    switch = partial(
        entries.set_active, entry_id=pk, is_active=is_active, hand=hand, now=clock.now()
    )
    if broken := holding.broken_by(request, switch):
        return holding.page(request, broken)
    switch()
    if not pages.is_htmx(request):
        return _to_list(request)
    return pages.show(request, _LIST, {"entry": _entry(pk)} | _rights(request), part="switch")


@require_GET
@member_required("manager")
def entry_part(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Ask before an answer goes."""
    return pages.show(
        request, "faqs/delete.html", {"entry": _entry(pk), "days": history.TRASH_DAYS}
    )


@require_POST
@member_required("manager")
def entry_delete(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Delete an answer; for 30 days it can be brought back."""
    _entry(pk)
    hand = _hand(request)
    delete = partial(entries.delete, entry_ids=[pk], hand=hand, now=clock.now())
    if broken := holding.broken_by(request, delete):
        return holding.page(request, broken)
    if not delete():
        raise Http404
    _say(request, "Deleted. The bot no longer answers with it.", hand)
    return _to_list(request)


# --- Several at once -------------------------------------------------------------------------

_MOST_CHOSEN = 500


@require_POST
@member_required("manager")
def entry_bulk(request: WorkspaceRequest) -> HttpResponse:
    """Do one thing with all answers that were chosen."""
    named = (pages.number(text) for text in request.POST.getlist("entry")[:_MOST_CHOSEN])
    chosen = [number for number in named if number is not None]
    if not chosen:
        toasts.complain(request, "Choose at least one answer first.")
        return _to_list(request)
    hand = _hand(request, history.Door.LIST)
    act, word = _bulk(request, chosen, hand)
    if act is None:
        toasts.complain(request, "Choose what to do with them.")
        return _to_list(request)
    try:
        if broken := holding.broken_by(request, act):
            return holding.page(request, broken)
        count = act()
    except entries.UnableToSaveEntry as error:
        toasts.complain(request, str(error))
        return _to_list(request)
    answers = "1 answer" if count == 1 else f"{count} answers"
    if count:
        _say(request, f"{answers} {word}.", hand)
    else:
        toasts.complain(request, "That changed nothing: they are so already, or gone.")
    return _to_list(request)


def _bulk(
    request: WorkspaceRequest, chosen: list[int], hand: history.Hand
) -> tuple[Callable[[], int] | None, str]:
    alter = partial(entries.alter, entry_ids=chosen, hand=hand, now=clock.now())
    match request.POST.get("action"):
        case "on":
            return partial(alter, is_active=True), "switched on"
        case "off":
            return partial(alter, is_active=False), "switched off"
        case "category":
            return partial(alter, category=request.POST.get("to", "")), "moved"
        case "delete":
            delete = partial(entries.delete, entry_ids=chosen, hand=hand, now=clock.now())
            return delete, "deleted"
    return None, ""


@require_GET
@member_required("viewer")
def entry_export(request: WorkspaceRequest, form: str) -> HttpResponse:
    """Every answer as a file that can be imported again."""
    name = f"faqs-{request.workspace.slug}.{form}"
    if form == "csv":
        return pages.download(name, exporting.as_csv(), pages.CSV)
    return pages.download(name, exporting.as_xlsx(), pages.XLSX)
