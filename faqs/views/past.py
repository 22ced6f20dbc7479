"""What answers were before, and those that were deleted: looked at, and put back."""

from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET, require_POST

from faqs import browsing, history, holding, restoring, trash
from faqs.models import Change
from lib import clock
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


def _rights(request: WorkspaceRequest) -> dict[str, Any]:
    return {"may_manage": members.may(request.member, "manager")}


def _hand(request: WorkspaceRequest) -> history.Hand:
    return history.Hand(history.Door.RESTORE, request.user.pk)


def _undo(request: WorkspaceRequest, hand: history.Hand) -> dict[str, Any]:
    return {
        "undo_at": resolve_url("faqs:change-undo", request.workspace.slug),
        "fields": {"batch": hand.batch},
    }


@require_GET
@member_required("viewer")
def history_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Every change of an answer, the latest first."""
    entry = browsing.entry(pk)
    if entry is None:
        raise Http404
    past, has_more = history.of_entry(pk, before=pages.number(request.GET.get("before")))
    context = {
        "entry": entry,
        "past": past,
        "has_more": has_more,
    }
    return pages.show(request, "faqs/history.html", context | _rights(request))


@require_POST
@member_required("manager")
def change_restore(request: WorkspaceRequest, pk: int, change: int) -> HttpResponse:
    """Put an answer back to what it was before a change."""
    hand = _hand(request)
    restore = partial(restoring.restore, change_id=change, entry_id=pk, hand=hand, now=clock.now())
    try:
        if broken := holding.broken_by(request, restore):
            return holding.page(request, broken)
        restore()
    except Change.DoesNotExist as error:
        raise Http404 from error
    except restoring.UnableToRestore as error:
        toasts.complain(request, str(error))
    else:
        said = "Restored. The bot answers with it again in a few seconds."
        toasts.say(request, said, **_undo(request, hand))
    return pages.go(request, "faqs:entry-history", request.workspace.slug, pk)


@require_POST
@member_required("manager")
def change_undo(request: WorkspaceRequest) -> HttpResponse:
    """Take back what was done a moment ago."""
    hand = _hand(request)
    batch = request.POST.get("batch", "").replace("\x00", "")[:32]
    take_back = partial(restoring.take_back, batch=batch, hand=hand, now=clock.now())
    try:
        if broken := holding.broken_by(request, take_back):
            return holding.page(request, broken)
        taken = take_back()
    except restoring.UnableToRestore as error:
        toasts.complain(request, str(error))
    else:
        if taken.count:
            toasts.say(request, "Taken back.")
        for question in taken.kept[:3]:
            toasts.complain(request, f"“{question}” was changed since, and stays as it is.")
    return pages.go(request, "faqs:entry-list", request.workspace.slug)


@require_GET
@member_required("viewer")
def trash_list(request: WorkspaceRequest) -> HttpResponse:
    """The answers that were deleted within 30 days."""
    before = pages.number(request.GET.get("before"))
    rows, has_more = trash.listed(now=clock.now(), before=before)
    context = {
        "rows": rows,
        "has_more": has_more,
        "days": history.TRASH_DAYS,
    }
    return pages.show(request, "faqs/trash.html", context | _rights(request))


@require_POST
@member_required("manager")
def trash_restore(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Bring a deleted answer back."""
    hand = _hand(request)
    bring_back = partial(restoring.bring_back, entry_id=pk, hand=hand, now=clock.now())
    try:
        if broken := holding.broken_by(request, bring_back):
            return holding.page(request, broken)
        entry = bring_back()
    except restoring.UnableToRestore as error:
        toasts.complain(request, str(error))
    else:
        toasts.say(request, f"“{entry.question}” is back.", **_undo(request, hand))
    return pages.go(request, "faqs:trash-list", request.workspace.slug)


@require_POST
@member_required("manager")
def trash_forget(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Let a deleted answer go for good."""
    if not trash.forget(entry_id=pk, now=clock.now()):
        raise Http404
    toasts.say(request, "Gone for good.")
    return pages.go(request, "faqs:trash-list", request.workspace.slug)
