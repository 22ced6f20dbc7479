"""The steps from a new business to a live bot: about the business, and the last one, going live."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from connections import qr
from faqs import browsing
from lib import clock, phones
from messaging import beginning, bot, figures, hello, sentences, wishes
from messaging.forms import LiveForm
from workspaces import business, members, onboarding, pages, toasts
from workspaces.decorators import member_required
from workspaces.forms import BusinessForm
from workspaces.routing import WorkspaceRequest


@require_GET
@member_required("manager")
def setup_show(request: WorkspaceRequest) -> HttpResponse:
    """Go on where it was left, on whatever device."""
    step = beginning.of(workspace=request.workspace).next_step
    place = step.place if step else "messaging:home-show"
    return pages.go(request, place, request.workspace.slug)


@require_POST
@member_required("manager")
def setup_go_on(request: WorkspaceRequest) -> HttpResponse:
    """Go on to the step after one; what is not done is left for later."""
    space, code = request.workspace, request.POST.get("step", "")
    if code not in onboarding.STEPS:
        return pages.go(request, "messaging:setup-show", space.slug)
    way = beginning.of(workspace=space, here=code)
    if way.current is not None and not way.current.is_done:
        onboarding.leave(space, code)
    after = onboarding.following(code)
    place = onboarding.place_of(after) if after else "messaging:home-show"
    return pages.go(request, place, space.slug)


@require_POST
@member_required("manager")
def setup_hide(request: WorkspaceRequest) -> HttpResponse:
    """Put the list of steps away, or show it again."""
    is_hidden = request.POST.get("is_hidden") != "no"
    onboarding.hide(request.workspace, is_hidden=is_hidden)
    if is_hidden:
        toasts.say(
            request,
            _("The list is put away. It comes back from the end of Settings."),
            undo_at=reverse("messaging:setup-hide", args=[request.workspace.slug]),
            fields={"is_hidden": "no"},
        )
    return pages.go(request, "messaging:home-show", request.workspace.slug)


# --- About the business ------------------------------------------------------------------------


@require_GET
@member_required("manager")
def business_form(request: WorkspaceRequest) -> HttpResponse:
    """What the business is, and how it wants to be heard."""
    space = request.workspace
    form = BusinessForm(
        initial={"kind": space.kind, "city": space.city, **wishes.of(bot.settings_of())}
    )
    return pages.show(request, "setup/business.html", {"form": form})


@require_POST
@member_required("manager")
def business_save(request: WorkspaceRequest) -> HttpResponse:
    """Keep it, and let the bot speak so."""
    form = BusinessForm(request.POST)
    if not form.is_valid():
        return pages.show(request, "setup/business.html", {"form": form}, part="form", status=422)
    now = clock.now()
    try:
        business.describe(
            workspace=request.workspace,
            kind=form.cleaned_data["kind"],
            city=form.cleaned_data["city"],
            actor=request.user,
            now=now,
        )
    except business.UnableToChangeBusiness as error:
        form.add_error("city", str(error))
        return pages.show(request, "setup/business.html", {"form": form}, part="form", status=422)
    changes = wishes.changes_of(form.wishes)
    bot.configure(workspace=request.workspace, changes=changes, actor=request.user, now=now)
    onboarding.finish(request.workspace, "business")
    return pages.go(request, "messaging:setup-show", request.workspace.slug)


# --- Going live --------------------------------------------------------------------------------


def _live(request: WorkspaceRequest, form: LiveForm | None = None) -> dict[str, Any]:
    now, space = clock.now(), request.workspace
    setup = onboarding.freshen(space)
    numbers = figures.business_phones(workspace=space)
    phone = next(iter(numbers), "")
    how = bot.settings_of()
    # A number that was connected long ago may have been live before: only what is new counts.
    since = max(filter(None, (setup.live_at, now - timedelta(hours=1))))
    seen = hello.latest(since=since) if setup.live_at else hello.Hello()
    waits = (now - since).total_seconds()
    return {
        "form": form or LiveForm(initial={"who": "everyone"}),
        "is_live": setup.live_at is not None,
        "hello": seen,
        "pace": 0 if seen.is_delivered or waits > 600 else 3 if waits < 180 else 10,
        "phone": phone,
        "chat_link": f"https://wa.me/{phone.lstrip('+')}?text=Hello",
        "answer_count": browsing.count(),
        "bot": how,
        "greeting": sentences.greeting(how, business=space.name),
        "hours": bot.describe_hours(how),
        "test_phones": bot.test_phones(),
        "pretend": figures.pretend_page(workspace=space),
    }


@require_GET
@member_required("manager")
def live_show(request: WorkspaceRequest) -> HttpResponse:
    """The last step: who is answered from now on; then a real “Hello”, watched as it goes."""
    context = _live(request)
    if pages.is_htmx(request) and request.GET.get("mark") == context["hello"].mark:
        return pages.unchanged()
    return pages.show(request, "setup/live.html", context, part="hello")


@require_POST
@member_required("manager")
def live_begin(request: WorkspaceRequest) -> HttpResponse:
    """Let the bot loose: on everyone, or on the phones of those who try it first."""
    form, now, space = LiveForm(request.POST), clock.now(), request.workspace
    if form.is_valid():
        is_test = form.cleaned_data["who"] == "test"
        try:
            if is_test and form.cleaned_data["phone"]:
                bot.add_test_phone(
                    workspace=space,
                    phone=form.cleaned_data["phone"],
                    actor=request.user,
                    now=now,
                )
        except (phones.UnableToParsePhone, bot.UnableToAddTestPhone) as error:
            form.add_error("phone", str(error))
        if is_test and not form.errors and not bot.test_phones():
            form.add_error("phone", _("Name the phone that you will write from."))
    if not form.is_valid():
        return pages.show(request, "setup/live.html", _live(request, form), status=422)
    mode = "test" if form.cleaned_data["who"] == "test" else "on"
    bot.switch(workspace=space, mode=mode, actor=request.user, now=now)
    onboarding.go_live(space, now)
    return pages.go(request, "messaging:setup-live", space.slug)


@require_POST
@member_required("manager")
def setup_finish(request: WorkspaceRequest) -> HttpResponse:
    """End the steps; what is left of them stays on the home page's list."""
    onboarding.close(request.workspace)
    return pages.go(request, "messaging:home-show", request.workspace.slug)


# --- What brings customers to the number -------------------------------------------------------


@require_GET
@member_required("viewer")
def share_show(request: WorkspaceRequest) -> HttpResponse:
    """The link to one's number, and a poster to print."""
    setup = onboarding.read(request.workspace)
    if members.may(request.member, "manager") and setup.is_led and "share" not in setup.done:
        onboarding.finish(request.workspace, "share")
    found = [
        {
            "phone": phone,
            "chat_link": f"https://wa.me/{phone.lstrip('+')}?text=Hello",
            "link": link,
            "qr": qr.svg_of(link, title=_("QR code that opens the chat")),
        }
        for phone in figures.business_phones(workspace=request.workspace)
        if (link := f"https://wa.me/{phone.lstrip('+')}")
    ]
    return pages.show(request, "setup/share.html", {"numbers": found})
