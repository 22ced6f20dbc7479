"""From a provider's request to routed updates: verify, translate, find whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from connections import credentials, providers
from connections.inbox import Routed
from connections.models import Connection
from connections.providers.base import UnableToRead
from lib import crypto

# Own app secrets tried when a signed body names no number that we know.
_MOST_SECRETS = 64


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
    named = provider.number_ids(body)
    known = _connections(named)
    signers: set[int] = set()
    if not by_house:
        candidates = known or list(Connection.objects.exclude(credentials="")[:_MOST_SECRETS])
        signers = {
            connection.pk
            for connection in candidates
            if (secret := _own_secret(connection))
            and provider.verify(body=body, headers=headers, secret=secret)
        }
        if not signers:
            raise UnableToVerify
    updates = provider.read(body)
    numbers = {c.external_id: c for c in known}
    accounts: dict[str, list[Connection]] = {}
    for connection in known:
        if connection.account_id:
            accounts.setdefault(connection.account_id, []).append(connection)
    routed: list[Routed] = []
    foreign = 0
    for update in updates:
        target = numbers.get(update.number_id) if update.number_id else None
        if target is None and not update.number_id:
            # Account news names no number: it goes to the account's workspace, if it is one.
            holders = accounts.get(update.account_id, [])
            if len({holder.workspace_id for holder in holders}) == 1:
                target = holders[0]
        if target is not None and not by_house and target.pk not in signers:
            foreign += 1
            continue
        routed.append(Routed(update, target))
    return Reading(routed, foreign)


def _connections(named: frozenset[str]) -> list[Connection]:
    if not named:
        return []
    rows = Connection.objects.filter(external_id__in=named) | Connection.objects.filter(
        account_id__in=named
    )
    return list(rows.order_by("pk")[:1000])


def _own_secret(connection: Connection) -> str:
    try:
        return credentials.unseal(connection).get("app_secret", "")
    except crypto.UnableToDecrypt:
        return ""


__all__ = ["Reading", "UnableToRead", "UnableToVerify", "read"]
