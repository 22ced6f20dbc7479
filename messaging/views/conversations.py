"""The inbox: the list of conversations, one thread, and a person's part in it."""

import secrets
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET, require_POST

from faqs import holding
from lib import clock
from messaging import correcting, explaining, inbox, replies, takeover
from messaging.forms import ReplyForm
from workspaces import members, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_THREAD = "messaging/thread.html"


def _listing(request: WorkspaceRequest) -> dict[str, Any]:
    asked = request.GET
    return {
        "listing": inbox.listing(
            view=asked.get("view", "all"),
            query=asked.get("q", ""),
            before=asked.get("before", ""),
            country=request.workspace.country,
        ),
        "current": pages.number(asked.get("beside")),  # the thread that the list stands beside
        "is_first_page": not asked.get("before"),
    }


@require_GET
@member_required("viewer")
def conversation_list(request: WorkspaceRequest) -> HttpResponse:
    """Who wrote, latest first."""
    part = "more" if request.GET.get("before") else "list"
    return pages.show(request, "messaging/inbox.html", _listing(request), part=part)


@require_GET
@member_required("viewer")
def conversation_rows(request: WorkspaceRequest) -> HttpResponse:
    """The list's first page again, or 204 when it is as it was (a poll)."""
    context = _listing(request)
    if context["listing"].version == request.GET.get("version"):
        return pages.unchanged()
    return pages.show(request, "messaging/inbox.html#rows", context)


def _thread(
    request: WorkspaceRequest, pk: int, *, before: str = "", since: str = ""
) -> inbox.Thread:
    try:
        return inbox.thread(
            workspace=request.workspace,
            conversation_id=pk,
            before=before,
            since=since,
            now=clock.now(),
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error


def _around(
    request: WorkspaceRequest, thread: inbox.Thread, form: ReplyForm | None = None
) -> dict[str, Any]:
    return {
        "thread": thread,
        "may_reply": members.may(request.member, "agent"),
        "form": form or ReplyForm(initial={"once": secrets.token_urlsafe(12)}),
        "text_limit": replies.TEXT_LIMIT,
    }


@require_GET
@member_required("viewer")
def thread_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One conversation; `before` shows older messages."""
    before = request.GET.get("before", "")
    thread = _thread(request, pk, before=before)
    context = _around(request, thread) | {"is_past": bool(before)}
    return pages.show(request, _THREAD, context, part="earlier")


@require_GET
@member_required("viewer")
def thread_messages(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The newest part of a thread again, or 204 when it is as it was (a poll)."""
    thread = _thread(request, pk, since=request.GET.get("since", ""))
    if thread.version == request.GET.get("version"):
        return pages.unchanged()
    is_changed = request.GET.get("open") != str(int(thread.is_window_open))
    context = _around(request, thread) | {"has_new_window": is_changed}
    return pages.show(request, f"{_THREAD}#polled", context)


@require_POST
@member_required("agent")
def thread_reply(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send a person's reply; the bot keeps out of the conversation from then on."""
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            takeover.reply(
                workspace=request.workspace,
                conversation_id=pk,
                user=request.user,
                text=form.cleaned_data["text"],
                once=form.cleaned_data["once"],
                now=clock.now(),
            )
        except takeover.UnableToFindConversation as error:
            raise Http404 from error
        except takeover.UnableToReply as error:
            form.add_error("text", str(error))
    since = request.POST.get("since", "")
    if form.is_valid():
        if not pages.is_htmx(request):
            return pages.go(request, "messaging:thread-show", request.workspace.slug, pk)
        context = _around(request, _thread(request, pk, since=since))
        return pages.show(request, _THREAD, context | {"is_beside": True}, part="replied")
    context = _around(request, _thread(request, pk, since=since), form)
    return pages.show(request, _THREAD, context, part="composer", status=422)


def _moved(request: WorkspaceRequest, pk: int, sentence: str) -> HttpResponse:
    if not pages.is_htmx(request):
        messages.success(request, sentence)
        return pages.go(request, "messaging:thread-show", request.workspace.slug, pk)
    context = _around(request, _thread(request, pk, since=request.POST.get("since", "")))
    return pages.show(request, _THREAD, context | {"is_beside": True}, part="moved")


@require_POST
@member_required("agent")
def conversation_take(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take the conversation over without writing yet."""
    try:
        takeover.take(conversation_id=pk, user=request.user, now=clock.now())
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    return _moved(request, pk, "You have this conversation now. The bot keeps out of it.")


@require_POST
@member_required("agent")
def conversation_give_back(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Give the conversation back to the bot."""
    try:
        takeover.give_back(
            workspace=request.workspace, conversation_id=pk, user=request.user, now=clock.now()
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    return _moved(request, pk, "The bot has this conversation again.")


@require_POST
@member_required("agent")
def thread_see(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Tell the customer that a person has read their newest message."""
    try:
        inbox.mark_seen(workspace=request.workspace, conversation_id=pk, now=clock.now())
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    return pages.unchanged()


@require_GET
@member_required("viewer")
def message_explain(request: WorkspaceRequest) -> HttpResponse:
    """Why this reply, or why none?"""
    identifier = request.GET.get("id", "")
    found = explaining.explain(workspace=request.workspace, identifier=identifier)
    if found is None:
        return pages.show(
            request, "messaging/why_unknown.html", {"identifier": identifier}, status=404
        )
    context: dict[str, Any] = {
        "found": found,
        "may_manage": members.may(request.member, "manager"),
        "may_correct": members.may(request.member, "agent"),
        "may_fix": members.may(request.member, found.fix.role),
    }
    if "again" in request.GET:
        now = clock.now()
        again = explaining.try_again(workspace=request.workspace, found=found, now=now)
        if again is not None:
            because = explaining.reason_of(again)
            used = explaining.entries_of(again)
            context |= {"again": again, "used": used, "because": because}
    if pages.is_htmx(request):
        return pages.show(request, "messaging/_story.html#again", context)
    return pages.show(request, "messaging/why.html", context)


@require_POST
@member_required("agent")
def message_correct(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Say which answer a message was for, or that none fits."""
    chosen = request.POST.get("entry", "")
    entry_id = pages.number(chosen)
    if entry_id is None and chosen != "none":
        messages.error(request, "Choose the right answer first, or “None of them”.")
    else:
        teaches = bool(request.POST.get("teaches")) and members.may(request.member, "manager")
        correct = partial(
            correcting.correct,
            workspace=request.workspace,
            message_id=pk,
            entry_id=entry_id,
            user=request.user,
            now=clock.now(),
            teaches=teaches,
        )
        try:
            if teaches and (broken := holding.broken_by(request, correct)):
                return holding.page(request, broken)
            sentence = correct()
        except correcting.UnableToCorrect as error:
            messages.error(request, str(error))
        else:
            messages.success(request, sentence)
    at = resolve_url("messaging:message-explain", request.workspace.slug)
    return pages.go(request, f"{at}?id={pk}")
