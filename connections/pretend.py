"""Plays the phones of a WhatsApp server on this machine: the business's, and its customers'.

Development and tests only, where FAKE_WHATSAPP_URL is set: the control address of the server in
connections/bridge/fake_whatsapp, whose README lists what it is asked here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from lib import http
from workspaces.models import Workspace

# It answers when the linked device has agreed, or has not: 10 s by QR, 20 s by code.
_LINK_SECONDS, _SECONDS = 25.0, 3.0
_TYPES_FOR = timedelta(seconds=15)
AWAY = (
    "The WhatsApp server on this machine does not answer. Is it running? It is started by "
    "“make run”, or by hand: node connections/bridge/fake_whatsapp/main.js."
)


class UnableToPretend(Exception):
    """The pretend phone did not do it; the message says why."""


@dataclass(frozen=True)
class Customer:
    """Somebody who may write to the business."""

    phone: str  # digits
    name: str
    hides_phone: bool = False


CUSTOMERS = (
    Customer("2348061110001", "Ngozi"),
    Customer("2348061110002", "Tunde"),
    Customer("2348061110003", "Amaka", hides_phone=True),
)


@dataclass(frozen=True)
class Line:
    """One message as the customer's phone shows it."""

    id: str
    text: str
    is_customers: bool
    is_by_hand: bool  # written on the business's phone, not by its linked device
    status: str  # of the customer's own: sent, delivered, read
    at: datetime


@dataclass(frozen=True)
class Chat:
    """A customer's chat with the business."""

    lines: Sequence[Line]
    is_typing: bool


def is_available() -> bool:
    """Say whether there is a pretend phone here."""
    return bool(settings.FAKE_WHATSAPP_URL)


def phone_of(workspace: Workspace) -> str:
    """Return the number (E.164) of the workspace's pretend business phone: always the same."""
    return f"+234809{workspace.pk % 10_000_000:07d}"


# --- The business's phone ------------------------------------------------------------------


def scan(*, workspace: Workspace, qr: str) -> None:
    """Scan a QR code with the workspace's phone. Raises UnableToPretend."""
    account = _account(phone_of(workspace), workspace.name)
    _link(f"/accounts/{account}/scan", {"qr": qr})


def enter_code(*, workspace: Workspace, phone: str, code: str) -> None:
    """Type a pairing code on the phone that it was made for. Raises UnableToPretend."""
    account = _account(phone, workspace.name)
    _link(f"/accounts/{account}/code", {"code": code})


def unlink(*, phone: str) -> None:
    """Log all linked devices out on the phone. Raises UnableToPretend."""
    account = _digits(phone)
    devices = _call("GET", f"/accounts/{account}").get("devices")
    numbers = [device.get("number") for device in devices] if isinstance(devices, list) else []
    if not numbers:
        raise UnableToPretend("No device is linked on this phone any more.")
    for number in numbers:
        _call("DELETE", f"/accounts/{account}/devices/{number}")


def write_by_hand(*, phone: str, customer: Customer, text: str) -> None:
    """Write to a customer on the business's phone itself. Raises UnableToPretend."""
    _call("POST", f"/accounts/{_digits(phone)}/messages", {"to": customer.phone, "text": text})


# --- Customers -----------------------------------------------------------------------------


def customer(phone: str | None) -> Customer:
    """Return the customer with these digits, or the first one."""
    return next((one for one in CUSTOMERS if one.phone == phone), CUSTOMERS[0])


def write(*, customer: Customer, phone: str, text: str) -> None:
    """Write to the business as a customer. Raises UnableToPretend."""
    _call(
        "POST",
        f"/customers/{customer.phone}/messages",
        {
            "account": _digits(phone),
            "text": text,
            "name": customer.name,
            "hidesPhone": customer.hides_phone,
        },
    )


def chat(*, customer: Customer, phone: str, now: datetime) -> Chat:
    """Return what the customer's phone shows, and let it have read that. Raises UnableToPretend."""
    account = _digits(phone)
    found = _call("GET", f"/customers/{customer.phone}/chats/{account}", is_unknown_empty=True)
    theirs, ours = _rows(found, "sent"), _rows(found, "received")
    by_device = [row for row in ours if str(row.get("from")).startswith("device:")]
    if any("read" not in _texts(row, "receipts") for row in by_device):
        said = {"account": account, "type": "read"}
        _call("POST", f"/customers/{customer.phone}/receipts", said)
    lines = [_theirs(row) for row in theirs] + [_ours(row) for row in ours]
    lines.sort(key=lambda line: line.at)
    return Chat(lines, _is_typing(_rows(found, "typing"), ours, now))


def _theirs(row: Mapping[str, Any]) -> Line:
    said = {str(one.get("type")) for one in _rows(row, "receipts")}
    status = (
        "read" if "read" in said else "delivered" if said & {"delivered", "inactive"} else "sent"
    )
    moment = datetime.fromtimestamp(float(row.get("sentAt") or 0), tz=UTC)
    return Line(str(row.get("id")), str(row.get("text") or ""), True, False, status, moment)


def _ours(row: Mapping[str, Any]) -> Line:
    is_by_hand = row.get("from") == "phone"
    return Line(str(row.get("id")), str(row.get("text") or ""), False, is_by_hand, "", _moment(row))


def _is_typing(
    signs: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]], now: datetime
) -> bool:
    if not signs or signs[-1].get("state") != "composing":
        return False
    began = _moment(signs[-1])
    is_over = bool(ours) and _moment(ours[-1]) >= began
    return not is_over and now - began < _TYPES_FOR


def _moment(row: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(row.get("at")))
    except ValueError:
        return datetime.fromtimestamp(0, tz=UTC)


# --- The server ----------------------------------------------------------------------------


def _account(phone: str, name: str) -> str:
    """Return the digits of an account that is there from now on."""
    digits = _digits(phone)
    if not _call("GET", f"/accounts/{digits}", is_unknown_empty=True):
        _call("POST", "/accounts", {"phone": digits, "name": name})
    return digits


def _link(path: str, body: Mapping[str, object]) -> None:
    answer = _call("POST", path, body, seconds=_LINK_SECONDS)
    if answer.get("outcome") != "linked":
        raise UnableToPretend(f"The pretend phone says: {answer.get('say') or 'it did not work.'}")


def _call(
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    seconds: float = _SECONDS,
    is_unknown_empty: bool = False,
) -> Mapping[str, Any]:
    try:
        answer = http.call(
            method, f"{settings.FAKE_WHATSAPP_URL}{path}", json=body, timeout_seconds=seconds
        )
    except http.UnableToReach as error:
        raise UnableToPretend(AWAY) from error
    if answer.status == 404 and is_unknown_empty:
        return {}
    if not answer.ok:
        raise UnableToPretend(f"The pretend phone refuses: {answer.data.get('error') or 'no'}.")
    return answer.data


def _digits(phone: str) -> str:
    return phone.lstrip("+")


def _rows(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = found.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _texts(row: Mapping[str, Any], name: str) -> list[str]:
    rows = row.get(name)
    return [str(one) for one in rows] if isinstance(rows, list) else []
