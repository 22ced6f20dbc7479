"""Jobs of the connections room."""

import contextlib

from celery import shared_task

from connections import leases, manager, outbox, pacing, sender, sweep, watchdog
from connections.linked import supervising
from connections.models import Connection
from connections.providers.base import ProviderError
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


@shared_task(name="connections.supervise", queue="housekeeping")
def supervise(**_: object) -> None:
    """Look after linked phones: plans, what was not told, incidents, silence."""
    supervising.look(now=clock.now())


@shared_task(name="connections.reconnect_all", queue="housekeeping")
def reconnect_all(**_: object) -> None:
    """Try once more, at the start of the workers, the linked phones that rest."""
    supervising.reconnect_all(now=clock.now())


@shared_task(name="connections.probe", queue="housekeeping")
def probe(*, workspace_id: int, connection_id: int, **_: object) -> None:
    """Ask WhatsApp for a sign of life on a number's line; the engine renews one that gives none."""
    space = registry.by_id(workspace_id)
    if space is None:
        return
    with scope.workspace(space):
        connection = Connection.objects.filter(workspace=space, pk=connection_id).first()
        if connection is not None:
            with contextlib.suppress(ProviderError):  # it is in the number's log
                manager.check(connection=connection, now=clock.now())
