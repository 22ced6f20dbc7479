"""What PostgreSQL cannot store, in a customer's words: cleaned at the door, answered, in nobody's way."""

import json

import pytest

from connections.models import InboundEvent
from messaging.models import Contact, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db


def body(text: str, *, wamid: str, name: str = "Ngozi") -> bytes:
    """A webhook with this JSON text, escapes as they are written here."""
    payload = whatsapp.text("TEXT", wamid=wamid, name="NAME")
    return json.dumps(payload).replace("TEXT", text).replace("NAME", name).encode()


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (r"What time \u0000do you open?", "What time do you open?"),
        (r"What time \ud83ddo you open?", "What time do you open?"),
        (r"What time \uDE00do you open?", "What time do you open?"),
        (r"\ude00\ud83d What time do you open?", "What time do you open?"),
        (r"What time do you open? \ud83d\ude00", "What time do you open? 😀"),
        (r"What time do you open? \\u0000", "What time do you open? \\u0000"),
        (r"What time do you open? \\ud83d", "What time do you open? \\ud83d"),
        ("What time do you open? % %s '\\\\", "What time do you open? % %s '\\"),
    ],
)
def test_a_customers_text_is_cleaned_stored_and_answered(
    way: Way, written: str, stored: str
) -> None:
    assert way.post(body(written, wamid="wamid.1", name=written)).status_code == 200
    way.work()

    with scope.workspace(way.space):
        said = Message.objects.get(direction="in")
        assert said.text.strip() == stored
        assert Contact.objects.get().name.strip() == stored[:100].strip()
    with scope.system():
        assert set(InboundEvent.objects.values_list("state", flat=True)) == {"done"}
    assert [m["text"]["body"] for m in way.api.messages] == [
        "We open 9am to 6pm, Monday to Saturday."
    ]


@pytest.mark.parametrize("raw", [b"\xed\xa0\xbd", b"\x00", b"\xff"])
def test_bytes_that_are_no_text_are_refused_or_cleaned_and_hold_nobody_up(
    way: Way, raw: bytes
) -> None:
    broken = body("TEXTS", wamid="wamid.1").replace(b"TEXTS", b"a" + raw + b"b")

    assert way.post(broken).status_code in (200, 400)
    way.say("What time do you open?", wamid="wamid.2")

    with scope.system():
        assert set(InboundEvent.objects.values_list("state", flat=True)) == {"done"}
    assert way.api.messages
