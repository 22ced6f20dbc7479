"""A linked phone whose line is away: its messages wait, cost nothing, and go when it is back."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from connections import lifecycle, sweep
from connections.models import Connection, InboundEvent, OutboundJob, Pacing
from lib import clock
from messaging.models import TraceStep
from tests.connections.providers.vendor import Reply
from tests.messaging.linked_line import ADA, FEE, Line, texts
from workspaces import scope

pytestmark = pytest.mark.django_db
FRIEND = "+2348060000001"
UNKNOWN = Reply(504, {"error": "unknown"})


def leaves(line: Line) -> None:
    line.phone.engine(lease_until=clock.now() - timedelta(hours=1))


def returns(line: Line) -> None:
    """Let the line be there again; nobody has told that it is."""
    line.phone.engine(lease_until=clock.now() + timedelta(hours=1), state="open")


def later(line: Line) -> None:
    """Let the rests and the gaps be over."""
    with scope.system():
        OutboundJob.objects.filter(state="queued").update(due_at=clock.now())
        Connection.objects.update(slow_until=None)
        Pacing.objects.update(arrives_at=clock.now() - timedelta(seconds=9))


def tries(line: Line, count: int) -> None:
    for _ in range(count):
        assert line.send() == []
        later(line)


def answer(line: Line) -> OutboundJob:
    return next(job for job in line.jobs() if job.message_id is not None)


def rest_seconds(line: Line) -> float:
    until = line.phone.read().slow_until
    assert until is not None
    return (until - clock.now()).total_seconds()


def steps(line: Line) -> list[TraceStep]:
    line.drain()
    with scope.workspace(line.space):
        return list(TraceStep.objects.filter(reason__startswith="send_").order_by("pk"))


def begin(line: Line, phone: str = FRIEND) -> int:
    with scope.workspace(line.space):
        return lifecycle.send(
            connection=line.phone.read(), phone=phone, text="Good morning", now=clock.now()
        )


def begun(line: Line) -> list[OutboundJob]:
    return [job for job in line.jobs() if job.is_begun]


# --- What waits ----------------------------------------------------------------------------


def test_an_answer_waits_and_goes_out_when_its_number_is_back(line: Line) -> None:
    line.asks("how much is delivery?")
    leaves(line)

    tries(line, 12)  # more often than any message is tried
    waits = answer(line).state
    returns(line)

    assert waits == "queued"
    assert texts(line.send()) == [(ADA, FEE)]


def test_tries_while_nobody_is_there_count_for_nothing(line: Line) -> None:
    line.asks("how much is delivery?")
    leaves(line)
    tries(line, 7)
    returns(line)
    line.engine.reply = UNKNOWN

    line.send()
    unknown = answer(line)
    sweep.settle(now=clock.now() + timedelta(seconds=40))

    assert (unknown.state, unknown.attempts) == ("unknown", 1)
    assert answer(line).state == "queued"


def test_a_customers_phone_that_has_changed_is_tried_again_also_after_an_absence(
    line: Line,
) -> None:
    line.asks("how much is delivery?")
    leaves(line)
    tries(line, 7)
    returns(line)
    line.engine.reply = Reply(422, {"error": "refused", "code": 479, "detail": None})
    found = []

    for _ in range(5):
        line.send()
        found.append(answer(line).state)
        later(line)

    assert found == ["queued"] * 4 + ["dead"]


def test_the_account_says_once_that_the_line_is_away(line: Line) -> None:
    line.asks("how much is delivery?", phone=None)
    leaves(line)

    for _ in range(6):
        line.send()
        line.drain()
        later(line)

    (step,) = steps(line)
    with scope.system():
        receipts = InboundEvent.objects.filter(kind="receipt").count()
    assert (step.reason, receipts) == ("send_waiting", 1)
    assert "not connected at the moment" in step.sentence


def test_all_that_waits_on_the_number_says_so_with_the_first_try(line: Line) -> None:
    line.phone.change(least_gap_ms=2_000, most_gap_ms=2_000)
    for n in range(3):
        lid = f"20123456789{n:04d}@lid"
        line.asks("how much is delivery?", lid=lid, chat=lid, phone=None, wa_id=f"3AF0{n:012d}")
    leaves(line)

    line.send()
    once = len(steps(line))
    tries(line, 3)

    assert (once, len(steps(line))) == (3, 3)


def test_a_second_absence_after_a_try_is_told_again(line: Line) -> None:
    line.asks("how much is delivery?")
    leaves(line)
    tries(line, 2)
    returns(line)
    line.engine.reply = UNKNOWN
    line.send()
    sweep.settle(now=clock.now() + timedelta(seconds=40))
    leaves(line)
    tries(line, 2)

    assert [s.reason for s in steps(line)] == ["send_waiting", "send_unknown", "send_waiting"]


# --- How often it is tried -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_seconds", "least", "most"), [(1, 1.2, 2.4), (120, 29.0, 31.0), (7_200, 59.0, 60.0)]
)
def test_the_longer_a_message_waits_the_seldomer_it_is_tried(
    line: Line, age_seconds: int, least: float, most: float
) -> None:
    line.asks("how much is delivery?")
    leaves(line)
    tries(line, 1)
    with scope.system():
        OutboundJob.objects.update(created_at=clock.now() - timedelta(seconds=age_seconds))

    line.send()

    assert least <= rest_seconds(line) <= most


def test_the_first_absence_of_an_old_message_is_a_short_one(line: Line) -> None:
    line.asks("how much is delivery?")
    with scope.system():
        OutboundJob.objects.update(created_at=clock.now() - timedelta(hours=2))
    leaves(line)

    line.send()

    assert rest_seconds(line) <= 2.4


def test_a_younger_message_does_not_shorten_the_rest(line: Line) -> None:
    leaves(line)
    for n in range(2):
        lid = f"20123456789{n:04d}@lid"
        line.asks("how much is delivery?", lid=lid, chat=lid, phone=None, wa_id=f"3AF0{n:012d}")
    tries(line, 1)
    with scope.system():
        first = OutboundJob.objects.filter(message_id__isnull=False).order_by("pk").first()
        assert first is not None
        OutboundJob.objects.filter(pk=first.pk).update(created_at=clock.now() - timedelta(hours=2))

    line.send()

    assert rest_seconds(line) > 55


def test_a_line_that_comes_back_lets_all_that_waits_go_at_once_and_in_order(line: Line) -> None:
    line.asks("how much is delivery?")
    line.asks("what time do you open?", wa_id="3AF0000000000002")
    leaves(line)
    tries(line, 1)
    with scope.system():
        OutboundJob.objects.update(created_at=clock.now() - timedelta(hours=2))
    line.send()
    rested = rest_seconds(line)
    line.phone.says("backoff", code="428")
    returns(line)
    line.phone.opens()

    answers = [text for _, text in texts(line.send() + line.send())]

    assert rested > 55
    assert line.phone.read().slow_until is None
    assert answers == [FEE, "We open 9am to 6pm, Monday to Saturday."]


# --- What the business begins --------------------------------------------------------------


def test_a_message_that_the_business_begins_waits_too(line: Line) -> None:
    begin(line)
    leaves(line)
    tries(line, 7)
    waits = begun(line)[0].state
    returns(line)

    assert waits == "queued"
    assert [text for _, text in texts(line.send())] == ["Good morning"]


def test_it_waits_for_a_day_and_says_what_became_of_it(line: Line) -> None:
    begin(line)
    with scope.system():
        OutboundJob.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert line.send() == []
    (job,) = begun(line)
    assert job.state == "failed"
    assert "Write it again" in job.error


def test_a_sign_of_life_that_would_come_too_late_is_given_up(
    line: Line, settings: Settings
) -> None:
    settings.LINKED_DEVICE_TYPING_MS = [1000, 3000]
    line.asks("how much is delivery?", wa_id="3AF0000000000009")
    leaves(line)

    line.send()

    assert [job.state for job in line.jobs() if job.kind == "typing"] == ["failed"]


def test_a_time_lock_cools_the_number_and_leaves_it_on(line: Line) -> None:
    line.engine.reply = Reply(422, {"error": "refused", "code": 463, "detail": None})
    line.asks("how much is delivery?")

    line.send()

    after = line.phone.read()
    assert after.cold_until is not None and after.is_sending
    assert answer(line).state == "failed"


def test_a_time_lock_ends_what_the_business_has_begun_and_leaves_answers_alone(
    line: Line,
) -> None:
    line.phone.change(least_gap_ms=2_000, most_gap_ms=2_000)
    for n in range(3):
        begin(line, f"+23480600000{n:02d}")
    line.asks("how much is delivery?")
    line.engine.reply = Reply(422, {"error": "refused", "code": 463, "detail": None})

    asked = line.send()
    found = begun(line)

    assert len(asked) == 1
    assert [job.state for job in found] == ["failed"] * 3
    assert all("begin no conversations" in job.error for job in found)
    assert answer(line).state == "queued"


def test_what_was_put_while_the_time_lock_came_is_not_tried(line: Line) -> None:
    begin(line)
    line.phone.change(cold_until=clock.now() + timedelta(hours=1))
    line.asks("how much is delivery?")

    asked = line.send()

    assert texts(asked) == [(ADA, FEE)]
    assert [job.state for job in begun(line)] == ["failed"]
