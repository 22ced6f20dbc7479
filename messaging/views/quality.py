"""How good the answers are, and what would make them better."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET, require_POST

from ai import suggesting
from faqs import browsing, entries, freshness, history, holding, search
from faqs.models import Entry
from faqs.quality import learnt
from lib import clock
from messaging import accuracy, bot, quality
from messaging.forms import MannerForm
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PAGE = "messaging/quality.html"
_TOPICS = "messaging/quality_topics.html"
_ANSWERS = "messaging/quality_answers.html"
_SHOWN = 5  # of each list beside the others
_ALONE = 50  # on a page of its own


def _rights(request: WorkspaceRequest) -> dict[str, Any]:
    return {"may_manage": members.may(request.member, "manager"), "days": accuracy.DAYS}


def _most(request: WorkspaceRequest) -> int:
    return _SHOWN if pages.is_htmx(request) else _ALONE


def _to_page(request: WorkspaceRequest) -> HttpResponse:
    return pages.go(request, "messaging:quality-show", request.workspace.slug)


@require_GET
@member_required("viewer")
def quality_show(request: WorkspaceRequest) -> HttpResponse:
    """How it goes; what takes longer to find out comes after the page."""
    freshness.heal(request.workspace, search.current())  # "learning" shall not be said for ever
    found = quality.overview(now=clock.now())
    context = {"overview": found, "learnt": found.learnt, "least": accuracy.LEAST}
    return pages.show(request, _PAGE, context | _rights(request))


@require_GET
@member_required("viewer")
def learnt_show(request: WorkspaceRequest) -> HttpResponse:
    """What the bot has learnt (a poll, while it learns)."""
    if not pages.is_htmx(request):
        return _to_page(request)
    return pages.show(request, f"{_PAGE}#learnt", {"learnt": learnt.state()})


@require_GET
@member_required("viewer")
def topic_list(request: WorkspaceRequest) -> HttpResponse:
    """What customers asked and no answer fits, the most asked first."""
    found = quality.topics(workspace=request.workspace, now=clock.now())
    most = _most(request)
    context = {"topics": found[:most], "more": len(found[most:])} | _rights(request)
    return pages.show(request, _TOPICS, context, part="topics")


@require_POST
@member_required("manager")
def topic_dismiss(request: WorkspaceRequest) -> HttpResponse:
    """Put a topic away: no answer shall cover it."""
    message_id = pages.number(request.POST.get("message")) or 0
    quality.dismiss(
        workspace=request.workspace, message_id=message_id, user=request.user, now=clock.now()
    )
    if pages.is_htmx(request):
        return HttpResponse()
    messages.success(request, "Put away. It does not come back here.")
    return _to_page(request)


@require_GET
@member_required("viewer")
def answers_show(request: WorkspaceRequest) -> HttpResponse:
    """The self-test, what is mixed up, and what needs more ways to ask."""
    found = quality.answers(workspace=request.workspace, now=clock.now())
    most = _most(request)
    context = {
        "answers": found,
        "pairs": found.pairs[:most],
        "more_pairs": len(found.pairs[most:]),
        "wanting": [(one, found.proposed.get(one.entry.entry_id)) for one in found.wanting[:most]],
        "more_wanting": len(found.wanting[most:]),
    }
    return pages.show(request, _ANSWERS, context | _rights(request), part="answers")


@require_POST
@member_required("manager")
def phrasings_add(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Add what customers wrote as ways to ask for an entry."""
    entry = _entry(pk)
    texts = request.POST.getlist("text")
    add = partial(
        quality.add_phrasings,
        workspace=request.workspace,
        entry_id=pk,
        texts=texts,
        user_id=request.user.pk,
        now=clock.now(),
    )
    if texts and (broken := holding.broken_by(request, add)):
        return holding.page(request, broken)
    is_added = bool(texts) and add()
    said = (
        "Added. The bot is learning it."
        if is_added
        else "Tick at least one of them."
        if not texts
        else "Nothing was added: it is known already, or there are too many."
    )
    if pages.is_htmx(request):
        return pages.show(request, _ANSWERS, {"said": said, "entry": entry}, part="added")
    (messages.success if is_added else messages.error)(request, said)
    return _to_page(request)


@require_GET
@member_required("manager")
def proposed_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What the model proposes for an entry (a poll, while it is asked)."""
    entry = _entry(pk)
    return _show_proposed(request, entry) if pages.is_htmx(request) else _to_answers(request)


@require_POST
@member_required("manager")
def proposed_ask(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Ask the model for more ways to ask."""
    if not quality.may_propose():
        raise Http404
    entry, said = _entry(pk), ""
    try:
        quality.propose(workspace=request.workspace, entry=entry, now=clock.now())
    except suggesting.UnableToSuggest as error:
        said = str(error)
    if pages.is_htmx(request):
        return _show_proposed(request, entry, said)
    if said:
        messages.error(request, said)
    return _to_answers(request)


def _show_proposed(request: WorkspaceRequest, entry: Entry, said: str = "") -> HttpResponse:
    found = quality.proposed(workspace=request.workspace, entry_id=entry.pk, now=clock.now())
    if found is None:
        raise Http404
    return pages.show(request, _ANSWERS, {"proposed": found, "said": said}, part="proposed")


def _to_answers(request: WorkspaceRequest) -> HttpResponse:
    url = resolve_url("messaging:quality-answers", request.workspace.slug)
    return pages.go(request, f"{url}#wanting")


@require_GET
@member_required("manager")
def merge_form(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Both answers side by side: which one stays?"""
    one, other = _entry(pk), _other(pk, request.GET.get("other"))
    context = {"sides": [(one, other), (other, one)]}
    return pages.show(request, "messaging/quality_merge.html", context)


@require_POST
@member_required("manager")
def merge_confirm(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Make one entry of two; this one's answer stays."""
    other = _other(pk, request.POST.get("other"))
    hand = history.Hand(history.Door.MERGE, request.user.pk)
    merge = partial(entries.merge, kept_id=pk, other_id=other.pk, hand=hand, now=clock.now())
    try:
        if broken := holding.broken_by(request, merge):
            return holding.page(request, broken)
        kept = merge()
    except entries.UnableToSaveEntry as error:
        messages.error(request, str(error))
        return _to_page(request)
    except Entry.DoesNotExist as error:
        raise Http404 from error
    toasts.say(
        request,
        f"They are one answer now: “{kept.question}”.",
        undo_at=resolve_url("faqs:change-undo", request.workspace.slug),
        fields={"batch": hand.batch},
    )
    return _to_page(request)


def _entry(pk: int) -> Entry:
    found = browsing.entry(pk)
    if found is None:
        raise Http404
    return found


def _other(pk: int, named: str | None) -> Entry:
    number = pages.number(named)
    if number is None or number == pk:
        raise Http404
    return _entry(number)


@require_POST
@member_required("manager")
def manner_set(request: WorkspaceRequest) -> HttpResponse:
    """Say how sure the bot must be."""
    form = MannerForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the three.")
        return _to_page(request)
    manner = form.cleaned_data["manner"]
    bot.set_manner(workspace=request.workspace, manner=manner, actor=request.user, now=clock.now())
    messages.success(request, "Saved. It holds from the next message on.")
    return _to_page(request)
