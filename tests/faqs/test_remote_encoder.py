"""A vendor's embedding model in the local encoder's place, and what stands in when it fails."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction

from ai import breaker, embedding
from faqs import entries, identity, learning, search, shelf
from faqs.encoder import chosen
from faqs.encoder.remote import RemoteEncoder
from faqs.engine.features import UnableToEncode
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
WORDS = ("delivery", "deliver", "cost", "open", "close", "hours", "return", "back", "much", "time")


class Vendor:
    """Speaks OpenAI's embeddings API: a number for each known word. Misbehaves as `fault` says."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fault = ""
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                vendor.asked += body["input"]
                status, answer = vendor.answer(body["input"])
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, texts: list[str]) -> tuple[int, bytes]:
        if self.fault == "500":
            return 500, b'{"error": {"message": "no"}}'
        rows = [
            {"object": "embedding", "index": n, "embedding": [0.1, *(float(w in t) for w in WORDS)]}
            for n, t in enumerate(map(str.lower, texts))
        ]
        if self.fault == "short":
            rows = rows[:-1]
        document = {
            "object": "list",
            "data": rows[::-1],  # the order is in `index`
            "model": "m",
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        return 200, json.dumps(document).encode()


@pytest.fixture
def vendor(settings: Any) -> Iterator[Vendor]:
    found = Vendor()
    settings.AI_API_KEY = "key"
    settings.AI_API_BASE = f"http://127.0.0.1:{found.server.server_address[1]}"
    settings.AI_EMBEDDING_MODEL = "openai/test-embedding"
    settings.AI_EMBED_IN_TRANSACTIONS = True
    settings.AI_EMBED_SECONDS = 20.0  # the library's first import takes seconds
    chosen.forget()
    breaker.forget()
    yield found
    chosen.forget()
    breaker.forget()
    found.server.shutdown()


def test_it_encodes_in_the_texts_own_order_and_once(vendor: Vendor) -> None:
    encoder = chosen.shared()

    found = encoder.encode(["delivery cost", "opening hours", "delivery cost", " "])
    again = encoder.encode(["opening hours"])

    assert found.shape == (4, 2 * (1 + len(WORDS)))
    assert (found[0] == found[2]).all() and (found[1] == again[0]).all()
    assert found[0][1] > 0.5 and found[1][1] == 0
    assert vendor.asked == ["delivery cost", "opening hours", "-"]
    assert encoder.encode([]).shape[0] == 0


def test_a_workspace_is_learnt_and_answered_by_it(
    vendor: Vendor, acme: Workspace, now: datetime
) -> None:
    with scope.workspace(acme):
        for question, answer in (
            ("How much is delivery?", "N2,500."),
            ("What time do you open?", "9 to 6."),
            ("Can I return it?", "Yes."),
        ):
            entries.create(question=question, answer=answer, now=now)
        learning.train(workspace=acme, now=now)
        [found] = search.look(acme, ["delivery cost how much"])

    assert found.account["engine"] == "model"
    assert found.nearest[0].answer == "N2,500."
    assert identity.of_models().startswith("api openai/test-embedding/")


@pytest.mark.parametrize("fault", ["500", "short"])
def test_words_stand_in_while_it_fails(
    vendor: Vendor, acme: Workspace, now: datetime, fault: str
) -> None:
    with scope.workspace(acme):
        entries.create(question="How much is delivery?", answer="N2,500.", now=now)
        entries.create(question="What time do you open?", answer="9 to 6.", now=now)
        learning.train(workspace=acme, now=now)
        vendor.fault = fault
        [away] = search.look(acme, ["how much is delivery then"])
        vendor.fault = ""
        [back] = search.look(acme, ["how much is delivery then"])

    assert (away.account["engine"], away.answers[0].answer) == ("words", "N2,500.")
    assert back.account["engine"] == "model"


def test_it_is_not_asked_in_a_transaction(vendor: Vendor, settings: Any) -> None:
    settings.AI_EMBED_IN_TRANSACTIONS = False

    with transaction.atomic(), pytest.raises(UnableToEncode, match="transaction"):
        RemoteEncoder().encode(["how much"])
    assert vendor.asked == []


def test_a_model_that_fails_again_and_again_rests(vendor: Vendor) -> None:
    vendor.fault = "500"
    for n in range(breaker.FAILURES + 3):
        with pytest.raises(embedding.UnableToEmbed):
            embedding.embed([f"text {n}"], seconds=20)

    # The library asks again by itself, within the deadline.
    assert set(vendor.asked) == {f"text {n}" for n in range(breaker.FAILURES)}


def test_without_a_key_there_is_none(settings: Any) -> None:
    settings.AI_EMBEDDING_MODEL, settings.AI_API_KEY = "openai/x", ""
    settings.AI_EMBED_IN_TRANSACTIONS = True
    with pytest.raises(embedding.UnableToEmbed, match="not both set"):
        embedding.embed(["a"], seconds=1)
    assert shelf.usable(search.Current(5, 5)).model == 5  # it may come; words stand in meanwhile
