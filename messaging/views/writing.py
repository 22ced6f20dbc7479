"""A person's part in a conversation: writing, undoing, trying again, and who has it."""

from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from messaging import notes, quick_answers, retrying, takeover, undoing
from messaging.forms import NoteForm, ReplyForm
from messaging.models import Message
from messaging.views.conversations import THREAD, around, fresh_form, thread_of
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest


@require_POST
@member_required("agent")
def thread_reply(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send a person's reply; the bot keeps out of the conversation from then on."""
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            sent = takeover.reply(
                workspace=request.workspace,
                conversation_id=pk,
                user=request.user,
                text=form.cleaned_data["text"],
                once=form.cleaned_data["once"],
                undo_seconds=takeover.UNDO_SECONDS,
                now=clock.now(),
            )
        except takeover.UnableToFindConversation as error:
            raise Http404 from error
        except takeover.UnableToReply as error:
            form.add_error("text", str(error))
    since = request.POST.get("since", "")
    if not form.is_valid():
        context = around(request, thread_of(request, pk, since=since), form)
        return pages.show(request, THREAD, context, part="composer", status=422)
    toasts.say(
        request,
        f"Sent. You can take it back for {takeover.UNDO_SECONDS} seconds.",
        undo_at=reverse("messaging:message-undo", args=[request.workspace.slug, sent.pk]),
        is_brief=True,
    )
    if not pages.is_htmx(request):
        return pages.go(request, "messaging:thread-show", request.workspace.slug, pk)
    context = around(request, thread_of(request, pk, since=since))
    return pages.show(request, THREAD, context | {"is_beside": True}, part="replied")


@require_POST
@member_required("agent")
def message_undo(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take a reply back that still waits; its words are in the form again."""
    try:
        message = undoing.undo(
            workspace=request.workspace, message_id=pk, user=request.user, now=clock.now()
        )
    except takeover.UnableToFindConversation:
        toasts.complain(request, "This reply is taken back already, or was never there.")
        return pages.go(request, "messaging:conversation-list", request.workspace.slug)
    except undoing.UnableToUndo as error:
        toasts.complain(request, str(error))
        return _back_to(request, pk)
    toasts.say(request, "Taken back. The customer has not seen it.")
    thread = thread_of(request, message.conversation_id)
    return pages.show(request, THREAD, around(request, thread, fresh_form(message.text)))


def _back_to(request: WorkspaceRequest, message_id: int) -> HttpResponse:
    found = Message.objects.filter(pk=message_id).first()
    if found is None:
        raise Http404
    return pages.go(request, "messaging:thread-show", request.workspace.slug, found.conversation_id)


@require_POST
@member_required("agent")
def message_retry(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send a failed message once more."""
    try:
        retrying.retry(
            workspace=request.workspace, message_id=pk, user=request.user, now=clock.now()
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    except retrying.UnableToRetry as error:
        toasts.complain(request, str(error))
    else:
        toasts.say(request, "Sent again.")
    return _back_to(request, pk)


def _moved(request: WorkspaceRequest, pk: int) -> HttpResponse:
    if not pages.is_htmx(request):
        return pages.go(request, "messaging:thread-show", request.workspace.slug, pk)
    context = around(request, thread_of(request, pk, since=request.POST.get("since", "")))
    return pages.show(request, THREAD, context | {"is_beside": True}, part="moved")


@require_POST
@member_required("agent")
def conversation_take(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take the conversation over without writing yet."""
    had = request.POST.get("had", "")[:20]
    try:
        takeover.take(conversation_id=pk, user=request.user, had=had, now=clock.now())
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    except takeover.UnableToAssign as error:
        toasts.complain(request, str(error))
    else:
        toasts.say(request, "You have this conversation now. The bot keeps out of it.")
    return _moved(request, pk)


@require_POST
@member_required("agent")
def conversation_give_back(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Give the conversation back to the bot; nobody has to look at it any more."""
    try:
        before = takeover.give_back(
            workspace=request.workspace,
            conversation_id=pk,
            had=request.POST.get("had", "")[:20],
            user=request.user,
            now=clock.now(),
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    except takeover.UnableToAssign as error:
        toasts.complain(request, str(error))
        return _moved(request, pk)
    toasts.say(
        request,
        "The bot has this conversation again.",
        undo_at=reverse("messaging:conversation-assign", args=[request.workspace.slug, pk]),
        fields={"to": before.held, "had": takeover.BOT, "needs": int(before.needs_person)},
    )
    return _moved(request, pk)


@require_POST
@member_required("agent")
def conversation_assign(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Give the conversation to a person, to the team, or to the bot."""
    to = request.POST.get("to", "")[:20]
    try:
        before = takeover.assign(
            workspace=request.workspace,
            conversation_id=pk,
            to=to,
            had=request.POST.get("had", "")[:20],
            needs_person=request.POST.get("needs") == "1",
            user=request.user,
            now=clock.now(),
        )
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    except takeover.UnableToAssign as error:
        toasts.complain(request, str(error))
        return _moved(request, pk)
    said = {
        takeover.BOT: "The bot has this conversation again.",
        takeover.TEAM: "Your team has this conversation; whoever writes first takes it.",
        str(request.user.pk): "You have this conversation now. The bot keeps out of it.",
    }
    toasts.say(
        request,
        said.get(to, "Assigned. It is in their list under “Mine”."),
        undo_at=reverse("messaging:conversation-assign", args=[request.workspace.slug, pk]),
        fields={"to": before, "had": to},
    )
    return _moved(request, pk)


# --- What a reply is filled with, and notes ---------------------------------------------------


@require_GET
@member_required("agent")
def pick_list(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Quick answers and FAQ answers to lay into the reply."""
    try:
        takeover.find(conversation_id=pk)
    except takeover.UnableToFindConversation as error:
        raise Http404 from error
    query = request.GET.get("find", "")
    context = {"picks": quick_answers.picks(query=query), "find": query, "pk": pk}
    part = "messaging/_picks.html" if "part" not in request.GET else "messaging/_picks.html#found"
    if not pages.is_htmx(request):
        at = resolve_url("messaging:thread-show", request.workspace.slug, pk)
        return pages.go(request, f"{at}?{urlencode({'picks': 1, 'find': query[:100]})}")
    return pages.show(request, part, context)


@require_POST
@member_required("agent")
def pick_insert(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Lay the words that were picked behind what is typed already."""
    words = quick_answers.text_of(request.POST.get("pick", ""))
    typed = request.POST.get("text", "").rstrip()
    form = fresh_form("\n\n".join(part for part in (typed, words) if part))
    thread = thread_of(request, pk, since=request.POST.get("since", ""))
    context = around(request, thread, form) | {"is_filled": True}
    return pages.show(request, THREAD, context, part="composer")


@require_POST
@member_required("agent")
def thread_note(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Keep a note in the flow, for the team only."""
    form = NoteForm(request.POST)
    since = request.POST.get("since", "")
    thread = thread_of(request, pk, since=since)
    if form.is_valid():
        try:
            notes.add(
                contact=thread.conversation.contact,
                conversation=thread.conversation,
                text=form.cleaned_data["note"],
                user=request.user,
                now=clock.now(),
            )
        except notes.UnableToNote as error:
            form.add_error("note", str(error))
    if not form.is_valid():
        context = around(request, thread) | {"note_form": form, "is_noting": True}
        return pages.show(request, THREAD, context, part="noting", status=422)
    if not pages.is_htmx(request):
        return pages.go(request, "messaging:thread-show", request.workspace.slug, pk)
    context = around(request, thread_of(request, pk, since=since)) | {"is_beside": True}
    return pages.show(request, THREAD, context, part="noted")


@require_POST
@member_required("agent")
def note_delete(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Remove a note: one's own, or anybody's for those who manage."""
    note = notes.delete(
        pk=pk,
        by=None if members.may(request.member, "manager") else request.user,
    )
    if note is None:
        raise Http404
    toasts.say(request, "The note is deleted.")
    if note.conversation_id is None:
        return pages.go(request, "messaging:contact-show", request.workspace.slug, note.contact_id)
    return pages.go(request, "messaging:thread-show", request.workspace.slug, note.conversation_id)
