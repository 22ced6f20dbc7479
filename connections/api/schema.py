"""The API described: in OpenAPI for programs, as a page for people; both from one table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from rest_framework import serializers

from connections.api import access, formats, shapes
from connections.api.errors import STATUSES

Shape = type[serializers.Serializer[Any]]
VERSION = "1.0"

_STATUS = {
    "status": "connected",
    "phone": "+2348031234567",
    "reason": None,
    "code": None,
    "provider": "linked_device",
    "connection": 7,
    "connected": True,
    "last_connected_at": "2026-11-20T09:00:12.480000Z",
    "last_disconnected_at": None,
    "updated_at": "2026-11-20T09:00:12.480000Z",
    "retry_at": None,
}
_CONNECTING = _STATUS | {
    "status": "connecting",
    "phone": None,
    "connected": False,
    "last_connected_at": None,
    "updated_at": "2026-11-20T08:59:40.115000Z",
}
_LEFT = _STATUS | {
    "status": "disconnected",
    "reason": "Disconnected by your team.",
    "code": "disconnected",
    "connected": False,
    "last_disconnected_at": "2026-11-20T17:30:02.204000Z",
    "updated_at": "2026-11-20T17:30:02.204000Z",
}
_CODE = {
    "status": "connecting",
    "connection": 7,
    "qr": "2@Rj0sWd1x...,q8V3...,5Hk2...",
    "svg": "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 61 61\">...</svg>",
    "expires_at": "2026-11-20T09:00:00.000000Z",
    "code": None,
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One thing that a program can ask for."""

    method: str
    address: str
    name: str
    title: str
    text: str
    status: int
    answer: Shape
    example: Mapping[str, Any]
    refusals: tuple[int, ...]
    curl: tuple[str, ...]
    query: Shape | None = None
    body: Shape | None = None
    formats: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> list[tuple[str, str, str]]:
        """Return name, type and meaning of what may be sent."""
        shape = self.body or self.query
        described = _fields(shape) if shape else {}
        rows = [(name, _kind(each), each["description"]) for name, each in described.items()]
        if self.formats:
            others = " or ".join(self.formats)
            rows.append(("format", f"json, {others.replace(' or ', ', ')}", _FORMAT))
        return rows

    @property
    def samples(self) -> list[str]:
        """Return the lines to type."""
        return [line.format(base=settings.BASE_URL) for line in self.curl]

    @property
    def shown(self) -> str:
        """Return the example answer, laid out."""
        return json.dumps(self.example, indent=2, ensure_ascii=False)


_FORMAT = "Answers the code itself, as the Accept header does; 404 when none is shown."
_EVERYWHERE = (401, 403, 406, 429)
OPERATIONS = (
    Operation(
        "POST", "/api/whatsapp/connect", "connect", "Begin to link a phone",
        "Then ask for the code every two or three seconds, and show it: each one counts for about"
        " 20 seconds. The link is done when the status is “connected”. Without “connection” the"
        " phone that was dealt with last is linked (again), or a first one. A phone that is"
        " linked already is 409.",
        202, shapes.Status, _CONNECTING, (400, *_EVERYWHERE, 404, 409, 413, 415, 503),
        ("curl -X POST -H \"Authorization: Bearer $TOKEN\" {base}/api/whatsapp/connect",
         "curl -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: application/json\" \\\n"
         "  -d '{{\"method\": \"code\", \"phone\": \"+2348031234567\"}}' {base}/api/whatsapp/connect"),
        body=shapes.Connect,
    ),
    Operation(
        "GET", "/api/whatsapp/qr", "qr", "The code that links it",
        "Nulls while nothing is shown: ask again, and look at the status. In WhatsApp on the"
        " phone: Linked devices, Link a device.",
        200, shapes.Code, _CODE, (400, *_EVERYWHERE, 404),
        ("curl -H \"Authorization: Bearer $TOKEN\" {base}/api/whatsapp/qr",
         "curl -fo qr.svg -H \"Authorization: Bearer $TOKEN\" \"{base}/api/whatsapp/qr?format=svg\""),
        query=shapes.Which,
        formats={"svg": "image/svg+xml", "text": "text/plain"},
    ),
    Operation(
        "GET", "/api/whatsapp/status", "status", "How a number is",
        "Of the linked phone that was dealt with last; without one of any number; without any"
        " “disconnected”.",
        200, shapes.Status, _STATUS, (400, *_EVERYWHERE, 404),
        ("curl -H \"Authorization: Bearer $TOKEN\" {base}/api/whatsapp/status",),
        query=shapes.Which,
    ),
    Operation(
        "POST", "/api/whatsapp/disconnect", "disconnect", "Take a number off WhatsApp",
        "A linked phone is unlinked and its keys are erased: to come back it has to be linked"
        " anew. Other numbers send no more. Conversations stay.",
        200, shapes.Status, _LEFT, (400, *_EVERYWHERE, 404, 409, 413, 415),
        ("curl -X POST -H \"Authorization: Bearer $TOKEN\" {base}/api/whatsapp/disconnect",),
        body=shapes.Which,
    ),
)  # fmt: skip
WORDS = {
    "connecting": "A phone is being linked, or a number is looked at for the first time.",
    "connected": "Messages come and go.",
    "reconnecting": "The line was cut. It comes back by itself; “retry_at” says when.",
    "disconnected": "Never linked, nobody scanned in time, or taken off WhatsApp.",
    "silent": "Connected, but nobody has written for hours: the line is being checked.",
    "logged out": "The phone has removed this device. Link it again.",
    "needs passkey": "WhatsApp wants a passkey, which no service can give. Use the official API.",
    "blocked": "WhatsApp has blocked the number; “reason” says until when, if it is known.",
}


def document() -> dict[str, Any]:
    """Return the description in OpenAPI 3.1."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for each in OPERATIONS:
        paths[each.address] = {each.method.lower(): _operation(each, schemas)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backroom",
            "version": VERSION,
            "description": "Link a WhatsApp number of your workspace, and see how it is.",
        },
        "servers": [{"url": settings.BASE_URL}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def page() -> dict[str, Any]:
    """Return what the page for people shows."""
    return {
        "operations": OPERATIONS,
        "answers": [
            ("In a status", _rows(shapes.Status)),
            ("In a code", _rows(shapes.Code)),
        ],
        "words": list(WORDS.items()),
        "errors": [(status, *words) for status, words in STATUSES.items()],
        "refusal": json.dumps(
            {"error": {"code": "already_linked", "message": "This phone is linked already. ..."}},
            indent=2,
        ),
        "reading": access.ReadingThrottle.A_MINUTE,
        "connecting": access.ConnectingThrottle.A_MINUTE,
        "most_kb": formats.MOST_BYTES // 1024,
    }


def _rows(shape: Shape) -> list[tuple[str, str, str]]:
    return [
        (name, _kind(each), each.get("description", "")) for name, each in _fields(shape).items()
    ]


def _operation(each: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "application/json": {"schema": _named(each.answer, schemas), "example": each.example}
    }
    for media_type in each.formats.values():
        content[media_type] = {"schema": {"type": "string"}}
    found: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.title,
        "description": each.text,
        "responses": {
            str(each.status): {"description": each.title, "content": content},
            **{
                str(status): {
                    "description": STATUSES[status][1],
                    "content": {"application/json": {"schema": _named(shapes.Error, schemas)}},
                }
                for status in sorted(each.refusals)
            },
        },
    }
    if each.body:
        found["requestBody"] = {
            "required": False,
            "content": {"application/json": {"schema": _named(each.body, schemas)}},
        }
    parameters = [
        {"name": name, "in": "query", "description": described.pop("description"), "schema": described}
        for name, described in (_fields(each.query) if each.query else {}).items()
    ]  # fmt: skip
    if each.formats:
        choices = ["json", *each.formats]
        parameters.append(
            {"name": "format", "in": "query", "description": _FORMAT,
             "schema": {"type": "string", "enum": choices}}
        )  # fmt: skip
    if parameters:
        found["parameters"] = parameters
    return found


def _named(shape: Shape, schemas: dict[str, Any]) -> dict[str, str]:
    """Return a reference to the shape, and put it where references look."""
    if shape.__name__ not in schemas:
        fields = shape().fields
        schemas[shape.__name__] = {
            "type": "object",
            "properties": _fields(shape),
            "required": [name for name, each in fields.items() if each.required],
        }
        if not schemas[shape.__name__]["required"]:
            del schemas[shape.__name__]["required"]
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _fields(shape: Shape) -> dict[str, dict[str, Any]]:
    return {name: _described(each) for name, each in shape().fields.items()}


_KINDS: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], dict[str, Any]], ...] = (
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.IntegerField, {"type": "integer"}),
    (serializers.DateTimeField, {"type": "string", "format": "date-time"}),
    (serializers.ChoiceField, {"type": "string"}),
    (serializers.CharField, {"type": "string"}),
)


def _described(each: serializers.Field[Any, Any, Any, Any]) -> dict[str, Any]:
    """Return a field in the words of JSON Schema."""
    if isinstance(each, serializers.Serializer):
        inner = _fields(type(each))
        return {"type": "object", "properties": inner, "required": list(inner)}
    found = next(dict(words) for kind, words in _KINDS if isinstance(each, kind))
    if isinstance(each, serializers.ChoiceField):
        found["enum"] = [*each.choices, *([None] if each.allow_null else [])]
    if isinstance(each, serializers.IntegerField) and each.min_value is not None:
        found |= {"minimum": each.min_value, "maximum": each.max_value}
    if isinstance(each, serializers.CharField) and each.max_length is not None:
        found["maxLength"] = each.max_length
    if each.allow_null:
        found["type"] = [found["type"], "null"]
    if each.help_text:
        found["description"] = str(each.help_text)
    return found


def _kind(described: Mapping[str, Any]) -> str:
    """Return a field's type in a word or two, for people."""
    told = described["type"]
    kind = str(told[0] if isinstance(told, list) else told)
    if described.get("format") == "date-time":
        return "time"
    if "enum" in described and len(described["enum"]) < 4:
        return " or ".join(str(word) for word in described["enum"] if word is not None)
    return {"string": "text", "integer": "number", "boolean": "true or false"}.get(kind, kind)
