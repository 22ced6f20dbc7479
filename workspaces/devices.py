"""Where a person is signed in, in words that they recognise."""

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.internal.flows import sessions
from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.utils.translation import gettext as _

from workspaces.models import User

# The first that fits: each later one is also named by browsers that stand before it.
_BROWSERS = (
    ("Opera Mini", "Opera Mini"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Edg", "Edge"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True)
class Device:
    """One browser that is signed in."""

    name: str
    ip: str
    since: datetime
    is_this_one: bool
    is_phone: bool


def of(user: User) -> list[Device]:
    """Return where `user` is signed in, this browser first."""
    found = [
        Device(
            _name(one.user_agent),
            one.ip,
            one.created_at,
            one.is_current(),
            bool(re.search(r"Android|iPhone|Mobile", one.user_agent)),
        )
        for one in UserSession.objects.purge_and_list(user)
    ]
    return sorted(found, key=lambda one: (not one.is_this_one, -one.since.timestamp()))


def _name(agent: str) -> str:
    browser = next((name for word, name in _BROWSERS if word in agent), _("A browser"))
    system = next((name for word, name in _SYSTEMS if word in agent), "")
    return _("%(browser)s on %(system)s") % {"browser": browser, "system": system} if system else browser  # fmt: skip


def sign_out_others(*, request: HttpRequest, user: User) -> None:
    """End every other session of `user`, at once."""
    sessions.end_other_sessions(request, user)
