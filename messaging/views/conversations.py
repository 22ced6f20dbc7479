"""The inbox: the list of conversations, one thread, and what keeps both fresh."""

import secrets
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_GET, require_POST

from faqs import holding
from lib import clock
from messaging import (
    correcting,
    explaining,
    inbox,
    people,
    presence,
    quick_answers,
    replies,
    takeover,
    threads,
)
from messaging.forms import NoteForm, ReplyForm
from workspaces import members, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

THREAD = "messaging/thread.html"


def _listing(request: WorkspaceRequest, *, until: str = "") -> dict[str, Any]:
    asked = request.GET
    return {
        "listing": inbox.listing(
            view=asked.get("view", "all"),
            query=asked.get("q", ""),
            tag=asked.get("tag", ""),
            before=asked.get("before", ""),
            before_hit=asked.get("before_hit", ""),
            until=until,
            user_id=request.user.pk,
            country=request.workspace.country,
        ),
        # The thread that the list stands beside.
        "current": pages.number(asked.get("beside") or asked.get("open")),
        "is_first_page": not asked.get("before"),
    }


@require_GET
@member_required("viewer")
def conversation_list(request: WorkspaceRequest) -> HttpResponse:
    """Who wrote, latest first."""
    part = "more" if request.GET.get("before") else "list"
    part = "hits" if request.GET.get("before_hit") else part
    context = _listing(request) | {"tags": SimpleLazyObject(people.every_tag)}
    context["company"] = SimpleLazyObject(partial(_company, request, context["current"] or 0))
    return pages.show(request, "messaging/inbox.html", context, part=part)


def thread_of(
    request: WorkspaceRequest, pk: int, *, before: str = "", since: str = ""
) -> threads.Thread:
    """Return a thread of the workspace in hand, or answer that there is none."""
    try:
        return threads.thread(
            workspace=request.workspace,
            conversation_id=pk,
            before=before,
            since=since,
            now=clock.now(),
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error


def around(
    request: WorkspaceRequest, thread: threads.Thread, form: ReplyForm | None = None
) -> dict[str, Any]:
    """Return what a thread's page is drawn from."""
    return {
        "thread": thread,
        "may_reply": members.may(request.member, "agent"),
        "form": form or fresh_form(),
        "note_form": NoteForm(),
        "text_limit": replies.TEXT_LIMIT,
        # Asked for where they are drawn, and once only.
        "team": SimpleLazyObject(partial(takeover.team, workspace=request.workspace)),
        "company": SimpleLazyObject(partial(_company, request, thread.conversation.pk)),
    }


def _company(request: WorkspaceRequest, opened: int = 0) -> presence.Presence:
    return presence.note(
        workspace=request.workspace,
        user=request.user,
        conversation_id=opened,
        is_writing=request.GET.get("writing") == "1",
        now=clock.now(),
    )


def fresh_form(text: str = "") -> ReplyForm:
    """Return a form for a reply, with words in it or none."""
    return ReplyForm(initial={"once": secrets.token_urlsafe(12), "text": text})


@require_GET
@member_required("viewer")
def thread_show(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One conversation; `before` shows older messages, `at` those around one."""
    before = request.GET.get("before", "")
    if (at := pages.number(request.GET.get("at"))) is not None:
        before = threads.around(conversation_id=pk, message_id=at)
    thread = thread_of(request, pk, before=before)
    context = around(request, thread) | {"is_past": bool(before)}
    if "picks" in request.GET:  # without script the list opens with the page
        context["picks"] = quick_answers.picks(query=request.GET.get("find", ""))
    return pages.show(request, THREAD, context, part="earlier")


@require_GET
@member_required("viewer")
def conversation_live(request: WorkspaceRequest) -> HttpResponse:
    """What changed of everything that a page of the inbox shows, or 204 (its one poll).

    The page says by its own fields what it shows and how it was: list, thread, window, company.
    """
    asked = request.GET
    context: dict[str, Any] = {}
    opened = pages.number(asked.get("open"))
    if opened is not None:
        thread = thread_of(request, opened, since=asked.get("since", ""))
        is_past = asked.get("past") == "1"
        context |= around(request, thread)
        context["has_thread"] = thread.version != asked.get("thread") and not is_past
        context["has_window"] = (
            thread.is_window_open and "window" in asked and asked["window"] != thread.window_left
        )
        context["has_new_form"] = asked.get("can") != str(int(thread.is_window_open))
    company = _company(request, opened or 0)
    context |= {"company": company, "has_company": company.mark != asked.get("company", "")}
    if "list" in asked:
        context |= _listing(request, until=asked.get("until", ""))
        context["needs_count"] = context["listing"].needs_count
        context["has_list"] = context["listing"].version != asked["list"]
    else:
        context["needs_count"] = inbox.waiting().count()
    context["has_badge"] = str(context["needs_count"]) != asked.get("needs", "")
    changes = ("has_thread", "has_new_form", "has_window", "has_company", "has_list", "has_badge")
    if not any(context.get(name) for name in changes):
        return pages.unchanged()
    return pages.show(request, "messaging/live.html", context | {"is_beside": True})


@require_POST
@member_required("agent")
def thread_see(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Tell the customer that a person has read their newest message."""
    try:
        threads.mark_seen(workspace=request.workspace, conversation_id=pk, now=clock.now())
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
        except correcting.UnableToFindMessage as error:
            raise Http404 from error
        except correcting.UnableToCorrect as error:
            messages.error(request, str(error))
        else:
            messages.success(request, sentence)
    at = resolve_url("messaging:message-explain", request.workspace.slug)
    return pages.go(request, f"{at}?id={pk}")
