"""Two thousand damaged payloads: each is translated or refused, none breaks anything."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from connections.providers import cloud_payloads
from connections.providers.base import UnableToRead
from tests.connections.providers import bodies, contracts

MUTATIONS = 2_000
SEEDS = range(8)
JUNK: list[Any] = [
    None, True, False, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", "\x00", "\ud800",
    "x" * 9_000,
    "NG.123456", "<id>", [], {}, [[]], [None], {"": ""}, {"id": {}}, {"code": "x"}, "2348031234567",
    {"body": ["x"]}, [{"errors": [1]}], "\u202e\U0001f600", "1" * 5_000, {"messages": [{}]},
]  # fmt: skip


def _documents() -> list[Any]:
    found = []
    for path in sorted((contracts.FOLDER / "cloud_api").glob("*/*.json")):
        try:
            found.append(json.loads(path.read_bytes()))
        except ValueError:
            continue
    found.append(json.loads(bodies.messages(*(bodies.text(f"wamid.{n}") for n in range(20)))))
    return found


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Return every (holder, name) in a document."""
    places: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        names = list(holder) if isinstance(holder, dict) else range(len(holder)) if holder else ()
        for name in names:
            places.append((holder, name))
            if isinstance(holder[name], dict | list):
                waiting.append(holder[name])
    return places


def _replace(chance: random.Random, holder: Any, name: Any) -> None:
    holder[name] = copy.deepcopy(chance.choice(JUNK))


def _remove(chance: random.Random, holder: Any, name: Any) -> None:
    del holder[name]


def _double(chance: random.Random, holder: Any, name: Any) -> None:
    holder[name] = [holder[name], holder[name]]


def _bury(chance: random.Random, holder: Any, name: Any) -> None:
    for _ in range(chance.choice([1, 70, 300])):
        holder[name] = [holder[name]]


def _rename(chance: random.Random, holder: Any, name: Any) -> None:
    if isinstance(holder, dict):
        holder[chance.choice(["errors", "contacts", "type", "a\x00b", "id", "\udc00"])] = (
            holder.pop(name)
        )


def _spoil(chance: random.Random, holder: Any, name: Any) -> None:
    if isinstance(holder[name], str):
        at = chance.randint(0, len(holder[name]))
        holder[name] = holder[name][:at] + chance.choice("\x00\ud83d:%#~") + holder[name][at:]


_DAMAGES: list[Callable[[random.Random, Any, Any], None]] = [
    _replace, _replace, _remove, _double, _bury, _rename, _spoil
]  # fmt: skip


def _damaged(chance: random.Random, document: Any) -> bytes:
    document = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        places = _places(document)
        if places:
            chance.choice(_DAMAGES)(chance, *chance.choice(places))
    body = json.dumps(document).encode()
    if chance.random() < 0.1:  # and sometimes the line itself is bad
        at = chance.randint(0, len(body))
        body = body[:at] + bytes([chance.randint(0, 255)]) + body[at + chance.randint(0, 3) :]
    return body


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _strings(part)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def _check(body: bytes) -> int:
    try:
        updates = cloud_payloads.read(body)
    except UnableToRead:
        return 0
    keys = [update.key for update in updates]
    assert len(set(keys)) == len(keys)
    assert keys == [update.key for update in cloud_payloads.read(body)]
    for update in updates:
        assert len(update.key) <= 300
        assert len(update.subject) <= 200 and len(update.conversation_key) <= 200
        assert len(update.number_id) <= 64 and len(update.account_id) <= 64
        payload = json.loads(json.dumps(update.as_payload(), allow_nan=False))
        columns = [update.key, update.subject, update.conversation_key, update.number_id]
        for text in [*_strings(payload), *columns]:
            assert "\x00" not in text
            text.encode()
        assert len(str(update.data.get("text", ""))) <= 65_536
    return len(updates)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_payloads_are_translated_or_refused(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    documents = _documents()

    counts = [
        _check(_damaged(chance, chance.choice(documents))) for _ in range(MUTATIONS // len(SEEDS))
    ]

    # Most of them say something all the same, and nothing needed the safety net.
    assert sum(count > 0 for count in counts) > 0.8 * len(counts)
    assert "could not be translated" not in caplog.text
