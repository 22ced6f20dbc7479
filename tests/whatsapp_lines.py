"""The phones on a local WhatsApp server, owners' and customers', moved by its control API."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Refused(AssertionError):
    """The server would not do it; the message is its own sentence."""


@dataclass(frozen=True)
class Scan:
    """What a phone shows after scanning a QR code or typing a code."""

    outcome: str  # linked, refused, needs_passkey, ...
    say: str


class WhatsApp:
    """The server at `url` (of its control API). Numbers are digits with the country's code."""

    def __init__(self, url: str) -> None:
        self.url = url

    # --- The server -------------------------------------------------------------------------

    def bridge_settings(self) -> dict[str, str]:
        """Return what leads a bridge here instead of to WhatsApp."""
        about = self.ask("GET", "/")
        return {"LINKED_DEVICE_URL": about["url"], "LINKED_DEVICE_ROOT_KEY": about["rootKey"]}

    def cut(self, how: str | int, *, account: str | None = None) -> int:
        """End connections (drop, close, silent, dead, ..., or a code); return how many."""
        who = {} if account is None else {"account": account}
        return int(self.ask("POST", "/faults/cut", {"how": how, **who})["connections"])

    def go_away(self, seconds: float) -> None:
        """Hang up on all and let nobody in for a while."""
        self.ask("POST", "/faults/away", {"seconds": seconds})

    # --- Owners' phones ---------------------------------------------------------------------

    def add_account(self, phone: str, *, name: str) -> None:
        """Give somebody WhatsApp, whose number can be linked."""
        self.ask("POST", "/accounts", {"phone": phone, "name": name})

    def scan(self, phone: str, qr: str) -> Scan:
        """Scan a QR code with this phone."""
        said = self.ask("POST", f"/accounts/{phone}/scan", {"qr": qr})
        return Scan(said["outcome"], said["say"])

    def enter_code(self, phone: str, code: str) -> Scan:
        """Type a pairing code into this phone."""
        said = self.ask("POST", f"/accounts/{phone}/code", {"code": code})
        return Scan(said["outcome"], said["say"])

    def devices(self, phone: str) -> list[dict[str, Any]]:
        """Return the linked devices that the phone lists."""
        found: list[dict[str, Any]] = self.ask("GET", f"/accounts/{phone}")["devices"]
        return found

    def unlink(self, phone: str) -> None:
        """Remove every linked device, as an owner does on the phone."""
        for device in self.devices(phone):
            self.ask("DELETE", f"/accounts/{phone}/devices/{device['number']}")

    def owner_writes(self, phone: str, *, to: str, text: str) -> str:
        """Write to a customer on the phone itself; return the message's id."""
        said = self.ask("POST", f"/accounts/{phone}/messages", {"to": to, "text": text})
        return str(said["id"])

    # --- Customers' phones ------------------------------------------------------------------

    def customer_writes(
        self, phone: str, *, to: str, text: str, by: str = "lid", hides_phone: bool = False
    ) -> str:
        """Write to an account, by hidden number (lid) or by phone; return the message's id."""
        said = self.ask(
            "POST",
            f"/customers/{phone}/messages",
            {"account": to, "text": text, "by": by, "hidesPhone": hides_phone},
        )
        return str(said["id"])

    def received(self, phone: str, *, of: str) -> list[str]:
        """Return the texts that a customer got from an account."""
        return [str(one.get("text") or "") for one in self.chat(phone, of=of)["received"]]

    def chat(self, phone: str, *, of: str) -> dict[str, Any]:
        """Return a customer's chat with an account: received, sent, typing."""
        try:
            found: dict[str, Any] = self.ask("GET", f"/customers/{phone}/chats/{of}")
        except Refused:  # nobody has written from there yet
            return {"received": [], "sent": [], "typing": []}
        return found

    def await_answer(
        self, phone: str, *, of: str, count: int = 1, seconds: float = 20
    ) -> list[str]:
        """Wait until a customer got so many messages of an account; return their texts."""
        until = time.monotonic() + seconds
        while len(got := self.received(phone, of=of)) < count and time.monotonic() < until:
            time.sleep(0.05)
        if len(got) < count:
            raise AssertionError(f"{len(got)} of {count} answers came within {seconds:g} s")
        return got

    # --- HTTP -------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the control API. Raises Refused with the server's sentence."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body or {}).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.code} {error.read().decode()}") from None


def within(seconds: float, is_so: Callable[[], bool], what: str) -> float:
    """Wait until it is so; return how long it took."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began
