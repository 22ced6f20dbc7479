"""Tokens for programs: a signed JWT whose workspace decides what it may see, and a row for each.

Signature and row are both checked, so that a token can be taken back before it expires. A
token of a person acts with that person's role, one of nobody as a manager.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from lib import events
from workspaces import audit, members, scope
from workspaces.models import ApiToken, Member, User, Workspace

READ, WRITE = "read", "write"
SCOPES = (READ, WRITE)
MOST_DAYS = 3_650
DAYS = 365
# The only one: a token says itself which it bears, and is not to choose.
_ALGORITHM = "HS256"
_LONGEST = 1_000  # ours have some 300 characters
_NOTE_EVERY = timedelta(minutes=1)
_SKEW = timedelta(minutes=1)  # clocks of two hosts


class UnableToMakeToken(Exception):
    """No token was made; the message is a sentence for the person who asked."""


class UnableToFindToken(Exception):
    """The workspace has no such token; the message is a sentence for the person who asked."""


_REFUSALS = {
    "token_invalid": "This is no token of ours, or it was changed on the way. Copy the whole token once more.",
    "token_revoked": "This token was taken back. Make a new one, and put it in its place.",
    "token_expired": "This token has expired. Make a new one, and put it in its place.",
    "workspace_suspended": "This workspace is suspended. Write to support to have it opened.",
    "member_removed": "The person whom this token belongs to is no member of the workspace any more.",
}  # fmt: skip


class UnableToAccept(Exception):
    """The token opens nothing: a code for programs, and a sentence for who runs them."""

    def __init__(self, code: str) -> None:
        super().__init__(_REFUSALS[code])
        self.code = code


@dataclass(frozen=True)
class Caller:
    """Who asks by a token, for which workspace, and what that lets them do."""

    token_id: int
    workspace: Workspace
    user: User | None
    role: str
    scopes: frozenset[str]

    def may(self, role: str, need: str) -> bool:
        """Say whether the caller holds `role` or a higher one, and a token for `need`."""
        rank = members.RANK
        return need in self.scopes and rank[Member.Role(self.role)] >= rank[Member.Role(role)]


@dataclass(frozen=True)
class Made:
    """A token on the one occasion on which it can be read, and its row."""

    text: str
    row: ApiToken


def make(
    *,
    workspace: Workspace,
    email: str = "",
    name: str = "",
    days: int = DAYS,
    scopes: Sequence[str] = SCOPES,
    actor: User | None,
    now: datetime,
) -> Made:
    """Make a token of the member with `email`, or of the workspace itself.

    Call in the workspace's scope. Raises UnableToMakeToken.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UnableToMakeToken(f"A token lasts 1 to {MOST_DAYS:,} days.")
    if len(name) > 80 or not name.isprintable():
        raise UnableToMakeToken("The name has at most 80 characters, on one line.")
    user = _member(workspace, email) if email else None
    # Whole seconds, as in the token.
    expires_at = (now + timedelta(days=days)).replace(microsecond=0)
    with transaction.atomic():
        row = ApiToken.objects.create(
            workspace=workspace,
            user=user,
            jti=secrets.token_urlsafe(16),
            name=name,
            scopes=" ".join(scopes),
            created_at=now,
            expires_at=expires_at,
        )
        audit.record(
            action="api-token.made",
            workspace=workspace,
            actor=actor,
            actor_kind="member" if actor else "command",
            target=f"api token {row.pk}" + (f" of user {user.pk}" if user else ""),
            now=now,
        )
    claims = {
        "workspace": workspace.pk,
        "user": user.pk if user else None,
        "scopes": list(scopes),
        "jti": row.jti,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    events.publish(
        "workspaces.api-token.made", workspace=workspace.pk, params={"api_token": row.pk}
    )
    return Made(jwt.encode(claims, _key(settings.SECRET_KEY), algorithm=_ALGORITHM), row)


def _member(workspace: Workspace, email: str) -> User:
    found = (
        Member.objects.filter(workspace=workspace, user__email=email.strip().lower())
        .select_related("user")
        .first()
        if email.isprintable()
        else None
    )
    if found is None:
        raise UnableToMakeToken(
            f"Nobody with that e-mail address belongs to {workspace.slug}. Add the person first"
            " (member_add)."
        )
    if not found.user.is_active:
        raise UnableToMakeToken("That person's account is switched off.")
    return found.user


def of_workspace(*, workspace: Workspace) -> list[ApiToken]:
    """Return the workspace's tokens, newest first. Call in its scope."""
    rows = ApiToken.objects.filter(workspace=workspace).select_related("user")
    return list(rows.order_by("-created_at", "-pk"))


def revoke(*, workspace: Workspace, token_id: int, actor: User | None, now: datetime) -> bool:
    """Take a token back for good. False when it was taken back already.

    Call in the workspace's scope. Raises UnableToFindToken.
    """
    rows = ApiToken.objects.filter(workspace=workspace, pk=token_id)
    with transaction.atomic():
        if not rows.filter(revoked_at__isnull=True).update(revoked_at=now):
            if not rows.exists():
                raise UnableToFindToken(f"{workspace.slug} has no token {token_id}.")
            return False
        audit.record(
            action="api-token.revoked",
            workspace=workspace,
            actor=actor,
            actor_kind="member" if actor else "command",
            target=f"api token {token_id}",
            now=now,
        )
    events.publish(
        "workspaces.api-token.revoked", workspace=workspace.pk, params={"api_token": token_id}
    )
    return True


def state(row: ApiToken, *, now: datetime) -> str:
    """Return how a token is, in a word: valid, expired or revoked."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= now else "valid"


# --- What a program shows ------------------------------------------------------------------


def authenticate(text: str, *, now: datetime) -> Caller:
    """Return who shows the token `text`. Raises UnableToAccept."""
    claims = _claims(text, now)
    with scope.system():
        row = (
            ApiToken.objects.select_related("workspace", "user")
            .filter(jti=str(claims["jti"]))
            .first()
        )
        if row is None or row.revoked_at is not None:
            raise UnableToAccept("token_revoked")
        if row.expires_at <= now:
            raise UnableToAccept("token_expired")
        if (claims.get("workspace"), claims.get("user")) != (row.workspace_id, row.user_id):
            raise UnableToAccept("token_invalid")
        if row.workspace.is_suspended:
            raise UnableToAccept("workspace_suspended")
        role = str(Member.Role.MANAGER)
        if row.user is not None:
            member = members.find(workspace=row.workspace, user=row.user)
            if member is None or not row.user.is_active:
                raise UnableToAccept("member_removed")
            role = member.role
        if row.last_used_at is None or row.last_used_at <= now - _NOTE_EVERY:
            ApiToken.objects.filter(pk=row.pk).filter(
                Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _NOTE_EVERY)
            ).update(last_used_at=now)
    told = claims.get("scopes")
    scopes = frozenset(row.scopes.split()) & frozenset(told if isinstance(told, list) else ())
    return Caller(row.pk, row.workspace, row.user, role, scopes)


def _claims(text: str, now: datetime) -> dict[str, Any]:
    """Return what the token says, once its signature and its times are right."""
    if len(text) > _LONGEST or not text.isascii():
        raise UnableToAccept("token_invalid")
    claims = None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            claims = jwt.decode(
                text,
                _key(secret),
                algorithms=[_ALGORITHM],
                # The times are held against `now` below.
                options={
                    "require": ["jti", "iat", "exp"],
                    "verify_iat": False,
                    "verify_exp": False,
                },
            )
        except jwt.InvalidSignatureError:
            continue  # perhaps signed under a key of before
        except (jwt.InvalidTokenError, RecursionError) as error:
            raise UnableToAccept("token_invalid") from error
        break
    if claims is None:
        raise UnableToAccept("token_invalid")
    expires_at, made_at = _moment(claims["exp"]), _moment(claims["iat"])
    if expires_at is None or made_at is None or made_at > now + _SKEW:
        raise UnableToAccept("token_invalid")
    if expires_at <= now:
        raise UnableToAccept("token_expired")
    return claims


def _moment(seconds: object) -> datetime | None:
    """Return the moment of whole seconds since 1970, or None when it cannot be one."""
    if not isinstance(seconds, int) or not 0 < seconds < 253_402_300_800:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _key(secret: str) -> bytes:
    """Return the signing key: of SECRET_KEY, and of no use for anything else that it signs."""
    return hmac.new(secret.encode(), b"backroom api token", hashlib.sha256).digest()
