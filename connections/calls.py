"""One call to a provider: no database, any thread; what came of it is an Outcome."""

import logging
from dataclasses import dataclass

from connections import breaker, credentials, outbox, providers
from connections.events import Outbound
from connections.models import Connection, OutboundJob
from connections.providers.base import Account, Code, Provider, ProviderError, SendReceipt
from lib import clock, crypto

_log = logging.getLogger(__name__)

# Whatever of a number a call depends on.
_SPOKEN_WITH = (
    "pk", "workspace_id", "provider", "external_id", "account_id", "credentials", "cold_until",
)  # fmt: skip
_CLOSED = (
    "More than 24 hours have passed since the customer wrote, so WhatsApp allows no ordinary "
    "message. Wait until they write again."
)
_TOO_OLD = "The number was not connected for 24 hours, so this was not sent. Write it again."


@dataclass(frozen=True)
class Outcome:
    """How a send ended: taken, refused, or (neither) not even begun."""

    job: OutboundJob
    receipt: SendReceipt | None = None
    error: ProviderError | None = None


class Caller:
    """Speaks for one number; its credentials are opened once, for as long as they stay the same."""

    def __init__(self, connection: Connection, route: str = "") -> None:
        self._connection, self._route = connection, route
        self._opened: tuple[Account, Provider] | None = None

    @property
    def provider(self) -> str:
        """Return the name of the provider it calls."""
        return self._connection.provider

    def speaks_for(self, connection: Connection, route: str = "") -> bool:
        """Say whether what it holds is what the number's row says, as it was read now."""
        return route == self._route and all(
            getattr(self._connection, name) == getattr(connection, name) for name in _SPOKEN_WITH
        )

    def send(self, job: OutboundJob) -> Outcome:
        """Send one message and say what came of it. Never raises."""
        try:
            receipt = self._send(job)
        except ProviderError as error:
            breaker.note(self._connection.provider, error)
            return Outcome(job, error=error)
        except Exception:
            # A fault of ours, or a payload of another version, must not leave the row claimed.
            _log.exception("connections.send.failed")
            breaker.release(self._connection.provider)
            sentence = "The message could not be sent because of a fault on our side."
            return Outcome(job, error=ProviderError(Code.UNREADABLE, sentence))
        breaker.note(self._connection.provider, None)
        return Outcome(job, receipt=receipt)

    def _send(self, job: OutboundJob) -> SendReceipt:
        now = clock.now()
        if job.expires_at and job.expires_at <= now:
            raise ProviderError(Code.WINDOW_CLOSED, _TOO_OLD if job.is_begun else _CLOSED)
        cold_until = self._connection.cold_until
        if job.is_begun and cold_until is not None and cold_until > now:
            # One that was put, or tried again, while WhatsApp was refusing another.
            raise ProviderError(Code.REJECTED, outbox.TOO_COLD)
        account, provider = self._opened or self._open()
        message = Outbound.from_payload(job.payload or {})
        return provider.send(account, message, opaque=str(job.pk))

    def _open(self) -> tuple[Account, Provider]:
        try:
            self._opened = (
                credentials.account(self._connection, route=self._route),
                providers.get(self._connection.provider),
            )
        except (crypto.UnableToDecrypt, providers.UnknownProvider) as error:
            raise ProviderError(
                Code.NOT_CONFIGURED,
                "The number's credentials cannot be opened. Enter them again under Numbers.",
                switch_off=True,
                tell_owner=True,
            ) from error
        return self._opened
