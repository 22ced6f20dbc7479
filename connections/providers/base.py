"""What a provider is: a small typed interface and a closed list of errors.

A provider speaks one vendor's dialect. It never touches the database and never decides what
happens next: it translates in, translates out, and says what went wrong in our words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from connections.events import Outbound, Update


class Code(StrEnum):
    """Everything that can go wrong, in our words. Closed: vendors' words map onto these."""

    NOT_CONFIGURED = "not_configured"
    INVALID_MESSAGE = "invalid_message"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    REJECTED = "rejected"
    CONTACT_BLOCKED = "contact_blocked"
    WINDOW_CLOSED = "window_closed"
    LOGGED_OUT = "logged_out"
    ACCOUNT_BLOCKED = "account_blocked"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    UNKNOWN_OUTCOME = "unknown_outcome"
    OFFLINE = "offline"  # the number itself is not connected now: the message waits for it


class Slow(StrEnum):
    """Whom a throttling error slows down."""

    NOBODY = ""
    CONTACT = "contact"  # only this conversation
    CONNECTION = "connection"  # this number
    ACCOUNT = "account"  # every number of the account


@dataclass(frozen=True)
class Backoff:
    """How long to wait before trying again: base x factor^attempt, never above `most_seconds`.

    `attempt` counts the failed tries so far, from 1. No jitter here: the sender adds its own.
    """

    base_seconds: float
    factor: float = 2.0
    most_seconds: float = 3600.0

    def seconds(self, attempt: int) -> float:
        """Return the wait after the `attempt`-th failed try."""
        power = min(max(attempt, 0), 32)  # keeps the float finite
        return min(self.base_seconds * self.factor**power, self.most_seconds)


class ProviderError(Exception):
    """A send or a check failed. The sentence is for the owner; the vendor's code for support."""

    def __init__(
        self,
        code: Code,
        sentence: str,
        *,
        retryable: bool = False,
        switch_off: bool = False,
        vendor_code: str = "",
        reference: str = "",
        retry_after_seconds: float | None = None,
        slow: Slow = Slow.NOBODY,
        tell_owner: bool = False,
        cools: bool = False,
        backoff: Backoff | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(f"{code} {vendor_code}".strip())
        self.code = code
        self.sentence = sentence
        self.retryable = retryable
        self.switch_off = switch_off  # nothing more goes out until somebody acts
        self.vendor_code = vendor_code
        self.reference = reference  # the vendor's own trace id
        self.retry_after_seconds = retry_after_seconds
        self.slow = slow
        self.tell_owner = tell_owner
        self.cools = cools  # the number may begin no conversations for a while
        self.backoff = backoff
        self.detail = detail  # the vendor's own words, masked; for support, never in str()

    def wait_seconds(self, attempt: int) -> float | None:
        """Return how long to wait after the `attempt`-th failed try; None: the caller's choice."""
        known = [seconds for seconds in (self.retry_after_seconds,) if seconds is not None]
        if self.backoff is not None:
            known.append(self.backoff.seconds(attempt))
        return max(known) if known else None


@dataclass(frozen=True)
class Account:
    """What a provider needs to speak for one number; credentials in the clear, never logged."""

    external_id: str
    account_id: str
    credentials: Mapping[str, str] = field(repr=False)
    # Where the process is that holds the number's line; "" when there is none, or none is needed.
    route: str = ""


@dataclass(frozen=True)
class SendReceipt:
    """The provider took it. `message_id` is empty for read marks."""

    message_id: str
    ms: int


@dataclass(frozen=True)
class CheckResult:
    """What a live check of a number found."""

    display_phone: str  # E.164, or "" when not told
    verified_name: str
    quality: str
    problems: tuple[str, ...] = ()


class UnableToRead(Exception):
    """The body is not this provider's format at all (answered with 400)."""


class Provider(Protocol):
    """One way to WhatsApp. Stateless; one instance serves all."""

    name: ClassVar[str]
    label: ClassVar[str]
    supports_buttons: ClassVar[bool]
    # A number's own app secret may sign for it, not the house's alone.
    has_own_secrets: ClassVar[bool] = True
    # The number is an account on a phone, with a line that some process of ours holds
    # (`Account.route`): it answers at a person's pace, and begins few conversations.
    is_linked: ClassVar[bool] = False

    def house_secret(self) -> str:
        """Return the secret that signs for every number; "" when there is none."""

    def verify(self, *, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """Say whether `body` was signed with `secret`; constant time, False for a bad header."""

    def number_ids(self, body: bytes) -> frozenset[str]:
        """Find the number and account ids named in a body that is not yet trusted (at most 64)."""

    def read(self, body: bytes) -> list[Update]:
        """Translate a verified body. Nonsense inside becomes UNSUPPORTED; raises UnableToRead."""

    def send(self, account: Account, message: Outbound, *, opaque: str) -> SendReceipt:
        """Send one message; `opaque` comes back in its statuses. Raises ProviderError."""

    def check(self, account: Account) -> CheckResult:
        """Ask the provider about the number, live. Raises ProviderError."""

    def explain(self, *, code: str, details: str) -> ProviderError:
        """Say in our words what the error code of a failed status means."""
