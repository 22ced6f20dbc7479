"""Quick answers: the page on which the team keeps them."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from messaging import quick_answers
from messaging.forms import QuickAnswerForm
from workspaces import pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_LIST, _EDIT = "messaging/quick_answers.html", "messaging/quick_answer.html"


def _list(request: WorkspaceRequest, form: QuickAnswerForm, status: int = 200) -> HttpResponse:
    context = {"answers": quick_answers.every(), "form": form}
    return pages.show(request, _LIST, context, status=status)


@require_GET
@member_required("agent")
def quick_list(request: WorkspaceRequest) -> HttpResponse:
    """All quick answers, and a form for one more."""
    return _list(request, QuickAnswerForm())


@require_POST
@member_required("agent")
def quick_add(request: WorkspaceRequest) -> HttpResponse:
    """Add a quick answer."""
    form = QuickAnswerForm(request.POST)
    if not _is_saved(request, form, None):
        return _list(request, form, status=422)
    toasts.say(request, "Added. You find it beside the field in which you write.")
    return pages.go(request, "messaging:quick-list", request.workspace.slug)


def _is_saved(request: WorkspaceRequest, form: QuickAnswerForm, pk: int | None) -> bool:
    if not form.is_valid():
        return False
    try:
        quick_answers.save(
            title=form.cleaned_data["title"],
            text=form.cleaned_data["text"],
            user=request.user,
            now=clock.now(),
            pk=pk,
        )
    except quick_answers.UnableToFind as error:
        raise Http404 from error
    except quick_answers.UnableToSave as error:
        form.add_error("title", str(error))
    return form.is_valid()


@require_GET
@member_required("agent")
def quick_edit(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One quick answer."""
    try:
        one = quick_answers.find(pk=pk)
    except quick_answers.UnableToFind as error:
        raise Http404 from error
    form = QuickAnswerForm(initial={"title": one.title, "text": one.text})
    return pages.show(request, _EDIT, {"pk": pk, "form": form})


@require_POST
@member_required("agent")
def quick_update(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Change a quick answer."""
    form = QuickAnswerForm(request.POST)
    if not _is_saved(request, form, pk):
        return pages.show(request, _EDIT, {"pk": pk, "form": form}, status=422)
    toasts.say(request, "Saved.")
    return pages.go(request, "messaging:quick-list", request.workspace.slug)


@require_POST
@member_required("agent")
def quick_delete(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Delete a quick answer, with a way back."""
    try:
        gone = quick_answers.delete(pk=pk)
    except quick_answers.UnableToFind as error:
        raise Http404 from error
    toasts.say(
        request,
        f"“{gone.title}” is deleted.",
        undo_at=reverse("messaging:quick-list", args=[request.workspace.slug]),
        fields={"title": gone.title, "text": gone.text},
    )
    return pages.go(request, "messaging:quick-list", request.workspace.slug)
