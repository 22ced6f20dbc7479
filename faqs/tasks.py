"""Jobs of the faqs room."""

import logging
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
    _train(workspace_id)


@shared_task(name="faqs.train_due", queue="housekeeping")
def train_due(**_: object) -> None:
    """Learn what a lost wake-up, or a crash in the middle, left behind."""
    with scope.system():
        due = alarms.due(kind=versions.ALARM, now=clock.now())
    for workspace_id in due:
        _train(workspace_id)


def _train(workspace_id: int) -> None:
    # The encoder takes memory that processes without this task can do without.
    from faqs import learning

    space = registry.by_id(workspace_id)
    if space is None:
        return
    now = clock.now()
    try:
        learning.train(workspace=space, now=now)
    except UnableToEncode:
        # Answers are found by words here (faqs.shelf); another machine may have the model.
        _put_off(workspace_id)
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


def _put_off(workspace_id: int) -> None:
    with scope.system():
        alarms.put_off(workspace_id=workspace_id, kind=versions.ALARM, until=clock.now() + _TROUBLE)
