"""Jobs of the faqs room."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from celery import shared_task

from faqs import versions
from faqs.engine.features import UnableToEncode
from lib import clock, events, jobs
from workspaces import alarms, registry, scope

_log = logging.getLogger(__name__)
_TROUBLE = timedelta(minutes=5)
_DUE = "faqs.train_due"


# A training takes a thread for seconds; floods, news and linked phones need the others.
_place = threading.Lock()
_is_asked_again = threading.Event()
# After so long the worker may end, or look at what else waits, before the next one.
_ROUND_SECONDS = 20.0


@shared_task(name=versions.TRAIN, queue="housekeeping")
def train(*, workspace_id: int, **_: object) -> None:
    """Learn a workspace's entries after a change."""
    jobs.begun(f"train:{workspace_id}")
    with _one_at_a_time() as is_mine:
        if is_mine:
            _train(workspace_id)


@shared_task(name=_DUE, queue="housekeeping")
def train_due(**_: object) -> None:
    """Learn what a lost wake-up, or a crash in the middle, left behind."""
    jobs.begun(_DUE)
    with _one_at_a_time() as is_mine:
        if not is_mine:
            return
        with scope.system():
            due = alarms.due(kind=versions.ALARM, now=clock.now())
        until = time.monotonic() + _ROUND_SECONDS
        for workspace_id in due:
            if time.monotonic() > until:
                _is_asked_again.set()
                break
            _train(workspace_id)


@contextmanager
def _one_at_a_time() -> Iterator[bool]:
    """Hold this process's only place for a training; what is declined is looked for after it."""
    if not _place.acquire(blocking=False):
        _is_asked_again.set()
        yield False
        return
    _is_asked_again.clear()
    try:
        yield True
    finally:
        _place.release()
        if _is_asked_again.is_set():
            jobs.enqueue(_DUE, queue="housekeeping", once=_DUE)


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
    except Exception as error:
        # One in trouble keeps nobody else waiting, whatever it is; its old model answers.
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
