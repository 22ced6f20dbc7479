"""Everybody's payloads against the running house: alone, batched, shuffled, twice, eight at a time."""

import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from tests import whatsapp
from tests.house import ROOT, House, fetch, wait_until

pytestmark = pytest.mark.processes

FOLDER = ROOT / "tests" / "fixtures" / "providers"


def payloads() -> list[dict[str, Any]]:
    """Return every payload that is valid JSON and an update of WhatsApp."""
    found = []
    for path in sorted(FOLDER.rglob("*.json")):
        if path.name in ("contract.json", "golden.json") or "golden" in path.parts:
            continue
        try:
            read = json.loads(path.read_text())
        except ValueError:
            continue
        if isinstance(read, dict) and ({"entry", "messages", "statuses"} & set(read)):
            found.append(read)
    return found


def post(house: House, body: bytes) -> int:
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": whatsapp.sign(body, house.secret),
    }
    return fetch(house.webhook_url, body=body, headers=headers)[0]


def rows(house: House) -> int:
    """Return how many updates of strangers' payloads are kept."""
    count: int = house.sql("SELECT count(*) FROM connections_inboundevent WHERE kind <> 'receipt'")[
        0
    ][0]
    return count


def test_every_payload_is_kept_once_however_it_comes(house: House) -> None:
    alone = payloads()
    assert len(alone) > 100
    codes: set[int] = {post(house, json.dumps(payload).encode()) for payload in alone}
    assert codes == {200}
    kept = rows(house)

    entries = [e for p in alone if isinstance(p.get("entry"), list) for e in p["entry"]]
    chance = random.Random(7)
    bodies = [json.dumps(payload).encode() for payload in alone] * 2
    for _ in range(2):
        chance.shuffle(entries)
        for start in range(0, len(entries), 20):
            batch = {"object": "whatsapp_business_account", "entry": entries[start : start + 20]}
            bodies.append(json.dumps(batch).encode())
    chance.shuffle(bodies)
    answers: list[int] = []

    def work(part: list[bytes]) -> None:
        for body in part:
            answers.append(post(house, body))

    threads = [threading.Thread(target=work, args=(bodies[k::8],)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(answers) == {200}
    assert rows(house) == kept


def test_broken_bodies_are_refused_and_never_an_error(house: House) -> None:
    before = rows(house)
    broken = [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"entry": [{"changes": [{"value": NaN}]}]}',
        (FOLDER / "cloud_api").joinpath("missing").as_posix().encode(),
        b"\xff\xfe\x00",
    ]
    codes = [post(house, body) for body in broken]

    assert all(code in (200, 400) for code in codes), codes
    assert post(house, b"x" * (4 * 1024 * 1024)) == 413
    assert rows(house) <= before + len(broken)


def test_nothing_of_it_left_an_exception_in_the_log(house: House) -> None:
    wait_until(
        lambda: (
            house.sql(
                "SELECT count(*) FROM connections_inboundevent WHERE state = 'pending' AND attempts = 0"
            )[0][0]
            == 0
        ),
        "all is drained",
        house,
    )
    web, worker = (Path(house.folder, f"{name}.log").read_text() for name in ("web", "worker"))

    assert '"exception"' not in web
    assert "messaging.inbound.failed" not in worker
