"""From a provider's request to routed updates: verify, translate, find whose they are.

The steps are apart, because the two doors ask the database at different times: the view for
each request (`read`), the front door (`connections.edge`) once for many.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from connections import credentials, providers, verify_tokens
from connections.events import Kind, Update
from connections.inbox import Routed
from connections.models import Connection
from connections.providers.base import Provider, UnableToRead
from lib import crypto, sql

# Own app secrets tried when a signed body names no number that we know.
_MOST_SECRETS = 64
# ... and only for small bodies: an unsigned one must not cost 64 digests of 3 MB.
_MOST_UNNAMED_BYTES = 64 * 1024
_MOST_ROWS = 2_000
_MAX_CHALLENGE = 200


class UnableToVerify(Exception):
    """No secret that may sign for anything in this body did sign it."""


@dataclass(frozen=True)
class Letter:
    """A body whose signature held: what it says, and for whom its signer may speak."""

    updates: list[Update]
    by_house: bool
    signers: frozenset[int] = frozenset()  # connections whose own secret signed it

    def names(self) -> set[str]:
        """Return by which ids it is found whose the updates are: an account's only without a number."""
        return {u.number_id or u.account_id for u in self.updates} - {""}


@dataclass(frozen=True)
class Reading:
    """What came of a request: updates with their connection, and how many were not theirs to say."""

    routed: list[Routed]
    foreign: int


def read(*, provider_name: str, body: bytes, headers: Mapping[str, str]) -> Reading:
    """Verify `body` over its raw bytes and translate it.

    The house's app secret signs for every number; a connection's own secret signs for that
    connection only, so that nobody can speak for another workspace's number. Raises
    UnableToVerify or UnableToRead. Call in the system scope.
    """
    provider = providers.get(provider_name)
    by_house = is_by_house(provider, body=body, headers=headers)
    signers: frozenset[int] = frozenset()
    if not by_house and not provider.has_own_secrets:
        raise UnableToVerify
    if not by_house:
        candidates = find(provider.number_ids(body))
        if not candidates and may_be_unnamed(body):
            candidates = unnamed_signers()
        signers = signed_by(provider, candidates, body=body, headers=headers)
        if not signers:
            raise UnableToVerify
    letter = Letter(provider.read(body), by_house, signers)
    return route(letter, Book(find(letter.names())))


# --- The steps -----------------------------------------------------------------------------


def is_by_house(provider: Provider, *, body: bytes, headers: Mapping[str, str]) -> bool:
    """Say whether the house's own app, or engine, signed `body`. Asks nobody."""
    secret = provider.house_secret()
    return bool(secret) and provider.verify(body=body, headers=headers, secret=secret)


def may_be_unnamed(body: bytes) -> bool:
    """Say whether own secrets are tried on a body that names no number we know."""
    return len(body) <= _MOST_UNNAMED_BYTES


def unnamed_signers() -> list[Connection]:
    """Return the connections whose secrets are tried then. Call in the system scope."""
    known = Connection.objects.exclude(credentials="").filter(verified_at__isnull=False)
    return list(known.order_by("pk")[:_MOST_SECRETS])


def signed_by(
    provider: Provider,
    candidates: Iterable[Connection],
    *,
    body: bytes,
    headers: Mapping[str, str],
) -> frozenset[int]:
    """Return those of `candidates` whose own app secret signed `body`. Asks nobody."""
    return frozenset(
        connection.pk
        for connection in list(candidates)[:_MOST_SECRETS]
        if (secret := own_secret(connection))
        and provider.verify(body=body, headers=headers, secret=secret)
    )


def own_secret(connection: Connection) -> str:
    """Return a connection's own app secret; empty when it has none that can be opened."""
    try:
        return _opened(connection.workspace_id, connection.pk, connection.credentials)
    except crypto.UnableToDecrypt:
        return ""


@lru_cache(maxsize=2 * _MOST_SECRETS)
def _opened(workspace_id: int, connection_id: int, sealed: str) -> str:
    # Remembered under its sealed form: opening costs ten times what trying a signature does.
    holder = Connection(pk=connection_id, workspace_id=workspace_id, credentials=sealed)
    return credentials.unseal(holder).get("app_secret", "")


_COLUMNS = [field.attname for field in Connection._meta.concrete_fields]
# A process asks this for each of its numbers twice a minute: the ORM took a tenth of the door.
_FIND = (
    f"SELECT {', '.join(_COLUMNS)} FROM connections_connection"  # noqa: S608
    " WHERE removed_at IS NULL AND (external_id = ANY(%b::text[]) OR account_id = ANY(%b::text[]))"
    " ORDER BY verified_at NULLS LAST, id LIMIT %s"
)


def find(names: Iterable[str]) -> list[Connection]:
    """Return the connections that bear one of `names` as number or account.

    Call in the system scope. Those that were only typed come last: however many there are,
    they do not push out the one that holds the number.
    """
    named = {name for name in names if name}
    if not named:
        return []
    names_given = list(named)
    rows = sql.fetch(_FIND, [names_given, names_given, _MOST_ROWS], prepare=True)
    return [Connection.from_db(DEFAULT_DB_ALIAS, _COLUMNS, row) for row in rows]


class Book:
    """Whose an update is: by its number, or by its account when it names no number."""

    def __init__(self, found: Iterable[Connection]) -> None:
        known = sorted((c for c in found if c.verified_at is not None), key=lambda c: c.pk)
        self._numbers = {c.external_id: c for c in known}
        self._accounts: dict[str, list[Connection]] = {}
        for connection in known:
            if connection.account_id:
                self._accounts.setdefault(connection.account_id, []).append(connection)

    def find(self, update: Update) -> Connection | None:
        """Return the connection that `update` is for, if it is known without doubt."""
        if update.number_id:
            return self._numbers.get(update.number_id)
        holders = self._accounts.get(update.account_id, [])
        if len({holder.workspace_id for holder in holders}) != 1:
            return None
        # News goes to the account's workspace; a customer's message must be sure of its number.
        is_talk = update.kind in (Kind.MESSAGE, Kind.ECHO)
        return None if is_talk and len(holders) > 1 else holders[0]


def route(letter: Letter, book: Book) -> Reading:
    """Give each update its connection, and leave out what its signer may not say."""
    routed: list[Routed] = []
    foreign = 0
    for update in letter.updates:
        target = book.find(update)
        if letter.by_house:
            routed.append(Routed(update, target))
        elif target is None:
            # Under a key of the signer's own: it must not take the place of the real update.
            mark = f"unvouched:{min(letter.signers)}:{update.key}"
            routed.append(Routed(replace(update, key=mark[:300]), None, is_vouched=False))
        elif target.pk in letter.signers:
            routed.append(Routed(update, target))
        else:
            foreign += 1
    return Reading(routed, foreign)


def challenge(*, mode: str, token: str, word: str) -> str | None:
    """Return what to answer when Meta verifies the address; None: the token is not ours."""
    is_ours = verify_tokens.is_ours(token, platform_token=settings.WHATSAPP_VERIFY_TOKEN)
    return word if mode == "subscribe" and is_ours and len(word) <= _MAX_CHALLENGE else None


__all__ = [
    "Book",
    "Letter",
    "Reading",
    "UnableToRead",
    "UnableToVerify",
    "challenge",
    "find",
    "is_by_house",
    "may_be_unnamed",
    "own_secret",
    "read",
    "route",
    "signed_by",
    "unnamed_signers",
]
