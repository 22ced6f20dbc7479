"""A linked phone's way: batches of its engine in, the FAQ's answer out, at a person's pace."""

import time
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from connections import alarm_clock, manners, outbox, pacing, sender
from connections.models import InboundEvent, OutboundJob
from lib import clock
from messaging import desk, takeover
from messaging.models import Contact, ContactIdentity, Conversation, Message
from tests.messaging.linked_line import ADA, FEE, Line, texts
from workspaces import scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db
PLAIN = "2348098765432@s.whatsapp.net"


def test_a_hidden_number_is_answered_where_it_wrote(line: Line, acme: Workspace) -> None:
    line.asks("how much is delivery?", phone=None)

    assert texts(line.send()) == [(ADA, FEE)]
    with scope.workspace(acme):
        contact = Contact.objects.get()
        kinds = set(ContactIdentity.objects.values_list("kind", "value"))
    assert (contact.phone, contact.name, kinds) == (None, "Ada", {("lid", ADA)})


def test_who_wrote_by_phone_number_is_answered_there_by_the_bot_and_by_a_person(
    line: Line, acme: Workspace, settings: Settings, ada: User
) -> None:
    settings.LINKED_DEVICE_TYPING_MS = [1000, 3000]
    line.asks("how much is delivery?", chat=PLAIN)
    with scope.workspace(acme):
        assert Contact.objects.get().phone and ContactIdentity.objects.filter(value=ADA).exists()
        takeover.reply(
            workspace=acme, conversation_id=Conversation.objects.get().pk, user=ada, text="On us.", now=clock.now(),
        )  # fmt: skip
        OutboundJob.objects.update(due_at=clock.now())

    asked = line.send() + line.send() + line.send()

    assert {body["chat"] for body in asked} == {PLAIN}
    assert {text for _, text in texts(asked)} == {FEE, "On us."}


def test_the_phone_that_is_learnt_later_belongs_to_the_same_customer(
    line: Line, acme: Workspace
) -> None:
    line.asks("how much is delivery?", phone=None)
    mapping = line.event("lid_mapping")
    assert line.post(mapping) == 200
    line.drain()
    line.asks("what time do you open?", wa_id="3AF0000000000002")

    with scope.workspace(acme):
        contact = Contact.objects.get()
        kinds = set(ContactIdentity.objects.values_list("kind", flat=True))
        systems = Message.objects.filter(author="system").count()
    assert (contact.phone, kinds, contact.conflict_with_id) == (
        "+2348098765432", {"lid", "phone"}, None,
    )  # fmt: skip
    assert systems == 0  # nothing has changed for the customer


def test_a_customer_known_by_phone_who_turns_out_to_have_another_contact_is_not_merged(
    line: Line, acme: Workspace
) -> None:
    line.asks("hello", phone=None, lid=None, chat=PLAIN, wa_id="3AF0000000000001")
    line.asks("hello", phone=None, wa_id="3AF0000000000002")
    assert line.post(line.event("lid_mapping")) == 200
    line.drain()

    with scope.workspace(acme):
        assert Contact.objects.count() == 2
        assert Contact.objects.filter(conflict_with__isnull=False).count() == 1


def test_a_second_delivery_is_not_answered_again(line: Line) -> None:
    event = line.event("message", text="how much is delivery?")

    assert [line.post(event, event), line.post(event)] == [200, 200]
    line.drain()

    assert len(texts(line.send())) == 1
    assert line.send() == []


def test_what_nobody_signed_is_refused_and_stored_nowhere(line: Line) -> None:
    status = line.post(line.event("message"), secret="another secret of 32 characters!")

    assert status == 401
    with scope.system():
        assert not InboundEvent.objects.filter(provider="linked_device").exists()


def test_what_the_owner_writes_on_the_phone_takes_the_conversation_over(
    line: Line, acme: Workspace
) -> None:
    line.asks("how much is delivery?")
    line.send()
    assert line.post(line.event("own_message", wa_id="3AF0000000000077")) == 200
    line.drain()
    line.asks("what time do you open?", wa_id="3AF0000000000078")

    assert texts(line.send()) == []
    with scope.workspace(acme):
        assert Conversation.objects.get().holder == "person"
        assert Message.objects.filter(author="phone").get().text == "I take this one."


def test_ticks_come_back_by_our_own_reference(line: Line, acme: Workspace) -> None:
    line.asks("how much is delivery?")
    (body,) = [b for b in line.send() if b["kind"] == "text"]
    for status in ("delivered", "read"):
        told = line.event(
            "status", status=status, opaque=body["opaque"], wa_id="3EB0B4C40000000001", code=None
        )
        assert line.post(told) == 200
    line.drain()

    with scope.workspace(acme):
        assert Message.objects.get(direction="out").status == "read"


def test_a_state_of_the_engine_moves_the_number(line: Line) -> None:
    told = line.event("state", state="logged_out", code=401, reason="device_removed", until=None)

    assert line.post(told) == 200
    line.drain()

    assert line.phone.read().state == "logged_out"


def test_news_that_cannot_be_read_is_in_the_numbers_log_and_answered_by_nobody(
    line: Line,
) -> None:
    assert line.post(line.event("undecryptable")) == 200
    line.drain()

    assert line.send() == []
    with scope.system():
        assert line.phone.connection.events.filter(kind="linked-unreadable").count() == 1


# --- At a person's pace --------------------------------------------------------------------


def test_it_reads_types_and_then_sends(line: Line, settings: Settings) -> None:
    settings.LINKED_DEVICE_TYPING_MS = [1000, 3000]
    line.asks("how much is delivery?", wa_id="3AF0000000000009")

    first = line.send()
    typing, text = line.jobs()
    wait = (text.due_at - typing.due_at).total_seconds()
    with scope.system():
        OutboundJob.objects.filter(pk=text.pk).update(due_at=clock.now())

    assert [(body["kind"], body["chat"]) for body in first] == [("read", ADA), ("typing", ADA)]
    assert first[0]["message_id"] == "3AF0000000000009"
    assert 0.8 <= wait <= 3.0
    assert texts(line.send()) == [(ADA, FEE)]


def test_longer_texts_are_typed_longer_and_none_too_long(settings: Settings) -> None:
    settings.LINKED_DEVICE_TYPING_MS = [1000, 3000]

    short, long = manners.typing_seconds("Yes."), manners.typing_seconds("a" * 4_000)

    assert 0.85 <= short < long <= 3.0


def gaps(line: Line, least: int, most: int) -> None:
    line.phone.change(least_gap_ms=least, most_gap_ms=most)


def claim(line: Line, after_seconds: float) -> list[OutboundJob]:
    with scope.workspace(line.space):
        return outbox.claim_batch(
            workspace=line.space,
            connection_id=line.phone.connection.pk,
            limit=16,
            now=clock.now() + timedelta(seconds=after_seconds),
        ).jobs


def ask_from(line: Line, count: int) -> None:
    for n in range(count):
        lid = f"20123456789{n:04d}@lid"
        line.asks("how much is delivery?", lid=lid, chat=lid, phone=None, wa_id=f"3AF0{n:012d}")


def test_one_message_goes_and_the_next_after_a_gap(line: Line) -> None:
    gaps(line, 2_000, 2_000)
    ask_from(line, 3)

    taken = [len(claim(line, seconds)) for seconds in (0.1, 1.9, 2.2, 4.0, 4.3, 60.0)]

    assert taken == [1, 0, 1, 0, 1, 0]


def test_gaps_are_drawn_anew_within_their_bounds(line: Line) -> None:
    gaps(line, 1_500, 4_000)
    ask_from(line, 8)
    found = []
    moment = 0.1

    for _ in range(7):
        claim(line, moment)
        with scope.workspace(line.space):
            wait = pacing.next_in_seconds(
                connection_id=line.phone.connection.pk,
                now=clock.now() + timedelta(seconds=moment),
            )
        assert wait is not None
        found.append(wait)
        moment += wait + 0.001

    assert all(1.3 <= wait <= 4.0 for wait in found)
    assert len({round(wait, 2) for wait in found}) > 3


def test_marks_do_not_wait_for_the_gap(line: Line, settings: Settings) -> None:
    settings.LINKED_DEVICE_TYPING_MS = [1000, 3000]
    gaps(line, 60_000, 60_000)
    ask_from(line, 2)
    with scope.system():
        OutboundJob.objects.filter(kind="text").update(due_at=clock.now())

    kinds = [job.kind for job in claim(line, 0.1)] + [job.kind for job in claim(line, 0.2)]

    assert sorted(kinds) == ["text", "typing", "typing"]


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds after which the sender wants to be woken."""
    rings: list[float] = []
    monkeypatch.setattr(
        alarm_clock,
        "set_for",
        lambda *, connection_id, workspace_id, seconds: rings.append(seconds),
    )
    return rings


def test_the_sender_sets_itself_an_alarm_for_the_next_and_makes_no_turns_meanwhile(
    line: Line, alarms: list[float]
) -> None:
    gaps(line, 2_000, 2_000)
    ask_from(line, 2)

    has_more = sender.send_due(workspace=line.space, connection_id=line.phone.connection.pk)

    assert not has_more
    assert alarms and all(1.5 <= seconds <= 2.0 for seconds in alarms)


def test_who_could_claim_nothing_looks_again_a_moment_later_at_the_soonest(
    line: Line, alarms: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps(line, 2_000, 2_000)
    ask_from(line, 1)
    monkeypatch.setattr(pacing, "next_in_seconds", lambda **_: 0.0)  # it seems
    line.send()

    sender.send_due(workspace=line.space, connection_id=line.phone.connection.pk)

    assert alarms and min(alarms) >= 0.25


def test_the_alarm_wakes_the_number_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[tuple[int, float]] = []
    monkeypatch.setattr(outbox, "wake", lambda pk, **kwargs: woken.append((pk, time.monotonic())))
    began = time.monotonic()
    for pk, seconds in ((1, 0.3), (2, 0.1), (1, 0.2), (1, 0.9)):
        alarm_clock.set_for(connection_id=pk, workspace_id=1, seconds=seconds)

    while len(woken) < 2 and time.monotonic() - began < 5:
        time.sleep(0.01)

    assert [pk for pk, _ in woken] == [2, 1]
    assert woken[0][1] - began >= 0.1 and woken[1][1] - began >= 0.2


def test_a_number_that_is_newer_than_what_is_remembered_is_heard(
    line: Line, acme: Workspace, settings: Settings
) -> None:
    settings.FACTS_SECONDS = 10.0
    desk.forget(acme)
    line.asks("how much is delivery?", phone=None)  # now the workspace's numbers are remembered
    other = Line(acme, line.engine)
    other.phone.change(phone="+2348099999999", state="connected")

    other.asks("how much is delivery?", wa_id="3AF0000000000009", lid="209999999999999@lid",
               chat="209999999999999@lid", phone=None)  # fmt: skip

    desk.forget(acme)
    with scope.workspace(acme):
        assert Message.objects.filter(direction="in").count() == 2
