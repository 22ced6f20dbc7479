"""The way of a customer's message: webhook, gates, answer, outbox, statuses, meter, trace."""

import pytest

from billing import reports
from billing.models import UsageEvent
from connections.models import InboundEvent, OutboundJob
from lib import clock
from messaging import trace
from messaging.models import Conversation, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db(transaction=False)


def test_a_question_is_answered_with_the_owners_text(way: Way) -> None:
    way.say("How much is delivery?", wamid="wamid.A1")

    sent = way.api.requests[0]
    assert sent["path"].endswith(f"/v26.0/{whatsapp.NUMBER_ID}/messages")
    assert sent["auth"] == "Bearer token"
    assert sent["json"]["to"] == "2348061112222"
    assert sent["json"]["text"]["body"] == "Delivery within Lagos is ₦2,500."
    with scope.workspace(way.space):
        job = OutboundJob.objects.get()
        assert sent["json"]["biz_opaque_callback_data"] == str(job.pk)
        assert Message.objects.get(direction="out").status == "sent"


def test_statuses_climb_and_never_fall(way: Way) -> None:
    way.say("How much is delivery?", wamid="wamid.A1")
    for word in ("read", "delivered", "sent"):
        way.post(whatsapp.status("wamid.OUT1", word))
    way.work()

    with scope.workspace(way.space):
        reply = Message.objects.get(direction="out")
        assert reply.status == "read"
        assert reply.sent_at and reply.delivered_at and reply.read_at


def test_everything_is_metered_once(way: Way) -> None:
    way.say("How much is delivery?", wamid="wamid.A1")
    way.say("How much is delivery?", wamid="wamid.A1")
    way.post(whatsapp.status("wamid.OUT1", "delivered"))
    way.post(whatsapp.status("wamid.OUT1", "delivered"))
    way.work()

    today = clock.local_day(clock.now(), way.space.time_zone)
    with scope.workspace(way.space):
        totals = reports.totals(reports.by_day(workspace=way.space, first=today, last=today))
    assert totals["messages_received"] == totals["messages_sent"] == totals["automation_runs"] == 1
    assert totals["active_numbers"] == 1
    assert len(way.api.messages) == 1


def test_the_trace_tells_the_whole_story(way: Way) -> None:
    way.say("How much is delivery?", wamid="wamid.A1")
    way.post(whatsapp.status("wamid.OUT1", "delivered"))
    way.work()

    with scope.workspace(way.space):
        by_question = trace.story(provider_message_id="wamid.A1")
        by_reply = trace.story(provider_message_id="wamid.OUT1")
    assert by_question is not None and by_reply is not None
    assert [s.pk for s in by_question.steps] == [s.pk for s in by_reply.steps]
    assert [s.reason for s in by_question.steps if s.verdict in ("act", "stop")][:1] == [
        "faq_matched"
    ]
    assert by_question.steps[-1].reason == "delivered"


def test_an_unknown_question_is_handed_over_and_said_once(way: Way) -> None:
    way.say("zebra quantum bicycle insurance?", wamid="wamid.A1")
    way.say("xylophone parliament voltage?", wamid="wamid.A2")

    assert len(way.api.messages) == 1
    assert "colleague" in way.api.messages[0]["text"]["body"]
    with scope.workspace(way.space):
        assert Conversation.objects.get().needs_person


def test_an_update_for_a_number_nobody_has_is_kept(way: Way) -> None:
    way.post(whatsapp.text("hello", wamid="wamid.X", number_id="999"))

    with scope.system():
        kept = InboundEvent.objects.get(number_id="999")
    assert kept.state == "unrouted" and kept.payload is not None


def test_a_failed_status_takes_the_message_off_the_meter(way: Way) -> None:
    way.say("How much is delivery?", wamid="wamid.A1")
    way.post(whatsapp.status("wamid.OUT1", "failed", code=131026))
    way.work()

    with scope.workspace(way.space):
        assert Message.objects.get(direction="out").status == "failed"
        quantities = list(
            UsageEvent.objects.filter(meter="messages_sent")
            .order_by("id")
            .values_list("quantity", flat=True)
        )
    assert quantities == [1, -1]


@pytest.mark.parametrize("signature", ["", "sha256=00", "sha1=" + "0" * 40, "sha256=" + "0" * 64])
def test_a_forged_update_is_refused_and_not_kept(way: Way, signature: str) -> None:
    answer = way.post(whatsapp.text("hello", wamid="wamid.F"), signature=signature)

    assert answer.status_code == 401
    with scope.system():
        assert not InboundEvent.objects.filter(subject="wamid.F").exists()
