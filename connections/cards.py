"""The numbers of a workspace as its owner sees them: state, log, what waits."""

from dataclasses import dataclass

from django.db.models import Count, Q

from connections.models import Connection, ConnectionEvent, OutboundJob
from workspaces.models import Workspace

_LOG = 8


class UnableToFindConnection(Exception):
    """There is no such number in this workspace."""


_WORDS = {
    "added": "Connected here",
    "renewed": "Access renewed",
    "checked": "Checked: it works",
    "check-failed": "The check failed",
    "paused": "Sending stopped by your team",
    "resumed": "Sending resumed by your team",
    "slowed-down": "Slowed down, as WhatsApp asked",
    "pace-changed": "Pace of sending changed by support",
    "accepted-never-delivered": "WhatsApp took messages and delivered none",
    "delivered-again": "Messages are delivered again",
}


@dataclass(frozen=True)
class LogLine:
    """One thing that happened to a number, in words."""

    event: ConnectionEvent
    what: str


@dataclass(frozen=True)
class Card:
    """One number."""

    connection: Connection
    log: list[LogLine]
    waiting_count: int  # messages on their way out
    is_pretend: bool

    @property
    def tone(self) -> str:
        """Return how its state looks: good, wait or bad."""
        return tone_of(self.connection)

    @property
    def warning(self) -> str:
        """Return what the owner should know beside the state, or nothing."""
        if self.connection.undelivered_since is None:
            return ""
        return (
            "WhatsApp takes the messages of this number, but has not delivered any of the last"
            " ones. Look at the number in WhatsApp Manager; this note goes when messages arrive"
            " again."
        )


def tone_of(connection: Connection) -> str:
    """Return how a number's state looks: good, wait or bad."""
    state = connection.state
    if state == Connection.State.CONNECTED:
        return "good" if connection.is_sending and not connection.undelivered_since else "wait"
    if state in (
        Connection.State.CONNECTING,
        Connection.State.SILENT,
        Connection.State.RECONNECTING,
    ):
        return "wait"
    return "bad"


def cards(*, workspace: Workspace) -> list[Card]:
    """Return the workspace's numbers, oldest first."""
    found = list(Connection.objects.filter(workspace=workspace).order_by("pk"))
    jobs = OutboundJob.objects.filter(connection__in=found, message_id__isnull=False)
    waiting: dict[int, int] = {}
    # Asked apart: each has its own index.
    for states in (["queued", "sending"], ["unknown"]):
        counts = jobs.filter(state__in=states).values_list("connection_id").annotate(Count("pk"))
        for connection_id, count in counts:
            waiting[connection_id] = waiting.get(connection_id, 0) + count
    return [
        Card(
            connection=connection,
            log=[
                LogLine(event, _what(event))
                for event in ConnectionEvent.objects.filter(connection=connection).order_by(
                    "-at", "-pk"
                )[:_LOG]
            ],
            waiting_count=waiting.get(connection.pk, 0),
            is_pretend=connection.provider == "simulator",
        )
        for connection in found
    ]


def card(*, workspace: Workspace, connection_id: int) -> Card:
    """Return one number. Raises UnableToFindConnection."""
    for found in cards(workspace=workspace):
        if found.connection.pk == connection_id:
            return found
    raise UnableToFindConnection


def find(*, workspace: Workspace, connection_id: int) -> Connection:
    """Return a number of the workspace. Raises UnableToFindConnection."""
    found = Connection.objects.filter(Q(workspace=workspace), pk=connection_id).first()
    if found is None:
        raise UnableToFindConnection
    return found


def _what(event: ConnectionEvent) -> str:
    if event.kind.startswith("state-"):
        state = event.kind.removeprefix("state-")
        known = dict(Connection.State.choices)
        return f"Now: {known.get(state, state)}"
    if event.kind.startswith("whatsapp-"):
        field = event.kind.removeprefix("whatsapp-").replace("_", " ")
        return f"WhatsApp wrote about: {field}"
    return _WORDS.get(event.kind, event.kind.replace("-", " "))
