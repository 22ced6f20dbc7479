"""Message templates, as many as a client needs to list, make and send one."""

import re

from connections.simulator.errors import GraphError
from connections.simulator.records import Json, Number

_HELLO: Json = {
    "id": "1000000000000001",
    "name": "hello_world",
    "language": "en_US",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [
        {
            "type": "BODY",
            "text": "Welcome and congratulations! This message proves that you can send.",
        }
    ],
}
_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


def listed(number: Number) -> list[Json]:
    """Return the templates of the number's account."""
    return [_HELLO, *number.templates]


def make(body: Json, *, number: Number) -> Json:
    """Make a template (approved at once) and return the vendor's answer. Raises GraphError."""
    name, language, category = (str(body.get(k) or "") for k in ("name", "language", "category"))
    if not name or not language or not category:
        raise GraphError(131008, "A template needs name, language and category.")
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        raise GraphError(100, "A template's name has lower-case letters, digits and _ only.")
    if any(t["name"] == name and t["language"] == language for t in listed(number)):
        raise GraphError(100, "A template of this name and language exists already.")
    components = body.get("components")
    template: Json = {
        "id": str(1000000000000002 + len(number.templates)),
        "name": name,
        "language": language,
        "status": "APPROVED",
        "category": category.upper(),
        "components": components if isinstance(components, list) else [],
    }
    number.templates = [*number.templates, template][-250:]
    return {key: template[key] for key in ("id", "status", "category")}


def find(name: object, language: object, *, number: Number) -> Json | None:
    """Return the template of this name and language."""
    return next(
        (t for t in listed(number) if t["name"] == name and t["language"] == language), None
    )


def check(content: Json, *, number: Number) -> str:
    """Check `template` of a send and return its text. Raises GraphError."""
    language = content.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    if not content.get("name") or not code:
        raise GraphError(131008, "A template needs name and language['code'].")
    template = find(content["name"], code, number=number)
    if template is None:
        details = f"template name ({content['name']}) does not exist in {code}"
        raise GraphError(132001, details)
    text = _text(template, "BODY")
    wanted = list(dict.fromkeys(_PLACE.findall(text)))
    given = _values(content.get("components"))
    if len(given) != len(wanted):
        raise GraphError(
            132000,
            f"body: number of localizable_params ({len(given)}) does not match the expected "
            f"number of params ({len(wanted)})",
        )
    for place, value in zip(wanted, given, strict=True):
        text = re.sub(r"\{\{\s*" + place + r"\s*\}\}", lambda _, v=value: v, text)  # type: ignore[misc]
    return text


def category(content: Json, *, number: Number) -> str:
    """Return the pricing category of a template send."""
    language = content.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    template = find(content.get("name"), code, number=number)
    return str(template["category"]).lower() if template else "utility"


def _text(template: Json, component: str) -> str:
    components = template.get("components")
    for part in components if isinstance(components, list) else []:
        if isinstance(part, dict) and str(part.get("type", "")).upper() == component:
            return str(part.get("text", ""))
    return ""


def _values(components: object) -> list[str]:
    for part in components if isinstance(components, list) else []:
        if isinstance(part, dict) and str(part.get("type", "")).lower() == "body":
            parameters = part.get("parameters")
            return [
                str(p.get("text") or p.get("payload") or "")
                for p in (parameters if isinstance(parameters, list) else [])
                if isinstance(p, dict)
            ]
    return []
