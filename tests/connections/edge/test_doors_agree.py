"""The front door and the view give the same answers and store the same rows."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import whatsapp
from tests.connections.edge.conftest import RIVAL_NUMBER, RIVAL_SECRET
from tests.connections.edge.doors import Answer, Edge, ask
from tests.house import ROOT, House

pytestmark = pytest.mark.processes
FOLDER = ROOT / "tests" / "fixtures" / "providers"


def bodies() -> list[tuple[str, bytes]]:
    found = [(str(path.relative_to(FOLDER)), path.read_bytes()) for path in _files()]
    lists = [entry for name, body in found for entry in _entries(body)]
    everything = {"object": "whatsapp_business_account", "entry": lists}
    return [*found, ("everything in one", json.dumps(everything).encode()), ("hostile", hostile())]


def hostile() -> bytes:
    """A text with what PostgreSQL stores neither as text nor as JSON."""
    body = json.dumps(whatsapp.text("TEXT", wamid="wamid.hostile", name="TEXT"))
    return body.replace("TEXT", r"a\u0000b\ud83dc\ud83d\ude00").encode()


def _files() -> list[Path]:
    return sorted(FOLDER.rglob("*.json"))


def _entries(body: bytes) -> list[Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return []
    entries = document.get("entry") if isinstance(document, dict) else None
    return entries if isinstance(entries, list) else []


def stored(house: House) -> list[Any]:
    """Return and remove all that is stored, in order, without what time and chance decide."""
    with psycopg.connect(house.database_url) as owner:
        rows = owner.execute(
            "SELECT workspace_id, connection_id, provider, number_id, kind, key, subject,"
            " conversation_key, lane, payload, state, attempts, error, length(correlation),"
            " received_at = due_at, done_at FROM connections_inboundevent ORDER BY id"
        ).fetchall()
        owner.execute("DELETE FROM connections_inboundevent")
    return list(rows)


def test_both_doors_answer_alike_and_store_the_same_rows(house: House, door: Edge) -> None:
    house.start("web")
    try:
        posts = [
            (name, body, secret)
            for name, body in bodies()
            for secret in (house.secret, RIVAL_SECRET, "nobody's")
        ]
        seen: list[tuple[list[tuple[str, int, bytes]], list[Any]]] = []
        stored(house)
        for url in (house.url, door.url):
            answers = [(name, *post(url, body, secret)) for name, body, secret in posts]
            seen.append((answers, stored(house)))
    finally:
        house.kill("web")

    (view_answers, view_rows), (edge_answers, edge_rows) = seen
    assert len(view_rows) > 150
    assert edge_answers == view_answers
    assert edge_rows == view_rows
    assert "abc😀" in str([row for row in edge_rows if "wamid.hostile" in str(row)])


def test_both_doors_refuse_in_the_same_words(house: House, door: Edge) -> None:
    house.start("web")
    body = json.dumps(whatsapp.text("hi", wamid="wamid.refused")).encode()
    own = json.dumps(whatsapp.text("hi", wamid="wamid.refused", number_id=RIVAL_NUMBER)).encode()
    signed = {"X-Hub-Signature-256": whatsapp.sign(b"{}", house.secret)}
    odd: list[dict[str, Any]] = [
        {"body": body},
        {"body": own, "headers": {"X-Hub-Signature-256": whatsapp.sign(own, house.secret[:-1])}},
        {"body": b"{}", "headers": signed},
        {"body": b"x" * (4 * 1024 * 1024)},
        {"method": "GET"},
        {"method": "GET", "path": "/webhooks/whatsapp/?hub.mode=subscribe&hub.verify_token=x"},
    ]
    try:
        told = [
            [_in_words(ask(url, **question)) for question in odd] for url in (house.url, door.url)
        ]
    finally:
        house.kill("web")

    assert [status for status, _ in told[0]] == [401, 401, 400, 413, 403, 403]
    assert told[1] == told[0]


def post(url: str, body: bytes, secret: str) -> tuple[int, bytes]:
    headers = {"X-Hub-Signature-256": whatsapp.sign(body, secret)}
    while True:
        answer = ask(url, body=body, headers=headers)
        if answer.status != 503:  # the front door rations odd signatures: sent again, as told
            return _in_words(answer)


def _in_words(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body
