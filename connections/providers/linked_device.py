"""Linked devices as a provider: the engine's events in, requests to it out.

The contract is connections/bridge/PROTOCOL.md: signed batches of events, and one signed request
for each send to the process that holds the number's line.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings

from connections.events import Outbound, OutboundKind, Update
from connections.providers import linked_errors, linked_events, untrusted
from connections.providers.base import (
    Account,
    CheckResult,
    Code,
    Provider,
    ProviderError,
    SendReceipt,
)
from lib import http

SIGNATURE_HEADER = "x-backroom-signature"
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_MOST_SKEW_SECONDS = 300

MAX_TEXT = 65_536
MAX_OPAQUE = 200
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_JID = re.compile(r"[0-9]{5,20}@(lid|s\.whatsapp\.net)")
_MARKS = frozenset({OutboundKind.READ, OutboundKind.TYPING})


class LinkedDevice(Provider):
    """Speaks to the engine that holds a number's line."""

    name: ClassVar[str] = "linked_device"
    label: ClassVar[str] = "Linked phone"
    supports_buttons: ClassVar[bool] = False
    has_own_secrets: ClassVar[bool] = False
    is_linked: ClassVar[bool] = True

    # --- In --------------------------------------------------------------------------------

    def house_secret(self) -> str:
        """Return the secret that Backroom shares with its engines."""
        return str(settings.BRIDGE_SECRET)

    def verify(self, *, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """Say whether the raw bytes were signed with `secret` within five minutes of now."""
        match = _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, ""))
        if not match or not secret or abs(time.time() - int(match[1])) > _MOST_SKEW_SECONDS:
            return False
        return hmac.compare_digest(match[2], signature_of(secret, match[1], body))

    def number_ids(self, body: bytes) -> frozenset[str]:
        """Return nothing: nobody but the house signs for these numbers."""
        return frozenset()

    def read(self, body: bytes) -> list[Update]:
        """Translate a verified batch. Raises UnableToRead when it is another format."""
        return linked_events.read(body)

    # --- Out -------------------------------------------------------------------------------

    def send(self, account: Account, message: Outbound, *, opaque: str) -> SendReceipt:
        """Send one text, read mark or typing sign (which reads first). Raises ProviderError."""
        request = _request(message, opaque)
        if message.kind is OutboundKind.TYPING:
            self._call(account, {**request, "kind": "read", "opaque": f"{opaque}:read"})
            request.pop("message_id", None)
        answer = self._call(account, request)
        if message.kind in _MARKS:
            return SendReceipt(message_id="", ms=answer.ms)
        message_id = untrusted.text_of(dict(answer.data), "wa_id")
        if not message_id:
            raise linked_errors.unknown_outcome()
        return SendReceipt(message_id=message_id[:200], ms=answer.ms)

    def check(self, account: Account) -> CheckResult:
        """Ask WhatsApp for a sign of life through the number's line. Raises ProviderError."""
        self._call(account, {"opaque": "probe", "kind": "probe"})
        return CheckResult(display_phone="", verified_name="", quality="")

    def explain(self, *, code: str, details: str) -> ProviderError:
        """Say what the code of a failed status means."""
        return linked_errors.of_refusal(code)

    def _call(self, account: Account, request: Mapping[str, object]) -> http.Answer:
        if not account.route:
            raise linked_errors.offline("away")
        body = json.dumps(request).encode()
        moment = str(int(time.time()))
        mark = signature_of(settings.BRIDGE_SECRET, moment, body)
        try:
            answer = http.call(
                "POST",
                f"{account.route}/sessions/{account.external_id}/messages",
                body=body,
                headers={
                    "Content-Type": "application/json",
                    SIGNATURE_HEADER: f"t={moment},v1={mark}",
                },
                timeout_seconds=settings.LINKED_DEVICE_TIMEOUT_SECONDS,
            )
        except http.UnableToReach as error:
            if not error.was_sent:
                raise linked_errors.offline("away") from error
            raise linked_errors.unknown_outcome() from error
        if not answer.ok:
            raise linked_errors.of_answer(answer)
        return answer


def signature_of(secret: str, moment: str, body: bytes) -> str:
    """Return the HMAC of PROTOCOL.md, 6: SHA-256 over `<unix seconds>.<raw body>`, in hex."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _request(message: Outbound, opaque: str) -> dict[str, Any]:
    if len(opaque) > MAX_OPAQUE:
        raise _invalid(f"The tracking text is longer than {MAX_OPAQUE} characters.")
    request: dict[str, Any] = {"opaque": opaque, "kind": str(message.kind), **_address(message)}
    if message.kind in _MARKS:
        if not message.message_id:
            raise _invalid("There is no message to mark as read.")
        return request | {"message_id": message.message_id[:128]}
    if message.kind is not OutboundKind.TEXT:
        raise ProviderError(
            Code.UNSUPPORTED, "A linked phone sends texts only, so this was not sent."
        )
    text = untrusted.clean_text(message.text)
    if not text.strip():
        raise _invalid("The message is empty, so it was not sent. Write something.")
    if len(text) > MAX_TEXT:
        raise _invalid(
            f"The message has {len(text):,} characters; WhatsApp takes {MAX_TEXT:,}. "
            "It was not sent. Make it shorter."
        )
    request["text"] = text
    return request | ({"reply_to": message.reply_to[:128]} if message.reply_to else {})


def _address(message: Outbound) -> dict[str, str]:
    """Name the chat that the question came from; if none is known, the hidden number or the phone."""
    if message.to_address and _JID.fullmatch(message.to_address):
        return {"chat": message.to_address}
    if message.to_lid and _JID.fullmatch(message.to_lid):
        return {"chat": message.to_lid}
    if message.to_phone and _PHONE.fullmatch(message.to_phone):
        return {"chat": f"{message.to_phone[1:]}@s.whatsapp.net"}
    raise _invalid("Neither a phone number nor a hidden number of this customer is known.")


def _invalid(sentence: str) -> ProviderError:
    return ProviderError(Code.INVALID_MESSAGE, sentence)
