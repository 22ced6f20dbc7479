"""From a provider's request to routed updates: verify, translate, find whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings

from connections import credentials, providers
from connections.events import Kind, Update
from connections.inbox import Routed
from connections.models import Connection
from connections.providers.base import Provider, UnableToRead
from lib import crypto

# Own app secrets tried when a signed body names no number that we know.
_MOST_SECRETS = 64
# ... and only for small bodies: an unsigned one must not cost 64 digests of 3 MB.
_MOST_UNNAMED_BYTES = 64 * 1024


class UnableToVerify(Exception):
    """No secret that may sign for anything in this body did sign it."""


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
    by_house = bool(settings.WHATSAPP_APP_SECRET) and provider.verify(
        body=body, headers=headers, secret=settings.WHATSAPP_APP_SECRET
    )
    signers: set[int] = set()
    if not by_house:
        signers = _signers(provider, body, headers)
        if not signers:
            raise UnableToVerify
    updates = provider.read(body)
    named = {u.number_id for u in updates} | {u.account_id for u in updates}
    known = [c for c in _connections(named) if c.verified_at is not None]
    routed: list[Routed] = []
    foreign = 0
    book = _Book(known)
    for update in updates:
        target = book.find(update)
        if target is not None and not by_house and target.pk not in signers:
            foreign += 1
            continue
        is_vouched = by_house or target is not None
        if not is_vouched:
            # Under a key of the signer's own: it must not take the place of the real update.
            mark = f"unvouched:{min(signers)}:{update.key}"
            update = replace(update, key=mark[:300])
        routed.append(Routed(update, target, is_vouched=is_vouched))
    return Reading(routed, foreign)


class _Book:
    """Whose an update is: by its number, or by its account when it names no number."""

    def __init__(self, known: list[Connection]) -> None:
        self._numbers = {c.external_id: c for c in known}
        self._accounts: dict[str, list[Connection]] = {}
        for connection in known:
            if connection.account_id:
                self._accounts.setdefault(connection.account_id, []).append(connection)

    def find(self, update: Update) -> Connection | None:
        if update.number_id:
            return self._numbers.get(update.number_id)
        holders = self._accounts.get(update.account_id, [])
        if len({holder.workspace_id for holder in holders}) != 1:
            return None
        # News goes to the account's workspace; a customer's message must be sure of its number.
        is_talk = update.kind in (Kind.MESSAGE, Kind.ECHO)
        return None if is_talk and len(holders) > 1 else holders[0]


def _signers(provider: Provider, body: bytes, headers: Mapping[str, str]) -> set[int]:
    """Return the connections whose own app secret signed this body (not yet trusted or parsed)."""
    named = _connections(set(provider.number_ids(body)))
    candidates = named
    if not named and len(body) <= _MOST_UNNAMED_BYTES:
        known = Connection.objects.exclude(credentials="").filter(verified_at__isnull=False)
        candidates = list(known.order_by("pk")[:_MOST_SECRETS])
    return {
        connection.pk
        for connection in candidates[:_MOST_SECRETS]
        if (secret := _own_secret(connection))
        and provider.verify(body=body, headers=headers, secret=secret)
    }


def _connections(names: set[str]) -> list[Connection]:
    named = {name for name in names if name}
    if not named:
        return []
    rows = Connection.objects.filter(external_id__in=named) | Connection.objects.filter(
        account_id__in=named
    )
    return list(rows.order_by("pk")[:2000])


def _own_secret(connection: Connection) -> str:
    try:
        return credentials.unseal(connection).get("app_secret", "")
    except crypto.UnableToDecrypt:
        return ""


__all__ = ["Reading", "UnableToRead", "UnableToVerify", "read"]
