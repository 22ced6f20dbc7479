"""Jobs of the connections room."""

from celery import shared_task

from connections import leases, outbox, pacing, sender, sweep, watchdog
from connections.models import Connection
from lib import clock, jobs
from workspaces import registry, scope


@shared_task(name="connections.send", queue="send")
def send(
    *, connection_id: int, lane: int = 0, workspace_id: int | None = None, **_: object
) -> None:
    """Send what is due on a connection; go to the end of the line when more is waiting."""
    jobs.begun(outbox.lane_name(connection_id, lane))
    if workspace_id is None:
        with scope.system():
            workspace_id = (
                Connection.objects.filter(pk=connection_id)
                .values_list("workspace_id", flat=True)
                .first()
            )
    space = registry.by_id(workspace_id) if workspace_id else None
    if space is not None and sender.serve(workspace=space, connection_id=connection_id):
        outbox.wake(connection_id, lane=lane, workspace_id=space.pk)


@shared_task(name="connections.erase_payloads", queue="housekeeping")
def erase_payloads(**_: object) -> None:
    """Erase mailbox contents that are past their retention."""
    sweep.erase_payloads(now=clock.now())


@shared_task(name="connections.watch_deliveries", queue="housekeeping")
def watch_deliveries(**_: object) -> None:
    """Flag numbers of which WhatsApp takes messages and delivers none; forget old paces."""
    now = clock.now()
    watchdog.look(now=now)
    with scope.system():
        pacing.forget(now=now)
        leases.prune()
