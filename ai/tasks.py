"""Jobs of the ai room: the model lane, a queue of its own."""

from celery import shared_task

from ai import choosing
from workspaces import registry


@shared_task(name="ai.choose", queue="ai")
def choose(*, workspace_id: int, call_id: int, **_: object) -> None:
    """Let a model choose among entries."""
    space = registry.by_id(workspace_id)
    if space is not None:
        choosing.ask(workspace=space, call_id=call_id)
