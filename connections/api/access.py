"""Who may ask the API, and how often: by a token, and by the role and scopes behind it."""

import time
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from connections.api.errors import Problem
from lib import clock, events
from workspaces import tokens
from workspaces.models import User
from workspaces.tokens import Caller

if TYPE_CHECKING:  # it reads the settings, which name this module
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`, and nothing else: a browser's cookie opens nothing here."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Caller] | None:
        scheme, _, text = str(request.headers.get("Authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            return None
        try:
            caller = tokens.authenticate(text.strip(), now=clock.now())
        except tokens.UnableToAccept as error:
            raise AuthenticationFailed(str(error), error.code) from error
        return caller.user or AnonymousUser(), caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Backroom"'


def caller_of(request: Request) -> Caller | None:
    """Return who asks, or None when no token was shown."""
    found: object = request.auth
    return found if isinstance(found, Caller) else None


class _May(BasePermission):
    role: str
    need: str

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller = caller_of(request)
        if caller is None:
            return False  # answered with 401
        if self.need not in caller.scopes:
            raise Problem(403, "This token may only read. Make one without --read-only.")
        if not caller.may(self.role, self.need):
            raise Problem(
                403,
                f"The person whom this token belongs to is “{caller.role}” here; this takes at"
                f" least “{self.role}”.",
            )
        return True


class MayRead(_May):
    """Every member of the workspace may look."""

    role, need = "viewer", tokens.READ


class MayManage(_May):
    """Managers and owners may connect and disconnect."""

    role, need = "manager", tokens.WRITE


class MayLink(MayManage):
    """Who sees the code may link a phone of his own: more than to look."""

    need = tokens.WRITE


class _Throttle(SimpleRateThrottle):
    """So many requests a token; without Redis there is no limit, but an API."""

    _LEAVE_ALONE_SECONDS = 5.0
    _away_until = 0.0  # of all throttles of this process: a Redis that hangs costs a second each

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        caller = caller_of(request)
        return f"api:{self.scope}:{caller.token_id}" if caller else None

    def allow_request(self, request: Request, view: Any) -> bool:
        if time.monotonic() < _Throttle._away_until:
            return True
        try:
            return super().allow_request(request, view)
        except (RedisError, OSError):
            _Throttle._away_until = time.monotonic() + self._LEAVE_ALONE_SECONDS
            events.publish("connections.api.unthrottled", params={"scope": self.scope})
            return True


class ReadingThrottle(_Throttle):
    scope = "reading"
    A_MINUTE = 120
    rate = f"{A_MINUTE}/min"


class ConnectingThrottle(_Throttle):
    scope = "connecting"
    A_MINUTE = 10
    rate = f"{A_MINUTE}/min"
