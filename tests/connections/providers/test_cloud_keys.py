"""What makes an update itself: the same in every delivery, never another one's."""

import pytest

from connections.events import Update
from connections.providers import cloud_payloads
from tests.connections.providers import bodies


def _read_one(body: bytes) -> Update:
    (update,) = cloud_payloads.read(body)
    return update


def test_a_key_does_not_depend_on_the_batch() -> None:
    alone = _read_one(bodies.messages(bodies.text()))
    contacts = [{"wa_id": "2348031234567"}, {"wa_id": "1"}]

    _, again = cloud_payloads.read(
        bodies.messages(bodies.text("wamid.B"), bodies.text(), contacts=contacts)
    )

    assert alone.key == again.key


def test_a_message_without_an_id_has_a_key_of_its_content() -> None:
    ada = bodies.text(None, **{"from": "2348030000001"})
    bola = bodies.text(None, **{"from": "2348030000002"})

    first, second = cloud_payloads.read(bodies.messages(ada, bola, ada))

    assert first.key != second.key
    assert first.key == _read_one(bodies.messages(ada)).key


@pytest.mark.parametrize("identifier", ["wamid.A", None])
def test_two_numbers_never_share_a_key(identifier: str | None) -> None:
    here, there = cloud_payloads.read(
        bodies.envelope(
            bodies.value("1", messages=[bodies.text(identifier)]),
            bodies.value("2", messages=[bodies.text(identifier)]),
        )
    )

    assert here.key != there.key


def test_colons_in_ids_do_not_mix_keys_up() -> None:
    first, second = cloud_payloads.read(
        bodies.envelope(
            bodies.value("1:2", messages=[bodies.text("3")]),
            bodies.value("1", messages=[bodies.text("2:3")]),
        )
    )

    assert first.key != second.key


def test_without_a_number_two_people_never_share_a_key() -> None:
    ada = bodies.text("1", **{"from": "2348030000001"})
    bola = bodies.text("1", **{"from": "2348030000002"})

    assert len(cloud_payloads.read(bodies.dump({"messages": [ada, bola]}))) == 2


def test_long_ids_are_cut_without_becoming_the_same() -> None:
    long = "x" * 5_000
    messages = [
        bodies.text(long + "1", **{"from": long + "1"}),
        bodies.text(long + "2", **{"from": long + "2"}),
    ]

    first, second = cloud_payloads.read(bodies.envelope(bodies.value(long, messages=messages)))

    for name, limit in (
        ("key", 300),
        ("subject", 200),
        ("conversation_key", 200),
    ):
        assert getattr(first, name) != getattr(second, name)
        assert len(getattr(first, name)) <= limit
    assert len(first.number_id) <= 64
