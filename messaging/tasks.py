"""Jobs of the messaging room."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError

from connections import inbox
from lib import clock, events, jobs
from messaging import choices, condition, drain, exporting, keeping, recalling, takeover
from workspaces import alarms, registry, scope
from workspaces.models import Workspace

_log = logging.getLogger(__name__)
_TROUBLE, _AGAIN = timedelta(minutes=5), timedelta(minutes=1)
# Who works a lane off stays with it while more keeps coming: a flood that arrives as fast as it is
# answered would else go back, message by message, to the workers that others wait for.
_LOOKS, _LINGER_SECONDS = 3, 0.08


@shared_task(name="messaging.drain", queue="interactive")
def drain_workspace(*, workspace_id: int, lane: int = 0, bulk: bool = False, **_: object) -> None:
    """Drain a batch of a lane; go to the end of the line of `bulk` when more is due.

    So that others get their turn: a workspace's first messages are answered by the workers
    that wait for them, a flood is worked off beside, at a lower priority.
    """
    flood = inbox.line_name(workspace_id, lane, bulk=True)
    if bulk:
        jobs.hold(flood)
    elif not jobs.begun(inbox.line_name(workspace_id, lane), unless=flood):
        return  # left to `bulk` since this stood in line
    space = registry.by_id(workspace_id)
    if space is None:
        return
    if bulk:
        done = drain.take_turn(workspace=space, lane=lane)
        if not done.has_more and not done.is_taken and _comes_more(space, lane):
            done = replace(done, has_more=True)
        drain.hand_on(workspace=space, lane=lane, done=done)
    elif drain.run(workspace=space, lanes=[lane], limit=settings.DRAIN_BATCH).has_more:
        inbox.work_off(workspace_id=workspace_id, lane=lane)


def _comes_more(space: Workspace, lane: int) -> bool:
    """Wait a moment for more in this lane, unless somebody else waits for this thread.

    Never where nobody can tell (another broker than Redis).
    """
    for _ in range(_LOOKS):
        if not jobs.is_light() or jobs.listed_count("bulk"):
            return False
        time.sleep(_LINGER_SECONDS)
        if drain.has_due(workspace=space, lanes=[lane]):
            return True
    return False


@shared_task(name="messaging.finish_choices", queue="interactive")
def finish_choices(*, workspace_id: int, **_: object) -> None:
    """Carry out what a model chose; go to the end of the line of `bulk` when more is there."""
    once = f"choices:{workspace_id}"
    jobs.begun(once)
    space = registry.by_id(workspace_id)
    if space is not None and choices.finish_all(workspace=space):
        jobs.enqueue("messaging.finish_choices", queue="bulk", once=once, workspace_id=workspace_id)


@shared_task(name="messaging.hand_back", queue="housekeeping")
def hand_back(**_: object) -> None:
    """Give conversations back to the bot where the person's time is over."""
    _answer_alarms(takeover.ALARM, takeover.answer_alarm)


@shared_task(name="messaging.recall_due", queue="housekeeping")
def recall_due(**_: object) -> None:
    """Take back what a bot that was switched off had in line, where nobody has done so."""
    _answer_alarms(recalling.ALARM, recalling.answer_alarm)


def _answer_alarms(kind: str, answer: Callable[..., int]) -> None:
    now = clock.now()
    with scope.system():
        due = alarms.due(kind=kind, now=now)
    for workspace_id in due:
        space = registry.by_id(workspace_id)
        try:
            if space is not None:
                with scope.workspace(space):
                    answer(workspace=space, now=now)
        except DatabaseError:
            # One in trouble (being removed, not yet migrated) keeps nobody else waiting.
            _log.exception("messaging.alarm.failed")
            with scope.system():
                alarms.put_off(workspace_id=workspace_id, kind=kind, until=now + _TROUBLE)


@shared_task(name="messaging.keep", queue="housekeeping")
def keep(**_: object) -> None:
    """Look after each workspace once a day, at its own minute."""
    keeping.keep(now=clock.now())


# An export has a thread for so long, then others get their turn.
_EXPORT_SECONDS = 10.0


@shared_task(name=exporting.JOB, queue="housekeeping")
def export(*, workspace_id: int, **_: object) -> None:
    """Go on with a workspace's export."""
    jobs.begun(f"export:{workspace_id}")
    space = registry.by_id(workspace_id)
    if space is None:
        return
    now = clock.now()
    try:
        exporting.advance(workspace=space, now=now, seconds=_EXPORT_SECONDS)
    except Exception as error:
        # Whatever it is, it is tried again a minute later, and given up after some times.
        _log.exception("messaging.export.failed")
        events.publish(
            "messaging.export.failed",
            workspace=workspace_id,
            meta={"error": type(error).__name__},
            level=logging.WARNING,
        )
        with scope.system():
            alarms.put_off(workspace_id=workspace_id, kind=exporting.ALARM, until=now + _AGAIN)


@shared_task(name="messaging.export_due", queue="housekeeping")
def export_due(**_: object) -> None:
    """Go on with exports that a lost wake-up or a crash left behind; delete files of yesterday."""
    with scope.system():
        due = alarms.due(kind=exporting.ALARM, now=clock.now(), limit=50)
    for workspace_id in due:
        jobs.enqueue(
            exporting.JOB,
            queue="housekeeping",
            once=f"export:{workspace_id}",
            workspace_id=workspace_id,
        )


@shared_task(name="messaging.look_around", queue="housekeeping")
def look_around(**_: object) -> None:
    """Note for the status page how each part of the house is."""
    condition.record(now=clock.now())
