"""Jobs of the faqs room."""

import logging
import threading
import time
from datetime import timedelta

from celery import shared_task
from django.db import DatabaseError

from faqs import versions
from faqs.engine.features import UnableToEncode
from lib import clock, events, jobs
from workspaces import alarms, registry, scope

_log = logging.getLogger(__name__)
_TROUBLE = timedelta(minutes=5)


@shared_task(name=versions.TRAIN, queue="housekeeping")
def train(*, workspace_id: int, **_: object) -> None:
    """Learn a workspace's entries after a change."""
    jobs.begun(f"train:{workspace_id}")
    _learn_all(first=workspace_id)


@shared_task(name="faqs.train_due", queue="housekeeping")
def train_due(**_: object) -> None:
    """Learn what a lost wake-up, or a crash in the middle, left behind."""
    _learn_all()


# After an update of the program a thousand workspaces may be due: the process's other threads
# are for floods, and this one looks up now and then.
_learning = threading.Lock()
_TURN_SECONDS = 60.0


def _learn_all(first: int | None = None) -> None:
    """Learn what is due, one workspace after the other; who comes meanwhile leaves it to this."""
    until = time.monotonic() + _TURN_SECONDS
    waiting = [first] if first is not None else _due()
    left_alone: set[int] = set()
    # Who was turned away may have come after the last look: hence another one after the turn.
    while waiting and _learning.acquire(blocking=False):
        try:
            while waiting and time.monotonic() < until:
                workspace_id = waiting.pop(0)
                if not _learn(workspace_id):
                    left_alone.add(workspace_id)
                waiting = waiting or [pk for pk in _due() if pk not in left_alone]
        finally:
            _learning.release()
        if time.monotonic() >= until:
            return
        waiting = [pk for pk in _due() if pk not in left_alone]


def _due() -> list[int]:
    with scope.system():
        return alarms.due(kind=versions.ALARM, now=clock.now())


def _learn(workspace_id: int) -> bool:
    """Learn a workspace's entries; False when that is left to others, or to later."""
    # The encoder takes memory that processes without this task can do without.
    from faqs import learning

    space = registry.by_id(workspace_id)
    if space is None:
        return False
    try:
        return learning.train(workspace=space, now=clock.now())
    except UnableToEncode:
        pass  # answers are found by words here (faqs.shelf); another machine may have the model
    except (DatabaseError, MemoryError, ValueError, ArithmeticError) as error:
        # One in trouble keeps nobody else waiting; its old model answers.
        _log.exception("faqs.training.failed")
        events.publish(
            "faqs.training.failed",
            workspace=workspace_id,
            meta={"error": type(error).__name__},
            level=logging.WARNING,
        )
    _put_off(workspace_id)
    return False


def _put_off(workspace_id: int) -> None:
    with scope.system():
        alarms.put_off(workspace_id=workspace_id, kind=versions.ALARM, until=clock.now() + _TROUBLE)
