"""Golden questions: what must stay answered, and whether it is."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from faqs import browsing, golden, search
from faqs.models import GoldenQuestion
from lib import clock
from workspaces import members, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PAGE = 50


class GoldenForm(forms.Form):
    """A question and the entry that must answer it."""

    text = forms.CharField(
        label="A customer writes",
        max_length=300,
        widget=forms.TextInput(attrs={"placeholder": "una dey deliver go Lekki?"}),
        error_messages={"required": "Write the question."},
    )
    entry = forms.TypedChoiceField(
        label="It must be answered with",
        coerce=int,
        error_messages={
            "required": "Choose the answer.",
            "invalid_choice": "Choose one of your answers.",
        },
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["entry"].choices = [("", "Choose …"), *browsing.choices()]  # type: ignore[attr-defined]


def _page(request: WorkspaceRequest, form: GoldenForm, status: int = 200) -> HttpResponse:
    page = pages.number(request.GET.get("page")) or 1
    every = golden.questions()
    shown = every[(page - 1) * _PAGE : page * _PAGE]
    found = search.look(request.workspace, [one.text for one in shown]) if shown else []
    context = {
        "form": form,
        "rows": [
            (one, one.entry_id in {match.entry_id for match in finding.answers}, finding)
            for one, finding in zip(shown, found, strict=True)
        ],
        "total": len(every),
        "page": page,
        "has_next": len(every) > page * _PAGE,
        "may_manage": members.may(request.member, "manager"),
    }
    return pages.show(request, "faqs/golden.html", context, status=status)


@require_GET
@member_required("viewer")
def golden_list(request: WorkspaceRequest) -> HttpResponse:
    """Every golden question, and what the bot does with it now."""
    return _page(request, GoldenForm())


@require_POST
@member_required("manager")
def golden_add(request: WorkspaceRequest) -> HttpResponse:
    """Make a question a golden one."""
    form = GoldenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    added = golden.add(
        entry_id=form.cleaned_data["entry"],
        text=form.cleaned_data["text"],
        origin=GoldenQuestion.Origin.PERSON,
        now=clock.now(),
    )
    if added is None:
        form.add_error("entry", "That answer is gone. Choose another one.")
        return _page(request, form, 422)
    messages.success(request, "Kept. Before each change the bot is asked this again.")
    return pages.go(request, "faqs:golden-list", request.workspace.slug)


@require_POST
@member_required("manager")
def golden_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take a question off the list."""
    if not golden.remove(golden_id=pk):
        raise Http404
    messages.success(request, "Taken off the list. The answer itself is still there.")
    return pages.go(request, "faqs:golden-list", request.workspace.slug)
