"""Interactive messages (buttons, lists, links) with the vendor's limits."""

from connections.simulator.errors import GraphError
from connections.simulator.records import Json

_BODY_LIMIT = {"list": 4096}


def _invalid(details: str) -> GraphError:
    return GraphError(131009, details)


def _string(holder: Json, name: str, path: str, limit: int) -> str:
    value = holder.get(name)
    if value is None:
        raise GraphError(131008, f"The parameter {path} is missing.")
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise _invalid(f"{path} length invalid. Min length: 1, Max length: {limit}")
    return value


def _object(holder: Json, name: str, path: str) -> Json:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise GraphError(131008, f"The parameter {path} is missing.")
    return value


def check(content: Json) -> str:
    """Check `interactive` and return its body's text. Raises GraphError."""
    kind = content.get("type")
    if not isinstance(kind, str):
        raise GraphError(131008, "The parameter interactive['type'] is missing.")
    if kind in ("product", "product_list", "catalog_message", "call_permission_request"):
        body = content.get("body")
        return str(body.get("text", "")) if isinstance(body, dict) else f"[{kind}]"
    body = _object(content, "body", "interactive['body']")
    text = _string(body, "text", "Body text", _BODY_LIMIT.get(kind, 1024))
    _header_and_footer(content)
    action = _object(content, "action", "interactive['action']")
    checks = {
        "button": _buttons,
        "list": _list,
        "cta_url": _link,
        "location_request_message": _location_request,
        "request_contact_info": _anything,
        "flow": _flow,
        "voice_call": _anything,
    }
    if kind not in checks:
        raise GraphError(
            100, message=f"(#100) Param interactive['type'] is not a known type - got \"{kind}\"."
        )
    checks[kind](action)
    return text


def _header_and_footer(content: Json) -> None:
    if content.get("header") is not None:
        header = _object(content, "header", "interactive['header']")
        if header.get("type") == "text":
            _string(header, "text", "Header text", 60)
        elif header.get("type") not in ("image", "video", "document"):
            raise _invalid("Header type must be text, image, video or document.")
    if content.get("footer") is not None:
        _string(_object(content, "footer", "interactive['footer']"), "text", "Footer text", 60)


def _buttons(action: Json) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise _invalid("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    ids, titles = [], []
    for button in buttons:
        if not isinstance(button, dict) or button.get("type", "reply") != "reply":
            raise _invalid("Button type must be reply.")
        reply = _object(button, "reply", "button['reply']")
        ids.append(_string(reply, "id", "Button id", 256))
        titles.append(_string(reply, "title", "Button title", 20))
    if len(set(ids)) < len(ids):
        raise _invalid("Button ids must be unique.")
    if len(set(titles)) < len(titles):
        raise _invalid("Button titles must be unique.")


def _list(action: Json) -> None:
    _string(action, "button", "List button", 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise _invalid("Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    ids: list[str] = []
    for section in sections:
        rows = section.get("rows") if isinstance(section, dict) else None
        if not isinstance(rows, list) or not rows:
            raise _invalid("A section must have at least one row.")
        if len(sections) > 1 or section.get("title"):
            _string(section, "title", "Section title", 24)
        for row in rows:
            if not isinstance(row, dict):
                raise _invalid("A row must be an object.")
            ids.append(_string(row, "id", "Row id", 200))
            _string(row, "title", "Row title", 24)
            if row.get("description"):
                _string(row, "description", "Row description", 72)
    if len(ids) > 10:
        raise _invalid("Total row count exceed max allowed count: 10")
    if len(set(ids)) < len(ids):
        raise _invalid("Row ids must be unique.")


def _link(action: Json) -> None:
    if action.get("name") != "cta_url":
        raise _invalid("action['name'] must be cta_url.")
    parameters = _object(action, "parameters", "action['parameters']")
    _string(parameters, "display_text", "Display text", 20)
    url = _string(parameters, "url", "URL", 2000)
    if not url.startswith(("https://", "http://")):
        raise _invalid("The URL is not valid.")


def _location_request(action: Json) -> None:
    if action.get("name") != "send_location":
        raise _invalid("action['name'] must be send_location.")


def _flow(action: Json) -> None:
    parameters = _object(action, "parameters", "action['parameters']")
    if not parameters.get("flow_id") and not parameters.get("flow_name"):
        raise GraphError(131008, "The parameter flow_id or flow_name is missing.")


def _anything(action: Json) -> None:
    """These carry nothing that we could check."""
