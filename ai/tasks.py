"""Jobs of the ai room: the model lane lives in the workers that serve the queue `ai`."""

from typing import Any

from celery import shared_task, signals

from ai import choosing, gateway
from ai.lane import Lane
from lib import jobs

_lanes: list[Lane] = []


@signals.worker_init.connect
def begin(sender: Any = None, **_: object) -> None:
    """Open the lane before the broker is asked for anything: it works without one."""
    if sender is not None and "ai" in sender.app.amqp.queues.consume_from:
        gateway.warm()  # before the first customer waits for the library
        _lanes.append(Lane())
        _lanes[-1].start()


@signals.worker_shutting_down.connect
def stop(**_: object) -> None:
    """Take no more calls."""
    for lane in _lanes:
        lane.stop()


@signals.worker_shutdown.connect
def finish(**_: object) -> None:
    """Settle what is in hand before the process ends."""
    for lane in _lanes:
        lane.finish()


@shared_task(name="ai.choose", queue="ai")
def choose(**_: object) -> None:
    """Look at the line of calls now."""
    jobs.begun(choosing.WAKE)
    for lane in _lanes:
        lane.wake()
