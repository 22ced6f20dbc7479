"""What the simulator remembers: business numbers, customers, messages."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field

Json = dict[str, object]

_COUNTRIES = {"234": "NG", "233": "GH", "254": "KE", "27": "ZA", "44": "GB", "1": "US"}
USER_ID = re.compile(r"^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$")
# How far a message of the business has come; `failed` is the end of the road.
RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}


def digits(value: str) -> str:
    """Return the digits of a phone number, however it is written."""
    return "".join(c for c in value if c.isascii() and c.isdigit())


def user_id_of(phone: str) -> str:
    """Return the business-scoped user id that belongs to a phone number, always the same one."""
    country = next((c for prefix, c in _COUNTRIES.items() if phone.startswith(prefix)), "NG")
    number = int(hashlib.sha256(f"user|{phone}".encode()).hexdigest()[:16], 16)
    return f"{country}.{10**16 + number % (9 * 10**16)}"


def new_wamid(phone: str) -> str:
    """Return a message id of the vendor's form: `wamid.` and base64 of phone and random id."""
    number = phone.encode()[:32]
    unique = secrets.token_hex(10).upper().encode()
    raw = (
        b"\x1d\x18" + bytes([len(number)]) + number + b"\x15\x02\x00\x11\x18\x14" + unique + b"\x00"
    )
    return "wamid." + base64.b64encode(raw).decode()


@dataclass
class Number:
    """A business phone number that an app has registered here."""

    phone_number_id: str
    waba_id: str
    display_phone_number: str
    name: str
    app_secret: str
    access_token: str = ""
    callback_url: str = ""
    override_url: str = ""
    workspace_slug: str = ""
    registered: bool = True
    subscribed: bool = True
    blocked: list[str] = field(default_factory=list)
    profile: Json = field(default_factory=dict)
    templates: list[Json] = field(default_factory=list)

    @property
    def digits(self) -> str:
        return digits(self.display_phone_number)


@dataclass
class Customer:
    """A pretend person. `wa_id` is empty for one who shows a username and no number."""

    name: str
    wa_id: str
    user_id: str
    username: str = ""

    @property
    def key(self) -> str:
        return self.wa_id or self.user_id


@dataclass
class Message:
    """One message in a chat, in the words of its sender's JSON.

    `direction` is `in` (from the customer), `out` (by the API) or `echo` (typed by the business
    on its own phone). `status` of an inbound message says how far its webhook came.
    """

    id: str
    phone_number_id: str
    customer: str
    direction: str
    type: str
    content: Json
    text: str
    at: float
    status: str
    opaque: str = ""
    context: str = ""
    pricing: Json = field(default_factory=dict)
    error: Json = field(default_factory=dict)
    addressed: str = ""
    reactions: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    revision: int = 0

    @property
    def chat(self) -> tuple[str, str]:
        return self.phone_number_id, self.customer
