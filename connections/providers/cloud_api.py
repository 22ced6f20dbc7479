"""The WhatsApp Cloud API: Meta's own door. Signed webhooks in, Graph calls out."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings

from connections.events import Outbound, OutboundKind, Update
from connections.providers import cloud_errors, cloud_health, cloud_payloads, untrusted
from connections.providers.base import (
    Account,
    CheckResult,
    Code,
    Provider,
    ProviderError,
    SendReceipt,
)
from lib import http

SIGNATURE_HEADER = "x-hub-signature-256"
_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")

MAX_IDS = 64
_NUMBER_ID = re.compile(rb'"phone_number_id"[ \t\r\n]{0,16}:[ \t\r\n]{0,16}"?([\w.-]{1,64})')
_ENTRY_ID = re.compile(rb'"id"[ \t\r\n]{0,16}:[ \t\r\n]{0,16}"?([\w-]{1,64})["\s,}]')

# Meta's limits, in characters.
MAX_TEXT = 4_096
MAX_BUTTONS_TEXT = 1_024
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_BUTTON_ID = 256
MAX_OPAQUE = 512

_PHONE = re.compile(r"\+?([1-9][0-9]{6,14})")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CHECK_FIELDS = (
    "id",
    "display_phone_number",
    "verified_name",
    "quality_rating",
    "status",
    "name_status",
    "code_verification_status",
    "health_status",
)


class CloudApi(Provider):
    """Speaks the WhatsApp Cloud API for one number at a time."""

    name: ClassVar[str] = "cloud_api"
    label: ClassVar[str] = "WhatsApp Cloud API"
    supports_buttons: ClassVar[bool] = True

    def base_url(self) -> str:
        """Return the address of the Graph API, without a slash at its end."""
        return str(settings.GRAPH_API_URL).rstrip("/")

    # --- In --------------------------------------------------------------------------------

    def house_secret(self) -> str:
        """Return the app secret of the house's own Meta app."""
        return str(settings.WHATSAPP_APP_SECRET)

    def verify(self, *, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """Say whether the raw bytes were signed with the app secret; never raises."""
        match = _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, ""))
        if not match or not secret:
            return False
        expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(match[1].lower(), expected)

    def number_ids(self, body: bytes) -> frozenset[str]:
        """Find number and account ids by their look: the body is neither trusted nor parsed.

        Numbers come first, because other things than accounts have an "id" too.
        """
        found: dict[str, None] = {}
        for pattern in (_NUMBER_ID, _ENTRY_ID):
            for match in pattern.finditer(body):
                if len(found) == MAX_IDS:
                    break
                found[match[1].decode("ascii")] = None
        return frozenset(found)

    def read(self, body: bytes) -> list[Update]:
        """Translate a verified body. Raises UnableToRead when it is another format."""
        return cloud_payloads.read(body)

    # --- Out -------------------------------------------------------------------------------

    def send(self, account: Account, message: Outbound, *, opaque: str) -> SendReceipt:
        """Send one message, read mark or typing sign. Raises ProviderError."""
        body = {"messaging_product": "whatsapp", **_BODIES[message.kind](message)}
        is_message = message.kind in _MESSAGES
        if is_message:
            if len(opaque) > MAX_OPAQUE:
                raise _invalid(f"The tracking text is longer than {MAX_OPAQUE} characters.")
            body["biz_opaque_callback_data"] = opaque
        answer = self._call(
            "POST",
            account,
            "/messages",
            json=body,
            # A read mark may be sent twice; a typing sign is stale by then.
            lost=None
            if is_message
            else cloud_errors.unreachable(retryable=message.kind is OutboundKind.READ),
        )
        if not is_message:
            return SendReceipt(message_id="", ms=answer.ms)
        sent = untrusted.dicts_of(untrusted.clean(dict(answer.data)), "messages")
        message_id = untrusted.text_of(sent[0], "id") if sent else ""
        if not message_id:
            raise cloud_errors.unknown_outcome(vendor_code="no_message_id")
        return SendReceipt(message_id=message_id[:200], ms=answer.ms)

    def check(self, account: Account) -> CheckResult:
        """Ask Meta about the number. Raises ProviderError."""
        try:
            answer = self._call(
                "GET",
                account,
                "",
                params={"fields": ",".join(_CHECK_FIELDS)},
                lost=cloud_errors.unreachable(),
            )
        except ProviderError as error:
            if error.code is Code.INVALID_MESSAGE:  # there was no message to be invalid
                raise cloud_health.unreadable(error) from error
            raise
        return cloud_health.read(untrusted.clean(dict(answer.data)), account=account)

    def explain(self, *, code: str, details: str) -> ProviderError:
        """Say what the error code of a failed status means."""
        return cloud_errors.from_status_error(code, details=details)

    def _call(
        self,
        method: str,
        account: Account,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
        lost: ProviderError | None,
    ) -> http.Answer:
        """Call Meta and return its success. `lost`: what no answer means (None: unknown)."""
        token = account.credentials.get("access_token", "").strip()
        if not account.external_id or not _TOKEN.fullmatch(token):
            raise ProviderError(
                Code.NOT_CONFIGURED,
                "The access token or the number's id is missing or damaged. "
                "Enter both again under Numbers.",
                switch_off=True,
                tell_owner=True,
            )
        number = quote(account.external_id, safe="")
        try:
            answer = http.call(
                method,
                f"{self.base_url()}/{settings.GRAPH_API_VERSION}/{number}{path}",
                json=json,
                params=params,
                headers={"Authorization": f"Bearer {token}"},
                timeout_seconds=settings.SEND_TIMEOUT_SECONDS,
            )
        except http.UnableToReach as error:
            if not error.was_sent:
                raise cloud_errors.unreachable() from error
            raise lost or cloud_errors.unknown_outcome() from error
        if not answer.ok or "error" in answer.data:
            refusal = cloud_errors.from_answer(answer)
            raise lost if lost and refusal.code is Code.UNKNOWN_OUTCOME else refusal
        return answer


def _invalid(sentence: str) -> ProviderError:
    return ProviderError(Code.INVALID_MESSAGE, sentence)


def _address(message: Outbound) -> dict[str, Any]:
    """Name the customer: by phone when it is known (Meta lets it win), else by user id."""
    if message.to_phone:
        if match := _PHONE.fullmatch(message.to_phone):
            return {"recipient_type": "individual", "to": match[1]}
        raise _invalid("The customer's phone number is not complete, so nothing was sent.")
    if message.to_user_id:
        return {"recipient_type": "individual", "recipient": message.to_user_id}
    raise _invalid("Neither a phone number nor a user id of this customer is known.")


def _said(message: Outbound, limit: int) -> str:
    text = untrusted.clean_text(message.text)
    if not text.strip():
        raise _invalid("The message is empty, so it was not sent. Write something.")
    if len(text) > limit:
        raise _invalid(
            f"The message has {len(text):,} characters; WhatsApp takes {limit:,}. "
            "It was not sent. Make it shorter."
        )
    return text


def _reply(message: Outbound) -> dict[str, Any]:
    return {"context": {"message_id": message.reply_to}} if message.reply_to else {}


def _text_body(message: Outbound) -> dict[str, Any]:
    return {
        **_address(message),
        **_reply(message),
        "type": "text",
        "text": {"body": _said(message, MAX_TEXT), "preview_url": False},
    }


def _buttons_body(message: Outbound) -> dict[str, Any]:
    titles = [untrusted.clean_text(button.title).strip() for button in message.buttons]
    ids = [button.id for button in message.buttons]
    _refuse(
        {
            f"A message has 1 to {MAX_BUTTONS} buttons.": 1 <= len(titles) <= MAX_BUTTONS,
            f"A button's title has 1 to {MAX_BUTTON_TITLE} characters.": all(
                1 <= len(title) <= MAX_BUTTON_TITLE for title in titles
            ),
            f"A button's id has 1 to {MAX_BUTTON_ID} characters.": all(
                1 <= len(identifier) <= MAX_BUTTON_ID for identifier in ids
            ),
            "Two buttons have the same title.": len(set(titles)) == len(titles),
            "Two buttons have the same id.": len(set(ids)) == len(ids),
        }
    )
    return {
        **_address(message),
        **_reply(message),
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": _said(message, MAX_BUTTONS_TEXT)},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": identifier, "title": title}}
                    for identifier, title in zip(ids, titles, strict=True)
                ]
            },
        },
    }


def _refuse(rules: Mapping[str, bool]) -> None:
    for sentence, holds in rules.items():
        if not holds:
            raise _invalid(f"{sentence} The message was not sent.")


def _read_body(message: Outbound) -> dict[str, Any]:
    if not message.message_id:
        raise _invalid("There is no message to mark as read.")
    return {"status": "read", "message_id": message.message_id}


def _typing_body(message: Outbound) -> dict[str, Any]:
    return {**_read_body(message), "typing_indicator": {"type": "text"}}


_BODIES: Mapping[OutboundKind, Callable[[Outbound], dict[str, Any]]] = {
    OutboundKind.TEXT: _text_body,
    OutboundKind.BUTTONS: _buttons_body,
    OutboundKind.READ: _read_body,
    OutboundKind.TYPING: _typing_body,
}
_MESSAGES = frozenset({OutboundKind.TEXT, OutboundKind.BUTTONS})
