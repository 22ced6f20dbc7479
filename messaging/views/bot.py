"""The bot's switch, and the page that says how it behaves: draft, trial, publishing, versions."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib import clock, phones
from messaging import asking, behaviour, bot, explaining, figures, previews, versions
from messaging.bot_forms import BehaviourForm, TestPhoneForm
from messaging.forms import SwitchForm, TryForm
from workspaces import members, pages, toasts
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_PAGE = "messaging/bot.html"


# --- The switch, in every header --------------------------------------------------------------


@require_POST
@member_required("manager")
def bot_switch(request: WorkspaceRequest) -> HttpResponse:
    """Let the bot answer everyone, test phones only, or nobody."""
    form = SwitchForm(request.POST)
    before = bot.settings_of()
    if not form.is_valid():
        toasts.complain(request, _("Choose on, test or off."))
    else:
        mode = form.cleaned_data["mode"]
        if bot.switch(workspace=request.workspace, mode=mode, actor=request.user, now=clock.now()):
            toasts.say(
                request,
                _switched(mode),
                undo_at=resolve_url("messaging:bot-switch", request.workspace.slug),
                fields={"mode": before.mode, "next": _page_before(request)},
            )
    if pages.is_htmx(request):
        context = {
            "edge": figures.shell(workspace=request.workspace),
            "switch_next": _page_before(request),
        }
        return pages.show(request, "workspace.html#mode", context)
    return pages.go(request, _page_before(request))


def _switched(mode: str) -> str:
    if mode == bot.Mode.OFF:
        return _("The bot is off. Messages wait for your team.")
    if mode == bot.Mode.ON:
        return _("The bot is on. It answers new messages.")
    if bot.test_phones():
        return _("The bot answers your test phones only. Others wait for your team.")
    return _("Test mode: no test phone is listed yet, so nobody gets an automatic reply.")


def _page_before(request: WorkspaceRequest) -> str:
    """Return the page of this workspace that the switch was pressed on."""
    named = request.POST.get("next", "")
    home = resolve_url("messaging:home-show", request.workspace.slug)
    is_here = url_has_allowed_host_and_scheme(
        named, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return named if is_here and named.startswith(home) and len(named) < 2_000 else home


# --- How it behaves ---------------------------------------------------------------------------


def _context(
    request: WorkspaceRequest,
    *,
    form: BehaviourForm | None = None,
    phone_form: TestPhoneForm | None = None,
) -> dict[str, Any]:
    live = bot.settings_of()
    draft = versions.draft(live=live)
    how = draft.settings if draft else live
    return {
        "live": live,
        "draft": draft,
        "form": form or BehaviourForm(values=behaviour.values_of(how)),
        "phone_form": phone_form or TestPhoneForm(),
        "test_phones": bot.test_phones(),
        "versions": versions.history(),
        "preview": previews.of(how, workspace=request.workspace, now=clock.now()),
        "may_manage": members.may(request.member, "manager"),
    }


def _to_page(request: WorkspaceRequest, anchor: str = "") -> HttpResponse:
    url = resolve_url("messaging:bot-settings", request.workspace.slug)
    return pages.go(request, f"{url}{anchor}")


@require_GET
@member_required("viewer")
def bot_show(request: WorkspaceRequest) -> HttpResponse:
    """How the bot behaves, and what a draft would change."""
    return pages.show(request, _PAGE, _context(request))


@require_POST
@member_required("manager")
def bot_save(request: WorkspaceRequest) -> HttpResponse:
    """Keep what was typed as the draft."""
    form = BehaviourForm(request.POST, values=behaviour.values_of(bot.settings_of()))
    if not form.is_valid():
        return pages.show(request, _PAGE, _context(request, form=form), part="form", status=422)
    is_draft = versions.save_draft(
        workspace=request.workspace,
        changes=form.cleaned_data,
        actor=request.user,
        now=clock.now(),
    )
    toasts.say(
        request,
        _("Saved as a draft. Customers notice nothing until you publish it.")
        if is_draft
        else _("Nothing differs from what customers get now."),
    )
    return _to_page(request)


@require_POST
@member_required("manager")
def bot_preview(request: WorkspaceRequest) -> HttpResponse:
    """Show what the typed texts would look like. Keeps nothing."""
    live = bot.settings_of()
    form = BehaviourForm(request.POST, values=behaviour.values_of(live))
    if not pages.is_htmx(request):
        return _to_page(request)
    if not form.is_valid():
        return pages.unchanged()
    how = versions.applied(live, form.cleaned_data)
    preview = previews.of(how, workspace=request.workspace, now=clock.now())
    return pages.show(request, _PAGE, {"preview": preview}, part="preview")


@require_POST
@member_required("manager")
def bot_publish(request: WorkspaceRequest) -> HttpResponse:
    """Let the draft hold."""
    try:
        version = versions.publish(
            workspace=request.workspace,
            actor=request.user,
            now=clock.now(),
            mark=request.POST.get("mark", ""),
        )
    except versions.UnableToPublish:
        said = _("Somebody has changed the draft meanwhile. Read it below, then publish it.")
        toasts.complain(request, said)
        return _to_page(request)
    except behaviour.UnableToConfigure as error:
        toasts.complain(request, str(error))
        return _to_page(request)
    if version is None:
        toasts.complain(request, _("There is no draft any more; somebody was faster."))
    else:
        toasts.say(request, _("Published. It holds from the next message on."))
    return _to_page(request)


@require_POST
@member_required("manager")
def bot_discard(request: WorkspaceRequest) -> HttpResponse:
    """Throw the draft away."""
    versions.discard(workspace=request.workspace, actor=request.user, now=clock.now())
    toasts.say(request, _("The draft is gone. Customers get what they got before."))
    return _to_page(request)


@require_POST
@member_required("manager")
def version_restore(request: WorkspaceRequest, number: int) -> HttpResponse:
    """Make a draft that brings a version back."""
    try:
        is_draft = versions.restore(
            workspace=request.workspace, number=number, actor=request.user, now=clock.now()
        )
    except versions.UnableToFindVersion as error:
        raise Http404 from error
    toasts.say(
        request,
        _("Version %(number)s is your draft now. Publish it to bring it back.") % {"number": number}
        if is_draft
        else _("This is what holds already."),
    )
    return _to_page(request)


# --- Trying the draft -------------------------------------------------------------------------


@require_GET
@member_required("viewer")
def draft_form(request: WorkspaceRequest) -> HttpResponse:
    """Ask the bot as it would be."""
    context = {"form": TryForm(), "has_draft": versions.draft(live=bot.settings_of()) is not None}
    return pages.show(request, "messaging/bot_try.html", context)


@require_POST
@member_required("viewer")
def draft_try(request: WorkspaceRequest) -> HttpResponse:
    """Say what the bot would do by the draft. Sends nothing, counts nothing."""
    form = TryForm(request.POST)
    live = bot.settings_of()
    draft = versions.draft(live=live)
    context: dict[str, Any] = {"form": form, "has_draft": draft is not None}
    if form.is_valid():
        # A draft is tried before the bot is on, too.
        how = versions.applied(draft.settings if draft else live, {"mode": bot.Mode.ON})
        asked = form.cleaned_data["text"]
        rehearsal = asking.rehearse(
            workspace=request.workspace, text=asked, now=clock.now(), how=how
        )
        context |= {
            "asked": asked,
            "rehearsal": rehearsal,
            "used": explaining.entries_of(rehearsal),
            "steps": explaining.steps_of(rehearsal),
        }
    status = 200 if form.is_valid() else 422
    return pages.show(request, "messaging/bot_try.html", context, part="panel", status=status)


# --- Test phones ------------------------------------------------------------------------------


@require_POST
@member_required("manager")
def phone_add(request: WorkspaceRequest) -> HttpResponse:
    """Have a phone answered in test mode."""
    form = TestPhoneForm(request.POST)
    if form.is_valid():
        try:
            bot.add_test_phone(
                workspace=request.workspace,
                phone=form.cleaned_data["phone"],
                actor=request.user,
                now=clock.now(),
            )
        except (phones.UnableToParsePhone, bot.UnableToAddTestPhone) as error:
            form.add_error("phone", str(error))
        else:
            toasts.say(request, _("Added. In test mode the bot answers this phone."))
            if pages.is_htmx(request):
                return pages.show(request, _PAGE, _context(request), part="phones")
            return _to_page(request, "#test-phones")
    context = _context(request, phone_form=form)
    return pages.show(request, _PAGE, context, part="phones", status=422)


@require_POST
@member_required("manager")
def phone_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Answer a phone in test mode no more."""
    removed = bot.remove_test_phone(
        workspace=request.workspace, phone_id=pk, actor=request.user, now=clock.now()
    )
    if removed is None:
        raise Http404
    toasts.say(
        request,
        _("Removed. In test mode the bot keeps quiet to this phone."),
        undo_at=resolve_url("messaging:test-phone-add", request.workspace.slug),
        fields={"phone": removed.phone},
    )
    return _to_page(request, "#test-phones")
