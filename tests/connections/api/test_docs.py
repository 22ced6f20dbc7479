"""The description keeps what it promises: every address, every field, every answer as it is."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.test import Client

from connections.api import schema, shapes
from connections.api.errors import STATUSES
from connections.api.urls import urlpatterns
from connections.models import Connection
from tests.connections.api.conftest import Program, begin, put, show_code, token_of
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db


def keeps(answer: Mapping[str, Any], name: str) -> None:
    """Assert that an answer is of the shape with this name, and has nothing more."""
    whole = schema.document()["components"]["schemas"]
    shape = whole[name] | {"additionalProperties": False}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(shape, format_checker=checker).validate(answer)


def test_the_description_is_public_and_whole(client: Client) -> None:
    found = client.get("/api/schema/")

    assert found.headers["Content-Type"] == "application/json"
    document = found.json()
    assert document["openapi"].startswith("3.")
    text = json.dumps(document)
    for name in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text):
        assert name in document["components"]["schemas"]
    for each in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(each)
    names = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(names) == len(set(names)) == 4


def test_it_names_the_addresses_that_there_are_and_no_others() -> None:
    real = {
        "/api/" + str(each.pattern).removeprefix("^").removesuffix("/?$") for each in urlpatterns
    }

    assert set(schema.document()["paths"]) == {each for each in real if "whatsapp" in each}


def test_each_address_takes_the_method_that_is_told(acmes: Program) -> None:
    for address, methods in schema.document()["paths"].items():
        (method,) = methods
        other = "post" if method == "get" else "get"
        path = address.removeprefix("/api/")
        assert getattr(acmes, method)(path).status_code in (200, 202), address
        assert getattr(acmes, other)(path).status_code == 405, address


@pytest.mark.parametrize("each", schema.OPERATIONS, ids=lambda each: each.name)
def test_the_examples_are_answers(each: schema.Operation) -> None:
    keeps(each.example, each.answer.__name__)
    assert set(each.refusals) < set(STATUSES)


def test_every_answer_is_as_described(acmes: Program, acme: Workspace) -> None:
    def ask() -> None:
        keeps(acmes.get("whatsapp/status").json(), "Status")
        keeps(acmes.get("whatsapp/qr").json(), "Code")

    ask()
    begun = acmes.post("whatsapp/connect", {})
    assert begun.status_code == 202
    keeps(begun.json(), "Status")
    connection = begin(acme)
    show_code(connection)
    ask()
    show_code(connection, kind="code", value="ABCD1234")
    ask()
    for state in Connection.State:
        put(connection, state=state, phone="+2348031234567", state_reason="x", state_code="y")
        ask()
    keeps(acmes.post("whatsapp/disconnect", {}).json(), "Status")
    keeps(acmes.get("whatsapp/status?connection=9999999").json(), "Error")
    keeps(acmes.get("nothing").json(), "Error")


def test_every_word_is_explained() -> None:
    assert tuple(schema.WORDS) == shapes.WORDS


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if "href" in found:
            self.links.append(found["href"])
        if "src" in found:
            self.sources.append(found["src"])


def test_the_page_is_for_everybody_and_loads_nothing_of_strangers(
    client: Client, settings: Any, client_for: Callable[[User], Client], ada: User
) -> None:
    found = client.get("/api/docs/")

    assert found.status_code == 200
    assert "script-src 'self'" in found.headers["Content-Security-Policy"]
    page = _Page()
    page.feed(found.text)
    assert all(each.startswith("/static/") for each in page.sources)
    assert all(each.startswith(("/", "#")) for each in page.links)
    assert {each[1:] for each in page.links if each.startswith("#")} <= set(page.ids)
    assert client_for(ada).get("/api/docs/").status_code == 200


def test_the_page_tells_every_address_word_error_and_field(client: Client) -> None:
    text = client.get("/api/docs/").text

    for each in schema.OPERATIONS:
        assert f"<code>{each.address}</code>" in text and f'id="{each.name}"' in text
    for word in shapes.WORDS:
        assert f"<code>{word}</code>" in text
    for status, (code, _) in STATUSES.items():
        assert f"<dt>{status} <code>{code}</code></dt>" in text
    for shape in (shapes.Status, shapes.Code, shapes.Connect):
        for name in shape().fields:
            assert f"<code>{name}</code>" in text


@pytest.mark.parametrize("each", schema.OPERATIONS, ids=lambda each: each.name)
def test_the_curl_lines_do_what_they_say(
    client: Client, acme: Workspace, settings: Any, each: schema.Operation
) -> None:
    token = token_of(acme)
    show_code(begin(acme))

    for line in each.samples:
        words = shlex.split(line.replace("\\\n", "").replace("$TOKEN", token))
        assert words.pop(0) == "curl"
        sent: dict[str, list[str]] = {"-H": [], "-X": [], "-d": [], "-fo": []}
        url = words.pop()
        while words:
            name, value = words.pop(0), words.pop(0)
            sent[name].append(value)
        headers = dict(header.split(": ", 1) for header in sent["-H"])
        path = url.removeprefix(settings.BASE_URL)
        assert path.startswith(each.address)
        method = (sent["-X"] or ["POST" if sent["-d"] else "GET"])[0]
        assert method == each.method
        found = client.generic(
            method, path, "".join(sent["-d"]), headers.pop("Content-Type", ""), headers=headers
        )
        assert found.status_code == each.status, line
