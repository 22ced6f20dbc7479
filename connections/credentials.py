"""A connection's secrets: encrypted at rest, bound to their row, opened only to be used."""

import json
from collections.abc import Mapping

from connections.models import Connection
from connections.providers.base import Account
from lib import crypto


def seal(connection: Connection, secrets: Mapping[str, str]) -> None:
    """Encrypt `secrets` into the row (which must have its id); the caller saves it."""
    connection.credentials = crypto.encrypt(
        json.dumps({name: value for name, value in secrets.items() if value}),
        context=_context(connection),
    )


def unseal(connection: Connection) -> dict[str, str]:
    """Return the secrets. Raises lib.crypto.UnableToDecrypt."""
    if not connection.credentials:
        return {}
    opened = json.loads(crypto.decrypt(connection.credentials, context=_context(connection)))
    return {str(name): str(value) for name, value in opened.items()}


def account(connection: Connection, *, route: str = "") -> Account:
    """Return what a provider needs to speak for this number; `route` see `Account`."""
    return Account(
        external_id=connection.external_id,
        account_id=connection.account_id,
        credentials=unseal(connection),
        route=route,
    )


def _context(connection: Connection) -> str:
    return f"{connection.workspace_id}|connections_connection|{connection.pk}|credentials"
