"""Updates out of the inbox: once each, in order; a bad one is pushed away and holds nobody up."""

from typing import Any

import pytest

from billing.models import UsageEvent
from connections import inbox
from connections.models import InboundEvent
from lib import clock
from messaging import drain, pipeline
from messaging.models import Contact, Conversation, Message, TraceStep
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"
POISON = "poison this message"


def row(subject: str) -> InboundEvent:
    with scope.system():
        return InboundEvent.objects.get(subject=subject)


def raw(way: Way, item: dict[str, Any], *, sender: str = "2348061112222") -> None:
    payload = whatsapp.text("x", wamid="x", sender=sender)
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["text"]
    message.update(item)
    assert way.post(payload).status_code == 200
    way.work()


def message(way: Way, wamid: str) -> Message:
    with scope.workspace(way.space):
        return Message.objects.get(provider_message_id=wamid)


# --- Once each, in order -----------------------------------------------------------------------


def test_a_second_delivery_changes_nothing(way: Way) -> None:
    for _ in range(3):
        way.say(QUESTION, wamid="wamid.1")

    with scope.workspace(way.space):
        assert Message.objects.filter(direction="in").count() == 1
    assert len(way.api.messages) == 1


def test_the_same_message_under_another_key_is_still_one(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.system():
        first = row("wamid.1")
        first.pk, first.key, first.state = None, "another", "pending"
        first.save(force_insert=True)
    way.work()

    with scope.workspace(way.space):
        assert Message.objects.filter(direction="in").count() == 1
        assert UsageEvent.objects.filter(meter="messages_received").count() == 1


def test_answers_come_in_the_order_of_the_questions(way: Way) -> None:
    for n, text in enumerate([QUESTION, "How much is delivery?", "Can I return fabric?"]):
        way.post(whatsapp.text(text, wamid=f"wamid.{n}"))
    way.work()

    assert [m["text"]["body"][:13] for m in way.api.messages] == [
        "We open 9am t", "Delivery with", "Uncut fabric ",
    ]  # fmt: skip


def test_a_contact_has_one_open_conversation(way: Way) -> None:
    for n in range(3):
        way.say(QUESTION, wamid=f"wamid.{n}")
    with scope.workspace(way.space):
        Conversation.objects.update(state="closed")
    way.say(QUESTION, wamid="wamid.new")

    with scope.workspace(way.space):
        assert sorted(Conversation.objects.values_list("state", flat=True)) == ["closed", "open"]


def test_a_batch_is_drained_in_shares(way: Way) -> None:
    for n in range(5):
        way.post(whatsapp.text("thanks", wamid=f"wamid.{n}"))

    first = drain.run(workspace=way.space, limit=3)
    second = drain.run(workspace=way.space, limit=3)

    assert (first.count, first.has_more, second.count, second.has_more) == (3, True, 2, False)


# --- A bad one ---------------------------------------------------------------------------------


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one text meet a fault of ours, after it has been written."""
    decide = pipeline.decide_all

    def faulty(turns: Any) -> Any:
        decided = decide(turns)
        if any(turn.text == POISON for turn in turns):
            raise RuntimeError("a fault of ours")
        return decided

    monkeypatch.setattr(pipeline, "decide_all", faulty)


def test_one_that_fails_holds_nobody_up_and_ends_as_a_dead_letter(way: Way, poison: None) -> None:
    way.post(whatsapp.text(POISON, wamid="wamid.bad"))
    for n in range(4):
        way.post(whatsapp.text(QUESTION, wamid=f"wamid.{n}", sender=f"234806000000{n}"))
    way.work()

    assert len(way.api.messages) == 4
    waits = []
    for _ in range(4):
        assert row("wamid.bad").state == "pending"
        waits.append((row("wamid.bad").due_at - clock.now()).total_seconds())
        with scope.system():
            InboundEvent.objects.filter(state="pending").update(due_at=clock.now())
        way.work()

    dead = row("wamid.bad")
    assert (dead.state, dead.attempts, dead.error) == ("dead", 5, "RuntimeError")
    assert waits == sorted(waits) and waits[0] > 1
    with scope.workspace(way.space):
        assert not Message.objects.filter(provider_message_id="wamid.bad").exists()
        assert not Contact.objects.filter(phone="+2348061112222").exists()
        assert UsageEvent.objects.filter(meter="messages_received").count() == 4


def test_a_dead_letter_can_be_put_back_in_line(
    way: Way, poison: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.post(whatsapp.text(POISON, wamid="wamid.bad"))
    with scope.system():
        InboundEvent.objects.update(attempts=4)
    way.work()
    assert row("wamid.bad").state == "dead"
    monkeypatch.undo()

    with scope.system():
        replayed = inbox.replay(ids=[row("wamid.bad").pk], now=clock.now())
    way.work()

    assert replayed == 1
    assert row("wamid.bad").state == "done"
    assert message(way, "wamid.bad").text == POISON


ODD_SHAPES: list[Any] = [
    None, [], "x", 3, {}, {"data": []}, {"data": {"sender": "x"}},
    {"data": {"sender": {"phone": 5}}}, {"at": "yesterday", "data": {}},
    {"at": 5, "data": {"type": 7, "text": [], "sender": {"phone": "+2348061112222"}}},
]  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["message", "echo", "status", "system", "preference", "account", "call", "novelty"]
)
def test_a_payload_of_another_shape_ends_quietly(way: Way, kind: str) -> None:
    with scope.system():
        InboundEvent.objects.bulk_create(
            InboundEvent(
                workspace=way.space, connection=way.connection, provider="cloud_api", kind=kind,
                key=f"odd:{n}", payload=payload, received_at=clock.now(), due_at=clock.now(),
            )
            for n, payload in enumerate(ODD_SHAPES)
        )  # fmt: skip

    way.work()

    with scope.system():
        for found in InboundEvent.objects.all():
            assert found.state == "done" or (kind == "status" and "not known" in found.error)


# --- Edits, deletions, other kinds -------------------------------------------------------------


def test_an_edited_message_is_marked_and_its_words_stay(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    raw(way, {"id": "wamid.2", "type": "edit", "edit": {
        "original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "changed"}}}})  # fmt: skip

    original = message(way, "wamid.1")
    assert (original.is_edited, original.text) == (True, QUESTION)


def test_a_deleted_message_is_marked_and_its_words_stay(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    raw(way, {"id": "wamid.2", "type": "revoke", "revoke": {"original_message_id": "wamid.1"}})

    original = message(way, "wamid.1")
    assert (original.is_deleted, original.text) == (True, QUESTION)
    assert len(way.api.messages) == 1


def test_nobody_deletes_another_customers_message_or_ours(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    for target in ("wamid.1", "wamid.OUT1"):
        raw(way, {"id": f"x{target}", "type": "revoke", "revoke": {"original_message_id": target}},
            sender="2348069999999")  # fmt: skip

    assert not message(way, "wamid.1").is_deleted
    assert not message(way, "wamid.OUT1").is_deleted


def test_an_edit_of_a_message_we_never_saw_is_kept_for_the_team(way: Way) -> None:
    raw(way, {"id": "wamid.2", "type": "edit", "edit": {
        "original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "late"}}}})  # fmt: skip

    with scope.workspace(way.space):
        assert Message.objects.filter(kind="edit").count() == 1


def test_a_reply_knows_what_it_replies_to(way: Way) -> None:
    raw(way, {"id": "wamid.2", "type": "text", "text": {"body": QUESTION},
              "context": {"from": "15550783881", "id": "wamid.OUT0"}})  # fmt: skip

    assert message(way, "wamid.2").reply_to_provider_id == "wamid.OUT0"


def test_what_nobody_understands_is_kept_in_the_numbers_log(way: Way) -> None:
    way.post(whatsapp.envelope({"novelty": [{"id": "1"}]}, field="novelties"))
    way.work()

    with scope.system():
        kept = InboundEvent.objects.get()
    assert (kept.kind, kept.state) == ("unsupported", "done")


# --- Walls and budgets -------------------------------------------------------------------------


def test_a_drain_of_one_workspace_touches_nothing_of_another(way: Way, rival: Workspace) -> None:
    way.post(whatsapp.text(QUESTION, wamid="wamid.1"))

    assert drain.run(workspace=rival).count == 0
    assert row("wamid.1").state == "pending"


def test_an_answered_question_costs_few_queries(
    way: Way, django_assert_max_num_queries: Any
) -> None:
    way.say(QUESTION, wamid="wamid.0")
    way.post(whatsapp.text("How much is delivery?", wamid="wamid.1"))

    with django_assert_max_num_queries(60):
        drain.run(workspace=way.space)

    with scope.workspace(way.space):
        assert TraceStep.objects.filter(message__provider_message_id="wamid.1").count() == 15
