"""Jobs of the ai room: the model lane, a queue of its own."""

from typing import Any

from celery import shared_task, signals

from ai import choosing, gateway
from workspaces import registry


@signals.worker_ready.connect
def warm(sender: Any = None, **_: object) -> None:
    """Load the model library before the first customer waits for it."""
    if sender is not None and "ai" in sender.app.amqp.queues.consume_from:
        gateway.warm()


@shared_task(name="ai.choose", queue="ai")
def choose(*, workspace_id: int, call_id: int, **_: object) -> None:
    """Let a model choose among entries."""
    space = registry.by_id(workspace_id)
    if space is not None:
        choosing.ask(workspace=space, call_id=call_id)
