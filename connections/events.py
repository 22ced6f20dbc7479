"""Our words for what providers say and for what we ask them to do."""

from dataclasses import asdict, dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What an update is. A closed list: what fits nowhere is UNSUPPORTED, never an error."""

    MESSAGE = "message"  # a customer wrote (any type, also unsupported types)
    STATUS = "status"  # sent, delivered, read, failed of something we sent
    ECHO = "echo"  # the business wrote from its phone app
    SYSTEM = "system"  # number or user id changed, identity changed
    PREFERENCE = "preference"  # the customer stopped or resumed marketing messages
    ACCOUNT = "account"  # quality, review, templates, restrictions, errors of the account
    CALL = "call"  # a voice call event
    RECEIPT = "receipt"  # our own: what became of a send (never from a provider)
    UNSUPPORTED = "unsupported"  # kept and shown, not understood


class StatusWord(StrEnum):
    """The lattice's words as the provider tells them."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True)
class Sender:
    """Who wrote, or to whom it went: any of the identities may be missing, not all.

    `phone` is E.164; `user_id` is a business-scoped user id; `lid` is WhatsApp's hidden number
    (`<digits>@lid`), which linked devices see; `address` is what the provider gave when it is
    none of them.
    """

    phone: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    lid: str | None = None
    address: str | None = None
    name: str = ""
    username: str = ""

    @property
    def key(self) -> str:
        """One string for this person within a connection: orders their events."""
        return self.lid or self.phone or self.user_id or self.address or ""


@dataclass(frozen=True)
class Update:
    """One update, translated. `data` is plain JSON and depends on `kind`:

    message, echo: {type, text, sender{}, content{}, reply_to, referral{}, errors[]}
    status:        {status, recipient{}, opaque, errors[{code,title,details}], pricing{}}
    system:        {event, sender{}, previous{}}
    preference:    {sender{}, category, value}
    account:       {field, event, text, effect, errors[], details{}}; effect is blocked, limited,
                   warned, restored or nothing, text one line for the number's log
    call:          {field, event, text, sender{}, direction, status, duration_seconds, ...}
    unsupported:   {field, event, seen{}}: what could be read of it all the same
    `raw` is the provider's own object, kept beside it.
    """

    kind: Kind
    key: str  # what makes this update itself: the database keeps it unique
    number_id: str  # the provider's id of our number; "" when the update names none
    account_id: str = ""
    subject: str = ""  # the provider's message id
    conversation_key: str = ""
    at: datetime | None = None  # the provider's clock, None when it gave none
    data: dict[str, Any] = field(default_factory=dict)
    raw: Any = None

    def as_payload(self) -> dict[str, Any]:
        """Return what is stored in the inbox."""
        return {"at": self.at.isoformat() if self.at else None, "data": self.data, "raw": self.raw}


class OutboundKind(StrEnum):
    """What can be sent."""

    TEXT = "text"
    BUTTONS = "buttons"
    READ = "read"  # mark as read
    TYPING = "typing"  # mark as read and show "typing…"


@dataclass(frozen=True)
class Button:
    """A reply button: id up to 256 characters, title up to 20."""

    id: str
    title: str


@dataclass(frozen=True)
class Outbound:
    """One thing to send. `to_phone` is E.164; `to_user_id` a business-scoped user id.

    `to_lid` is the customer's hidden number (`<digits>@lid`), which linked devices write to;
    `to_address` the provider's own address of the chat, where it names one to answer to.
    READ and TYPING name the customer's message; the Cloud API wants nothing else of them.
    """

    kind: OutboundKind
    to_phone: str | None = None
    to_user_id: str | None = None
    to_lid: str | None = None
    to_address: str | None = None
    text: str = ""
    buttons: tuple[Button, ...] = ()
    message_id: str = ""
    reply_to: str = ""

    def as_payload(self) -> dict[str, Any]:
        """Return what is stored in the outbox.

        Without what is not set: processes of the version before read it too, while both run.
        """
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "Outbound":
        """Read back what `as_payload` stored, by this version or the one after it."""
        known = {field.name for field in dataclass_fields(cls)}
        fields = {name: value for name, value in payload.items() if name in known}
        fields["kind"] = OutboundKind(fields["kind"])
        fields["buttons"] = tuple(Button(**button) for button in fields.get("buttons", ()))
        return cls(**fields)
