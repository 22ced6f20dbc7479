"""The senders among the workers: they beat while they live, and end without losing a send."""

import atexit
from typing import Any

from celery import signals

from connections import leases
from connections import sender as sending


@signals.worker_init.connect
def begin(sender: Any = None, **_: Any) -> None:
    """Start the heartbeat of a worker that sends."""
    if sender is not None and "send" in sender.app.amqp.queues.consume_from:
        leases.begin()
        # After the threads that still record: until then its claims are in good hands.
        atexit.register(leases.end)


@signals.worker_shutting_down.connect
def end(**_: Any) -> None:
    """Take no more; the turns that run wait for what is in flight."""
    sending.stop()
