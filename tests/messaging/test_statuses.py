"""What became of our messages: a lattice, so that any order of the same news ends alike."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from billing import metering, meters, plans, reports
from billing.models import UsageEvent
from connections import sender
from connections.models import InboundEvent, OutboundJob
from lib import clock
from messaging import drain, statuses, trace
from messaging.desk import Desk
from messaging.models import Contact, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"
RANK = ["sent", "failed", "delivered", "read"]


def reply(way: Way) -> Message:
    with scope.workspace(way.space):
        return Message.objects.select_related("conversation").filter(direction="out").latest("id")


def status(way: Way, word: str, **options: Any) -> None:
    way.post(whatsapp.status("wamid.OUT1", word, **options))


def sent_today(way: Way) -> int:
    today = clock.local_day(clock.now(), way.space.time_zone)
    with scope.workspace(way.space):
        rows = reports.by_day(workspace=way.space, first=today, last=today)
    return reports.totals(rows)["messages_sent"]


def tell(space: Workspace, wamid: str, *words: str) -> list[InboundEvent]:
    """Let the provider say these in one batch; return what speaks of no message of ours."""
    events = [
        InboundEvent(
            pk=n, kind="status", subject=wamid, received_at=clock.now(),
            payload={"at": clock.now().isoformat(),
                     "data": {"status": word, "opaque": "1", "errors": [{"code": 131026}]}},
        )
        for n, word in enumerate(words, start=1)
    ]  # fmt: skip
    desk = Desk(workspace=space, now=clock.now())
    _, unknown = statuses.record_all(desk, events)
    desk.close()
    return unknown


def test_every_order_of_news_ends_at_the_highest(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    original = reply(way)
    orders = [order for size in (1, 2, 3, 4) for order in permutations(RANK, size)]

    for order in orders:
        wamid = "wamid." + "-".join(order)
        original.pk, original.provider_message_id, original.status = None, wamid, "queued"
        original.sent_at = None
        with scope.workspace(way.space):
            original.save(force_insert=True)
            for word in order:
                tell(way.space, wamid, word)
            message = Message.objects.get(provider_message_id=wamid)
        highest = max(order, key=RANK.index)
        assert (order, message.status) == (order, highest)
        assert (order, bool(message.error)) == (order, highest == "failed")
        assert bool(message.delivered_at) == ("delivered" in order)
        assert bool(message.read_at) == ("read" in order)


def test_every_order_of_news_in_one_batch_ends_there_too(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    original = reply(way)
    orders = [order for size in (2, 3, 4) for order in permutations(RANK, size)]

    for order in orders:
        wamid = "wamid.together." + "-".join(order)
        original.pk, original.provider_message_id, original.status = None, wamid, "queued"
        original.sent_at = None
        with scope.workspace(way.space):
            original.save(force_insert=True)
            tell(way.space, wamid, *order)
            message = Message.objects.get(provider_message_id=wamid)
        highest = max(order, key=RANK.index)
        assert (order, message.status) == (order, highest)
        assert (order, bool(message.error)) == (order, highest == "failed")
        for word in ("sent", "delivered", "read"):
            assert (order, bool(getattr(message, f"{word}_at"))) == (order, word in order)


@pytest.mark.parametrize(
    ("words", "counted"),
    [(("sent", "delivered", "read"), [1]), (("sent", "failed", "delivered", "read"), [-1, 1])],
)
def test_a_batch_counts_a_message_once_whoever_speaks_of_it(
    way: Way, words: tuple[str, ...], counted: list[int]
) -> None:
    job = send_without_receipt(way)
    for word in words:
        status(way, word, opaque=str(job.pk), code=131026 if word == "failed" else 0)
    release(way)  # our own receipt is among them

    with scope.workspace(way.space):
        quantities = sorted(
            UsageEvent.objects.filter(meter="messages_sent").values_list("quantity", flat=True)
        )
    assert quantities == counted
    assert reply(way).status == "read"


def hold_receipts(way: Way) -> None:
    with scope.system():
        InboundEvent.objects.filter(kind="receipt").update(due_at=clock.now() + timedelta(days=1))


def release(way: Way) -> None:
    with scope.system():
        InboundEvent.objects.filter(state="pending").update(due_at=clock.now())
    way.work()


def send_without_receipt(way: Way) -> OutboundJob:
    """Answer a question; our own news of it is on its way still."""
    way.post(whatsapp.text(QUESTION, wamid="wamid.1"))
    drain.run(workspace=way.space)
    sender.send_due(workspace=way.space, connection_id=way.connection.pk)
    hold_receipts(way)
    with scope.workspace(way.space):
        return OutboundJob.objects.get(message_id__isnull=False)


def test_a_status_that_overtakes_our_own_receipt_counts_once(way: Way) -> None:
    job = send_without_receipt(way)

    status(way, "delivered", opaque=str(job.pk))
    way.work()
    early = reply(way)
    release(way)

    assert (early.status, early.provider_message_id) == ("delivered", "wamid.OUT1")
    assert reply(way).status == "delivered"
    assert sent_today(way) == 1


@pytest.mark.parametrize("first", ["receipt", "status"])
def test_a_failed_message_is_off_the_meter_whoever_speaks_first(way: Way, first: str) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
    job = send_without_receipt(way)
    if first == "receipt":
        release(way)
    status(way, "failed", code=131026, opaque=str(job.pk))
    way.work()
    release(way)

    with scope.workspace(way.space):
        quantities = sorted(
            UsageEvent.objects.filter(meter="messages_sent").values_list("quantity", flat=True)
        )
        used = metering.used_today(workspace=way.space, meter=meters.MESSAGES_SENT, now=clock.now())
    assert quantities == [-1, 1]
    assert used == 0
    assert reply(way).status == "failed"


def test_a_failed_message_calls_a_person_and_says_why(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    status(way, "failed", code=131047)
    way.work()

    message = reply(way)
    assert (message.error_code, message.conversation.needs_person) == ("window_closed", True)
    assert "24 hours" in message.error
    with scope.workspace(way.space):
        story = trace.story(provider_message_id="wamid.1")
    assert story is not None and "24 hours" in story.steps[-1].sentence


def test_a_failure_that_stops_the_number_stops_it_by_status_too(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    status(way, "failed", code=131042)
    way.work()

    with scope.workspace(way.space):
        way.connection.refresh_from_db()
    assert way.connection.is_sending is False


def test_who_stopped_marketing_is_remembered(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    status(way, "failed", code=131050)
    way.work()

    with scope.workspace(way.space):
        assert Contact.objects.get().is_marketing_opted_out


@pytest.mark.parametrize(
    "errors", [None, [], "x", [7], [{}], [{"code": "x"}], {"code": 131047}, [{"code": None}]]
)
def test_a_failure_without_a_readable_reason_is_still_one(way: Way, errors: Any) -> None:
    way.say(QUESTION, wamid="wamid.1")
    payload = whatsapp.status("wamid.OUT1", "failed")
    payload["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"] = errors
    way.post(payload)
    way.work()

    assert reply(way).status == "failed"
    assert reply(way).error


@pytest.mark.parametrize("word", ["played", "deleted", "warning", "held_for_quality_assessment"])
def test_other_words_are_noted_and_take_nothing_back(way: Way, word: str) -> None:
    way.say(QUESTION, wamid="wamid.1")
    status(way, "delivered")
    status(way, word)
    way.work()

    assert reply(way).status in ("delivered", "read")
    with scope.system():
        assert not InboundEvent.objects.exclude(state="done").exists()


def test_a_status_of_a_message_nobody_sent_ends_quietly(way: Way) -> None:
    way.post(whatsapp.status("wamid.UNHEARD", "delivered"))
    for _ in range(6):
        way.work()
        with scope.system():
            InboundEvent.objects.update(due_at=clock.now())

    with scope.system():
        row = InboundEvent.objects.get()
    assert (row.state, row.attempts) == ("done", 4)


def test_a_status_that_comes_before_its_message_is_known_waits_for_it(way: Way) -> None:
    way.post(whatsapp.status("wamid.OUT1", "delivered"))
    way.work()
    way.say(QUESTION, wamid="wamid.1")
    with scope.system():
        InboundEvent.objects.filter(state="pending").update(due_at=clock.now())
    way.work()

    assert reply(way).status == "delivered"


def test_a_status_is_not_taken_for_a_customers_message(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    way.post(whatsapp.status("wamid.1", "failed", code=131047))
    way.work()

    with scope.workspace(way.space):
        assert Message.objects.get(direction="in").status == "received"


def test_a_status_of_another_number_of_ours_changes_nothing_elsewhere(way: Way, rival: Any) -> None:
    way.say(QUESTION, wamid="wamid.1")
    with scope.workspace(rival):
        unknown = tell(rival, "wamid.OUT1", "failed")

    assert len(unknown) == 1

    assert reply(way).status == "sent"


def test_a_moment_that_cannot_be_right_is_replaced_by_ours(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    status(way, "delivered", at=0)
    status(way, "read", at=4_000_000_000)
    way.work()

    message = reply(way)
    for moment in (message.delivered_at, message.read_at):
        assert moment is not None and abs((moment - clock.now()).total_seconds()) < 60
