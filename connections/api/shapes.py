"""What is in a request and in an answer of the API; its description is made from this."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from connections import lifecycle, qr
from connections.linked.models import LinkedSession

WORDS = (
    "connecting",
    "connected",
    "reconnecting",
    "disconnected",
    "silent",
    "logged out",
    "needs passkey",
    "blocked",
)
_MOST_ID = 2**63 - 1


class Which(serializers.Serializer[Mapping[str, Any]]):
    connection = serializers.IntegerField(
        min_value=1, max_value=_MOST_ID, required=False, allow_null=True,
        help_text="The id of a number, when the workspace has several.",
    )  # fmt: skip


class Connect(Which):
    method = serializers.ChoiceField(
        choices=LinkedSession.Method.values, required=False, allow_null=True,
        help_text="qr: the phone scans a code (the default). code: it types one, for “phone”.",
    )  # fmt: skip
    phone = serializers.CharField(
        max_length=40, required=False, allow_null=True, allow_blank=True,
        help_text="The phone's number, for a pairing code. A phone alone asks for a code.",
    )  # fmt: skip
    another = serializers.BooleanField(
        required=False,
        help_text="true: one more phone, beside those that there are.",
    )


class Status(serializers.Serializer[Mapping[str, Any]]):
    status = serializers.ChoiceField(choices=WORDS, help_text="One of the status words.")
    phone = serializers.CharField(allow_null=True, help_text="In E.164; null before it is linked.")
    reason = serializers.CharField(
        allow_null=True, help_text="What happened and what to do, in a sentence for people."
    )
    code = serializers.CharField(allow_null=True, help_text="The same in a word, for programs.")
    provider = serializers.CharField(
        allow_null=True, help_text="linked_device for a phone linked by QR code, cloud_api, ..."
    )
    connection = serializers.IntegerField(
        allow_null=True, help_text="The number's id; null when the workspace has none."
    )
    connected = serializers.BooleanField(help_text="Whether messages come and go.")
    last_connected_at = serializers.DateTimeField(
        allow_null=True, help_text="When the line came up last."
    )
    last_disconnected_at = serializers.DateTimeField(
        allow_null=True, help_text="When it went down last."
    )
    updated_at = serializers.DateTimeField(
        allow_null=True, help_text="When the status changed last."
    )
    retry_at = serializers.DateTimeField(
        allow_null=True, help_text="While reconnecting: when it is tried next."
    )


class Code(serializers.Serializer[Mapping[str, Any]]):
    status = serializers.ChoiceField(choices=WORDS, help_text="One of the status words.")
    connection = serializers.IntegerField(allow_null=True, help_text="Which number it links.")
    qr = serializers.CharField(allow_null=True, help_text="The QR code's text, as it is.")
    svg = serializers.CharField(allow_null=True, help_text="The same as a picture.")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="A new one follows, until nobody has scanned six."
    )
    code = serializers.CharField(allow_null=True, help_text="The pairing code to type instead.")


class Problem(serializers.Serializer[Mapping[str, Any]]):
    code = serializers.CharField(help_text="In a word, for programs.")
    message = serializers.CharField(help_text="What happened and what to do, for people.")


class Error(serializers.Serializer[Mapping[str, Any]]):
    error = Problem()


_NOTHING = {
    "status": "disconnected",
    "reason": "No number is connected. Begin with POST /api/whatsapp/connect.",
    "code": "no_number",
    "connected": False,
}


def status(found: lifecycle.Status | None) -> Mapping[str, Any]:
    """Return how a number is; None for a workspace without one."""
    values: dict[str, Any] = dict.fromkeys(Status().fields) | _NOTHING
    if found is not None:
        values = {
            "status": found.word,
            "phone": found.phone or None,
            "reason": found.reason or None,
            "code": found.code or None,
            "provider": found.connection.provider,
            "connection": found.connection.pk,
            "connected": found.is_connected,
            "last_connected_at": found.last_connected_at,
            "last_disconnected_at": found.last_disconnected_at,
            "updated_at": found.updated_at,
            "retry_at": found.retry_at,
        }
    return Status(values).data


def code(found: lifecycle.Status | None, shown: lifecycle.Pairing | None) -> Mapping[str, Any]:
    """Return what links the phone at this moment, nulls when nothing is shown."""
    is_qr = shown is not None and shown.kind == LinkedSession.Method.QR
    values = {
        "status": found.word if found else "disconnected",
        "connection": found.connection.pk if found else None,
        "qr": shown.value if shown and is_qr else None,
        "svg": qr.svg_of(shown.value) if shown and is_qr else None,
        "expires_at": shown.expires_at if shown else None,
        "code": shown.value if shown and not is_qr else None,
    }
    return Code(values).data
