"""A contact: what the team knows of it, and what it may ask for (its data, or that it goes)."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from messaging import contact_file, erasing, inbox, notes, people
from messaging.forms import EraseForm, NameForm, NoteForm, TagForm
from messaging.models import Contact
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PAGE = "messaging/contact.html"


def _show(request: WorkspaceRequest, pk: int, *, status: int = 200, **forms: Any) -> HttpResponse:
    try:
        card = people.card(contact_id=pk)
    except people.UnableToFindContact as error:
        raise Http404 from error
    context = {
        "card": card,
        "may_reply": members.may(request.member, "agent"),
        "may_manage": members.may(request.member, "manager"),
        "name_form": NameForm(initial={"name": card.contact.known_as}),
        "tag_form": TagForm(),
        "note_form": NoteForm(auto_id="contact_%s"),
        **forms,
    }
    return pages.show(request, _PAGE, context, part="panel", status=status)


def _done(request: WorkspaceRequest, pk: int) -> HttpResponse:
    if pages.is_htmx(request):
        return _show(request, pk)
    return pages.go(request, "messaging:contact-show", request.workspace.slug, pk)


def _do(work: Callable[[], Contact]) -> Contact:
    try:
        return work()
    except people.UnableToFindContact as error:
        raise Http404 from error


@require_GET
@member_required("viewer")
def contact_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A contact, as a page or beside its thread."""
    return _show(request, pk)


@require_POST
@member_required("agent")
def contact_rename(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Call a contact as the team does."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _show(request, pk, status=422, name_form=form, is_naming=True)
    _do(lambda: people.rename(contact_id=pk, name=form.cleaned_data["name"]))
    toasts.say(request, "Saved.")
    return _done(request, pk)


@require_POST
@member_required("agent")
def contact_tag(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Put a tag on a contact."""
    form = TagForm(request.POST)
    if form.is_valid():
        try:
            _do(lambda: people.tag(contact_id=pk, name=form.cleaned_data["tag"]))
        except people.UnableToTag as error:
            form.add_error("tag", str(error))
    if not form.is_valid():
        return _show(request, pk, status=422, tag_form=form)
    return _done(request, pk)


@require_POST
@member_required("agent")
def contact_untag(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take a tag off a contact."""
    tag_id = pages.number(request.POST.get("tag")) or 0
    _do(lambda: people.untag(contact_id=pk, tag_id=tag_id))
    return _done(request, pk)


@require_POST
@member_required("agent")
def contact_note(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Keep a note about a contact."""
    form = NoteForm(request.POST, auto_id="contact_%s")
    contact = _do(lambda: people.find(contact_id=pk))
    if form.is_valid():
        try:
            notes.add(
                contact=contact,
                conversation=None,
                text=form.cleaned_data["note"],
                user=request.user,
                now=clock.now(),
            )
        except notes.UnableToNote as error:
            form.add_error("note", str(error))
    if not form.is_valid():
        return _show(request, pk, status=422, note_form=form)
    return _done(request, pk)


@require_POST
@member_required("agent")
def contact_block(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Block a contact, or answer it again."""
    is_blocked = request.POST.get("to") != "unblocked"
    change = people.block if is_blocked else people.unblock
    _do(
        lambda: change(
            workspace=request.workspace, contact_id=pk, user=request.user, now=clock.now()
        )
    )
    said = (
        "Blocked. The bot answers nothing, and nobody is called."
        if is_blocked
        else "Unblocked. The bot answers again."
    )
    toasts.say(
        request,
        said,
        undo_at=reverse("messaging:contact-block", args=[request.workspace.slug, pk]),
        fields={"to": "unblocked" if is_blocked else "blocked"},
    )
    return _done(request, pk)


@require_POST
@member_required("agent")
def contact_consent(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Note what a contact said about automatic replies."""
    is_out = request.POST.get("is_out") == "1"
    _do(
        lambda: people.set_consent(
            workspace=request.workspace,
            contact_id=pk,
            is_out=is_out,
            user=request.user,
            now=clock.now(),
        )
    )
    toasts.say(
        request,
        "Noted: no automatic replies." if is_out else "Noted: automatic replies again.",
        undo_at=reverse("messaging:contact-consent", args=[request.workspace.slug, pk]),
        fields={"is_out": 0 if is_out else 1},
    )
    return _done(request, pk)


@require_GET
@member_required("manager")
def contact_export(request: WorkspaceRequest, pk: int, kind: str) -> HttpResponse:
    """What is held of a contact, as a file."""
    contact = _do(lambda: people.find(contact_id=pk))
    people.note_export(
        workspace=request.workspace, contact=contact, user=request.user, now=clock.now()
    )
    if kind == "csv":
        return pages.download(f"contact-{pk}.csv", contact_file.as_csv(contact), pages.CSV)
    text = contact_file.as_json(contact, now=clock.now())
    return pages.download(f"contact-{pk}.json", text, "application/json")


@require_GET
@member_required("manager")
def contact_erase_form(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What erasing a contact removes, and the question whether it is meant."""
    return _erase_page(request, pk, EraseForm())


def _erase_page(
    request: WorkspaceRequest, pk: int, form: EraseForm, status: int = 200
) -> HttpResponse:
    contact = _do(lambda: people.find(contact_id=pk))
    context = {
        "contact": contact,
        "name": inbox.shown_name(contact),
        "extent": erasing.extent_of(contact),
        "word": erasing.word_for(contact),
        "form": form,
    }
    return pages.show(request, "messaging/contact_erase.html", context, status=status)


@require_POST
@member_required("manager")
def contact_erase(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Erase a contact for good."""
    form = EraseForm(request.POST)
    if form.is_valid():
        try:
            erasing.erase(
                workspace=request.workspace,
                contact_id=pk,
                typed=form.cleaned_data["typed"],
                user=request.user,
                now=clock.now(),
            )
        except people.UnableToFindContact as error:
            raise Http404 from error
        except erasing.UnableToErase as error:
            form.add_error("typed", str(error))
    if not form.is_valid():
        return _erase_page(request, pk, form, status=422)
    toasts.say(request, "Erased. Nothing that this contact wrote or was written is left here.")
    return pages.go(request, "messaging:conversation-list", request.workspace.slug)
