"""Where an invitation's link leads: what is offered, by whom, and the button that takes it."""

import redis
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from workspaces import invitations, pages, toasts
from workspaces.decorators import person_required
from workspaces.pages import PersonRequest

# A link has 160 bits, so that guesses only cost our own work; an address may err so often a minute.
_MOST_GUESSES = 60


def _look(request: HttpRequest, token: str) -> invitations.Offer | None:
    """Return what the link offers to who asks; None for an address that guesses on and on, too."""
    user = request.user if request.user.is_authenticated else None
    key = f"join-guesses:{get_adapter().get_client_ip(request)}"
    try:
        if cache.get(key, 0) >= _MOST_GUESSES:
            return None
        offer = invitations.look(token=token, user=user, now=clock.now())
        if offer is None:
            cache.add(key, 0, 60)
            cache.incr(key)
    except (redis.RedisError, ValueError):  # away, or the minute ended between the two
        return invitations.look(token=token, user=user, now=clock.now())
    return offer


@require_GET
def join_show(request: HttpRequest, token: str) -> HttpResponse:
    """What the link offers. Looking uses nothing up: messengers open what is sent."""
    offer = _look(request, token)
    if offer is None:
        raise Http404
    status = 410 if offer.problem and not offer.is_member else 200
    return _guarded(_page(request, offer, status=status))


def _page(request: HttpRequest, offer: invitations.Offer, *, status: int) -> HttpResponse:
    return pages.show(
        request, "workspaces/join.html", {"offer": offer, "here": request.path}, status=status
    )


@require_POST
@person_required
def join_accept(request: PersonRequest, token: str) -> HttpResponse:
    """Take the place that is offered."""
    try:
        space = invitations.accept(token=token, user=request.user, now=clock.now())
    except invitations.UnableToJoin as error:
        offer = _look(request, token)
        if offer is None:
            raise Http404 from error
        return _guarded(_page(request, offer, status=403 if offer.is_wrong_person else 410))
    toasts.say(request, _("Welcome to %(name)s.") % {"name": space.name})
    return pages.go(request, "messaging:home-show", space.slug)


def _guarded(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
