"""Small Cloud API bodies, built for one test at a time."""

import json
from typing import Any

NUMBER = "106540352242922"
ACCOUNT = "102290129340398"


def text(identifier: str | None = "wamid.A", **fields: Any) -> dict[str, Any]:
    """Return a customer's text message; `fields` replace or add, None removes."""
    message = {
        "from": "2348031234567",
        "id": identifier,
        "timestamp": "1790000000",
        "type": "text",
        "text": {"body": "Good morning"},
        **fields,
    }
    return {name: value for name, value in message.items() if value is not None}


def status(word: str = "sent", **fields: Any) -> dict[str, Any]:
    """Return a status of a message of ours."""
    told = {
        "id": "wamid.OURS",
        "status": word,
        "timestamp": "1790000000",
        "recipient_id": "2348031234567",
        **fields,
    }
    return {name: value for name, value in told.items() if value is not None}


def value(number: str | None = NUMBER, **lists: Any) -> dict[str, Any]:
    """Return a webhook value that holds `lists`."""
    metadata = {"display_phone_number": "2349000000000", "phone_number_id": number}
    named = {"metadata": metadata} if number is not None else {}
    return {"messaging_product": "whatsapp", **named, **lists}


def envelope(*values: Any, field: str = "messages", **entry: Any) -> bytes:
    """Return the body that Meta would post."""
    changes = [{"field": field, "value": value} for value in values]
    return dump(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": ACCOUNT, "changes": changes, **entry}],
        }
    )


def dump(document: Any) -> bytes:
    """Return `document` as JSON."""
    return json.dumps(document).encode()


def messages(*items: Any, **lists: Any) -> bytes:
    """Return a body with these messages."""
    return envelope(value(messages=list(items), **lists))
