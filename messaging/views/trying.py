"""The bot tried out: a chat that is played, and many questions at once."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET, require_POST

from faqs import history, holding
from lib import clock
from messaging import beginning, trying
from messaging.forms import BatchForm, TryForm
from workspaces import members, onboarding, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PAGE = "messaging/try.html"
_BATCH = "messaging/try_batch.html"


def _rights(request: WorkspaceRequest) -> dict[str, Any]:
    return {"may_manage": members.may(request.member, "manager")}


def _numbers(texts: list[str]) -> list[int]:
    found = (pages.number(text) for text in texts[: trying.MOST_TURNS])
    return [number for number in found if number is not None]


def _panel(
    request: WorkspaceRequest,
    *,
    said: list[str],
    form: TryForm | None = None,
    wrong: int | None = None,
    status: int = 200,
) -> HttpResponse:
    right = _numbers(request.POST.getlist("right"))
    # The oldest turns fall out at the top, and the judged ones move up with the rest.
    moved = max(0, len(said) - trying.MOST_TURNS)
    panel = trying.panel(
        workspace=request.workspace,
        said=said,
        right=[number - moved for number in right if number > moved],
        wrong=wrong,
        now=clock.now(),
    )
    context = {"panel": panel, "form": form or TryForm()} | _rights(request)
    if onboarding.read(request.workspace).is_open and pages.is_htmx(request):
        # The bar below leads on as soon as enough was tried.
        context["way"] = beginning.of(workspace=request.workspace, here="try")
    return pages.show(request, _PAGE, context, part="panel", status=status)


def _said(request: WorkspaceRequest) -> list[str]:
    texts = request.POST.getlist("said")[-trying.MOST_TURNS :]
    return [text.replace("\x00", "")[: trying.MOST_CHARACTERS] for text in texts if text.strip()]


@require_GET
@member_required("viewer")
def question_form(request: WorkspaceRequest) -> HttpResponse:
    """Try the bot before customers do; a question may be handed over."""
    asked = request.GET.get("text", "").replace("\x00", "").strip()[: trying.MOST_CHARACTERS]
    return _panel(request, said=[asked] if asked else [])


@require_POST
@member_required("viewer")
def question_try(request: WorkspaceRequest) -> HttpResponse:
    """Say what the bot would do. Sends nothing, counts nothing, keeps nothing."""
    said = _said(request)
    if "anew" in request.POST:
        return _panel(request, said=[])
    if (wrong := pages.number(request.POST.get("wrong"))) is not None:
        return _panel(request, said=said, wrong=wrong)
    asked = request.POST.get("suggested")
    form = TryForm({"text": asked} if asked else request.POST)
    if not form.is_valid():
        return _panel(request, said=said, form=form, status=422)
    _count(request, "tried")
    return _panel(request, said=[*said, form.cleaned_data["text"]])


def _count(request: WorkspaceRequest, what: str) -> None:
    """Count towards the step of setting up that this is, while somebody is led through it."""
    if onboarding.read(request.workspace).is_open:
        onboarding.count(request.workspace, what)


@require_POST
@member_required("manager")
def turn_keep(request: WorkspaceRequest) -> HttpResponse:
    """A reply was right: its question is kept as a golden one."""
    said, number = _said(request), pages.number(request.POST.get("turn")) or 0
    _count(request, "judged")
    faq_id = request.POST.get("faq_id", "").replace("\x00", "")[:64]
    if 1 <= number <= len(said) and faq_id:
        if trying.keep(text=said[number - 1], faq_id=faq_id, now=clock.now()):
            toasts.say(request, "Kept: before each change the bot is asked this again.")
        else:
            toasts.complain(request, "That answer is gone, so the question was not kept.")
    return _panel(request, said=said)


@require_POST
@member_required("manager")
def turn_fix(request: WorkspaceRequest) -> HttpResponse:
    """A reply was wrong: the answer is reworded, or another one chosen; then it is asked again."""
    said, number = _said(request), pages.number(request.POST.get("turn")) or 0
    if not 1 <= number <= len(said):
        return _panel(request, said=said)
    text, now = said[number - 1], clock.now()
    entry_id = pages.number(request.POST.get("entry"))
    if entry_id is None:
        toasts.complain(request, "Choose the right answer first.")
        return _panel(request, said=said, wrong=number, status=422)
    hand = history.Hand(history.Door.CORRECTION, request.user.pk)
    is_reworded = request.POST.get("how") == "reword"
    answer = request.POST.get("answer", "")
    reword = partial(trying.reword, entry_id=entry_id, answer=answer, hand=hand, now=now)
    teach = partial(trying.teach, text=text, entry_id=entry_id, user_id=request.user.pk, now=now)
    try:
        if broken := holding.broken_by(request, reword if is_reworded else teach):
            return holding.page(request, broken)
        if is_reworded:
            reword()
            undo_at = resolve_url("faqs:change-undo", request.workspace.slug)
            fields = {"batch": hand.batch}
            toasts.say(request, "Saved, and asked again.", undo_at=undo_at, fields=fields)
        else:
            toasts.say(request, teach())
    except trying.UnableToTeach as error:
        toasts.complain(request, str(error))
        return _panel(request, said=said, wrong=number, status=422)
    _count(request, "judged")
    return _panel(request, said=[*said, text])


# --- Many at once ----------------------------------------------------------------------------


@require_GET
@member_required("viewer")
def batch_form(request: WorkspaceRequest) -> HttpResponse:
    """Paste or upload questions that customers have asked."""
    return pages.show(request, _BATCH, {"form": BatchForm()} | _rights(request), part="batch")


@require_POST
@member_required("viewer")
def batch_try(request: WorkspaceRequest) -> HttpResponse:
    """Say what the bot would answer to each of them."""
    form = BatchForm(request.POST, request.FILES)
    texts = trying.questions_of(form.texts()) if form.is_valid() else []
    if not texts:
        if form.is_valid():
            form.add_error("text", "Write at least one question, each on a line of its own.")
        context = {"form": form} | _rights(request)
        return pages.show(request, _BATCH, context, part="batch", status=422)
    tried = trying.batch(workspace=request.workspace, texts=texts)
    context = {"form": form, "tried": tried} | _rights(request)
    return pages.show(request, _BATCH, context, part="batch")


@require_POST
@member_required("manager")
def batch_keep(request: WorkspaceRequest) -> HttpResponse:
    """Keep the questions that were answered well, and show what is left to do."""
    texts = trying.questions_of("\n".join(request.POST.getlist("text")))
    marks = [request.POST.get(f"mark-{number}", "") for number in range(1, len(texts) + 1)]
    tried = trying.batch(workspace=request.workspace, texts=texts, marks=marks)
    kept = trying.keep_good(tried=tried, now=clock.now())
    wrong = marks.count("wrong")
    if kept:
        questions = "1 golden question" if kept == 1 else f"{kept} golden questions"
        toasts.say(request, f"{questions} kept.")
    context = {"form": BatchForm(), "tried": tried, "kept": kept, "wrong": wrong}
    return pages.show(request, _BATCH, context | _rights(request), part="batch")
