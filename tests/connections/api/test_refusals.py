"""What the API says when it does not do what was asked: one form, the right status, a sentence."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import path

from config import errors
from config.urls import urlpatterns as real
from connections.api import access, formats
from connections.models import Connection
from tests.connections.api.conftest import Program, begin, token_of
from workspaces import scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db


def told(found: Any, status: int, code: str) -> str:
    """Assert the one form of a refusal; return its sentence."""
    assert found.status_code == status, found.text
    assert found.headers["Content-Type"] == "application/json"
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["X-Correlation-Id"]
    answer = found.json()
    assert list(answer) == ["error"] and list(answer["error"]) == ["code", "message"]
    assert answer["error"]["code"] == code
    message: str = answer["error"]["message"]
    assert message and "<" not in message
    return message


@pytest.mark.parametrize(
    "body",
    ["{", "[1", "nul", '{"a": NaN}', b"\xff\xfe", "[" * 5_000, "1" * 5_000, '{"a":' * 2_000],
)
def test_what_is_no_json_is_refused(acmes: Program, body: str | bytes) -> None:
    told(acmes.post("whatsapp/connect", body), 400, "unreadable")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([1], "Invalid data"),
        ("text", "Invalid data"),
        ({"method": "fax"}, "method:"),
        ({"method": ["qr"]}, "method:"),
        ({"method": {"a": 1}}, "method:"),
        ({"connection": "seven"}, "connection:"),
        ({"connection": 0}, "connection:"),
        ({"connection": 2**63}, "connection:"),
        ({"connection": True}, "connection:"),
        ({"connection": [1]}, "connection:"),
        ({"phone": True}, "phone:"),
        ({"phone": {}}, "phone:"),
        ({"phone": "12"}, "phone: That number is too short"),
        ({"phone": "1" * 41}, "phone:"),
        ({"phone": "0803\x00"}, "phone:"),
        ({"phone": "\ud800"}, "phone:"),
        ({"method": "code"}, "phone: Type a phone number"),
        ({"another": "perhaps"}, "another:"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_the_fields_name(
    acmes: Program, acme: Workspace, body: Any, words: str
) -> None:
    message = told(acmes.post("whatsapp/connect", json.dumps(body)), 400, "invalid")

    assert words in message
    with scope.system():
        assert not Connection.objects.filter(workspace=acme).exists()


@pytest.mark.parametrize("query", ["connection=x", "connection=0", "connection=-1", "connection=9e9", "connection=%00"])  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(acmes: Program, query: str) -> None:
    told(acmes.get(f"whatsapp/status?{query}"), 400, "invalid")


def test_every_address_answers_with_and_without_a_slash(acmes: Program) -> None:
    for slash in ("", "/"):
        assert acmes.get(f"whatsapp/status{slash}").status_code == 200
        assert acmes.get(f"whatsapp/qr{slash}").status_code == 200
        assert acmes.post(f"whatsapp/connect{slash}", {}).status_code == 202
        assert acmes.post(f"whatsapp/disconnect{slash}", {}).status_code == 200
        assert acmes.get(f"docs{slash}").status_code == 200
        assert acmes.get(f"schema{slash}").status_code == 200


@pytest.mark.parametrize("address", ["", "nothing", "whatsapp/", "whatsapp/qr/more", "schema//"])
def test_an_address_that_is_none_is_told_in_json(acmes: Program, address: str) -> None:
    told(acmes.get(address), 404, "not_found")


def test_other_pages_keep_their_own_errors(client: Client) -> None:
    found = client.get("/apix")

    assert found.status_code == 404 and found.headers["Content-Type"].startswith("text/html")


def test_a_method_that_is_none_is_refused_and_the_right_ones_named(acmes: Program) -> None:
    found = acmes.get("whatsapp/connect")
    told(found, 405, "method_not_allowed")
    assert "POST" in found.headers["Allow"]
    for method in ("put", "patch", "delete", "options"):
        sent = getattr(acmes.client, method)("/api/whatsapp/status", headers=acmes.headers)
        told(sent, 405, "method_not_allowed")
    assert acmes.client.head("/api/whatsapp/status", headers=acmes.headers).status_code == 200
    for address in ("docs", "schema"):
        refused = Client(enforce_csrf_checks=True).post(f"/api/{address}")
        told(refused, 405, "method_not_allowed")
        assert refused.headers["Allow"] == "GET, HEAD"


def test_a_format_that_is_none_is_refused(acmes: Program) -> None:
    for found in (
        acmes.get("whatsapp/status?format=svg"),
        acmes.get("whatsapp/qr?format=png"),
        acmes.get("whatsapp/qr", Accept="image/png"),
        acmes.post("whatsapp/connect?format=xml", {}),
    ):
        told(found, 406, "not_acceptable")
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert acmes.get("whatsapp/qr", Accept=browser).json()["qr"] is None


def test_forms_are_read_and_other_bodies_are_not(acmes: Program, acme: Workspace) -> None:
    form = acmes.post("whatsapp/connect", "method=qr", kind="application/x-www-form-urlencoded")
    assert form.status_code == 202
    parts = acmes.client.post("/api/whatsapp/connect", {"method": "qr"}, headers=acmes.headers)
    assert parts.status_code == 202
    for kind in ("text/plain", "application/xml", "nonsense"):
        told(acmes.post("whatsapp/connect", "{}", kind=kind), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    [
        "application/json", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=BoUnDaRy",
    ],
)  # fmt: skip
def test_a_large_body_is_refused(acmes: Program, kind: str) -> None:
    body = json.dumps({"phone": "1" * formats.MOST_BYTES})

    told(acmes.post("whatsapp/connect", body, kind=kind), 413, "too_large")


def test_a_broken_multipart_body_is_refused(acmes: Program) -> None:
    found = acmes.post("whatsapp/connect", "x", kind="multipart/form-data; boundary=")

    assert found.status_code == 400 and found.json()["error"]["code"] in ("invalid", "unreadable")


def test_a_token_is_asked_for_before_anything_is_told(acme: Workspace) -> None:
    connection = begin(acme)
    nobody = Program("")

    for found in (
        nobody.get("whatsapp/status"),
        nobody.get(f"whatsapp/qr?connection={connection.pk}"),
        nobody.get("whatsapp/qr?format=svg"),
        nobody.post("whatsapp/connect", "{", kind="application/json"),
        nobody.post("whatsapp/disconnect", {"connection": 10**30}),
    ):
        told(found, 401, "token_missing")
        assert found.headers["WWW-Authenticate"] == 'Bearer realm="Backroom"'


def test_a_signed_in_person_without_a_token_is_nobody(
    client_for: Callable[[User], Client], ada: User, sam: User
) -> None:
    for person in (ada, sam):
        client = client_for(person)
        told(client.get("/api/whatsapp/status"), 401, "token_missing")
        told(client.post("/api/whatsapp/connect"), 401, "token_missing")


def test_a_program_needs_no_csrf_token(acmes: Program, acme: Workspace) -> None:
    client = Client(enforce_csrf_checks=True)

    found = client.post("/api/whatsapp/connect", headers=acmes.headers)

    assert found.status_code == 202


def test_a_mistake_of_ours_is_told_in_json_and_in_no_detail(settings: Any, acme: Workspace) -> None:
    settings.ROOT_URLCONF = __name__

    message = told(Client(raise_request_exception=False).get("/api/broken"), 500, "server_error")

    assert "secret of acme" not in message and "X-Correlation-Id" in message


def _broken(request: Any) -> Any:
    raise RuntimeError("secret of acme")


urlpatterns = [path("api/broken", _broken), *real]
handler500 = errors.broken


# --- How often -----------------------------------------------------------------------------


def test_who_asks_too_often_is_told_when_to_come_back(acmes: Program, acme: Workspace) -> None:
    for _ in range(10):
        assert acmes.post("whatsapp/connect", {"method": "fax"}).status_code == 400

    found = acmes.post("whatsapp/connect")

    told(found, 429, "too_many_requests")
    assert 1 <= int(found.headers["Retry-After"]) <= 60
    assert acmes.get("whatsapp/status").status_code == 200
    assert Program(token_of(acme)).post("whatsapp/connect").status_code == 202


def test_reading_has_a_limit_of_its_own(acmes: Program, rivals: Program) -> None:
    for _ in range(120):
        assert acmes.get("whatsapp/qr").status_code == 200

    told(acmes.get("whatsapp/status"), 429, "too_many_requests")
    assert acmes.post("whatsapp/connect").status_code == 202
    assert rivals.get("whatsapp/status").status_code == 200


@pytest.fixture
def at_redis(settings: Any) -> Any:
    """Count in a Redis at this address instead of in memory."""

    def use(url: str) -> None:
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": url,
                "KEY_PREFIX": "bk-test-api",
                "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
            }
        }

    access._Throttle._away_until = 0.0
    yield use
    access._Throttle._away_until = 0.0


def test_a_real_redis_counts(acmes: Program, at_redis: Any) -> None:
    at_redis(os.environ["REDIS_URL"])
    cache.clear()

    answers = [acmes.post("whatsapp/connect", {"method": "fax"}).status_code for _ in range(12)]

    assert answers == [400] * 10 + [429] * 2


def test_without_redis_there_is_no_limit_but_an_api(acmes: Program, at_redis: Any) -> None:
    at_redis("redis://127.0.0.1:1/0")

    answers = {acmes.get("whatsapp/status").status_code for _ in range(130)}

    assert answers == {200}
