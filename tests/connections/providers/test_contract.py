"""What every registered provider must do with what comes in. A new one adds a fixture folder."""

import json
import time
from typing import Any

import pytest

from connections.events import Kind, Update
from connections.providers import base
from connections.providers.base import Provider
from tests.connections.providers.contracts import SECRET, Contract


def _keys(updates: list[Update]) -> list[str]:
    return [update.key for update in updates]


# --- Who signed ----------------------------------------------------------------------------


def test_a_body_signed_with_the_secret_is_accepted(provider: Provider, contract: Contract) -> None:
    body = contract.body("message")

    assert provider.verify(body=body, headers=contract.signed(body), secret=SECRET)


def test_a_body_signed_by_somebody_else_is_refused(provider: Provider, contract: Contract) -> None:
    body = contract.body("message")
    headers = contract.signed(body, "another-secret")

    assert not provider.verify(body=body, headers=headers, secret=SECRET)


def test_a_changed_body_is_refused(provider: Provider, contract: Contract) -> None:
    body = contract.body("message")
    headers = contract.signed(body)

    assert not provider.verify(body=body + b" ", headers=headers, secret=SECRET)


def test_a_body_written_anew_is_refused(provider: Provider, contract: Contract) -> None:
    body = b'{"text":"Ol\\u00e1 \\ud83d\\ude00"}'
    headers = contract.signed(body)
    rewritten = json.dumps(json.loads(body), ensure_ascii=False).encode()

    assert provider.verify(body=body, headers=headers, secret=SECRET)
    assert not provider.verify(body=rewritten, headers=headers, secret=SECRET)


def test_a_missing_signature_is_refused(provider: Provider, contract: Contract) -> None:
    assert not provider.verify(body=contract.body("message"), headers={}, secret=SECRET)


def test_a_sha1_signature_is_refused(provider: Provider, contract: Contract) -> None:
    body = contract.body("message")

    assert not provider.verify(body=body, headers=contract.sha1(body), secret=SECRET)


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: "",
        lambda value: value[:-1],
        lambda value: value + "0",
        lambda value: value[:-1] + "\u00e9",
        lambda value: value[1:],
        lambda value: value + ", " + value,
        lambda value: "sha256=" + "g" * 64,
        lambda value: "x" * 100_000,
    ],
)
def test_a_damaged_signature_is_refused(
    provider: Provider, contract: Contract, damage: Any
) -> None:
    body = contract.body("message")
    headers = {name: damage(value) for name, value in contract.signed(body).items()}

    assert not provider.verify(body=body, headers=headers, secret=SECRET)


def test_nothing_is_accepted_without_a_secret(provider: Provider, contract: Contract) -> None:
    body = contract.body("message")

    assert not provider.verify(body=body, headers=contract.signed(body, ""), secret="")


# --- What came in --------------------------------------------------------------------------


def test_the_ids_in_a_body_are_found_before_it_is_trusted(
    provider: Provider, contract: Contract
) -> None:
    body = contract.body("message")

    assert set(contract.told["bodies"]["message_ids"]) <= provider.number_ids(body)
    assert set(contract.told["bodies"]["message_ids"]) <= provider.number_ids(body[:-20])


def test_the_search_for_ids_is_bounded(provider: Provider, contract: Contract) -> None:
    many = b",".join(b'{"id":"%d"}' % number for number in range(200_000))
    started = time.monotonic()

    found = provider.number_ids(many + b'"phone_number_id":"' + b" " * 1_000_000)

    assert len(found) <= 64
    assert time.monotonic() - started < 1


def test_a_message_is_read(provider: Provider, contract: Contract) -> None:
    (update,) = provider.read(contract.body("message"))

    assert update.kind is Kind.MESSAGE
    assert update.subject and update.number_id and update.conversation_key
    assert set(update.data) >= {
        "type", "text", "sender", "content", "reply_to", "referral", "errors"
    }  # fmt: skip


def test_a_status_is_read_with_our_own_reference(provider: Provider, contract: Contract) -> None:
    (update,) = provider.read(contract.body("status"))

    assert update.kind is Kind.STATUS
    assert update.data["opaque"] == "some data"
    assert set(update.data) >= {"status", "recipient", "opaque", "errors", "pricing"}


@pytest.mark.parametrize("name", ["message", "status", "unknown_event"])
def test_a_second_delivery_has_the_same_keys(
    provider: Provider, contract: Contract, name: str
) -> None:
    body = contract.body(name)

    assert _keys(provider.read(body)) == _keys(provider.read(body))
    assert all(len(key) <= 300 for key in _keys(provider.read(body)))


def test_an_unknown_event_is_kept_with_its_raw_object(
    provider: Provider, contract: Contract
) -> None:
    (update,) = provider.read(contract.body("unknown_event"))

    assert update.kind is Kind.UNSUPPORTED
    assert update.raw


@pytest.mark.parametrize("body", [b"", b"no", b"\xff\xfe\x00", b"[" * 10_000, b"null", b'"x"'])
def test_what_is_not_the_format_is_unreadable(provider: Provider, body: bytes) -> None:
    with pytest.raises(base.UnableToRead):
        provider.read(body)


def test_another_format_is_unreadable(provider: Provider, contract: Contract) -> None:
    with pytest.raises(base.UnableToRead):
        provider.read(contract.body("not_ours"))
