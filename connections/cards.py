"""The numbers of a workspace as its owner sees them: state, log, what waits."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, Max, Q

from connections import lifecycle
from connections.linked import limits
from connections.models import Connection, ConnectionEvent, Incident, OutboundJob
from lib import phones
from workspaces.models import Workspace

State = Connection.State
_LOG, _READ = 20, 100  # lines that are shown, and events that are read for them
_UNDER_WAY = (State.CONNECTING, State.WAITING_FOR_SCAN)


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
    "linked-reachout": "WhatsApp lets the number begin no conversations for a while",
    "linked-capping": "WhatsApp told how many conversations the number may begin",
    "linked-unreadable": "A message could not be read; the other phone was asked for it again",
}
_STATE_WORDS = {
    State.NOT_CONNECTED: "Not connected any more",
    State.WAITING_FOR_SCAN: "A code was shown",
    State.CONNECTING: "Connecting begun",
    State.CONNECTED: "Connected",
    State.SILENT: "Nobody wrote for hours, so the line is checked",
    State.RECONNECTING: "Cut; being connected again",
    State.LOGGED_OUT: "Logged out",
    State.NEEDS_PASSKEY: "WhatsApp asked for a passkey",
    State.BLOCKED: "Blocked by WhatsApp",
}
_WAYS = {"qr": "by QR code", "code": "by a code for the phone number"}


@dataclass(frozen=True)
class LogLine:
    """One thing that happened to a number, in words."""

    event: ConnectionEvent
    what: str
    code: str  # the provider's own, for support
    count: int = 1  # how often in a row


@dataclass(frozen=True)
class Card:
    """One number."""

    connection: Connection
    waiting_count: int  # messages on their way out

    @property
    def is_pretend(self) -> bool:
        """Say whether it is the simulator's number."""
        return self.connection.provider == "simulator"

    @property
    def is_linked(self) -> bool:
        """Say whether it is a linked phone."""
        return self.connection.provider == lifecycle.LINKED

    @property
    def name(self) -> str:
        """Return how the number is called: itself, once it is known."""
        return name_of(self.connection)

    @property
    def is_under_way(self) -> bool:
        """Say whether a phone is being linked."""
        return self.is_linked and self.connection.state in _UNDER_WAY

    @property
    def next(self) -> str:
        """Return what brings a linked phone (back): go-on, again, cloud, or nothing."""
        state = self.connection.state
        if not self.is_linked:
            return ""
        if state in _UNDER_WAY:
            return "go-on"
        if state in (State.NOT_CONNECTED, State.LOGGED_OUT):
            return "again"
        return "cloud" if state in (State.NEEDS_PASSKEY, State.BLOCKED) else ""

    @property
    def tone(self) -> str:
        """Return how its state looks: good, wait or bad."""
        return tone_of(self.connection)

    @property
    def warning(self) -> str:
        """Return what the owner should know beside the state, or nothing."""
        if self.connection.undelivered_since is None:
            return ""
        if self.is_linked:
            return (
                "WhatsApp takes the messages of this number, but has not delivered any of the last"
                " ones. Look into WhatsApp on the phone; this note goes when messages arrive again."
            )
        return (
            "WhatsApp takes the messages of this number, but has not delivered any of the last"
            " ones. Look at the number in WhatsApp Manager; this note goes when messages arrive"
            " again."
        )


@dataclass(frozen=True)
class Page:
    """One number with everything that its own page tells."""

    card: Card
    log: Sequence[LogLine]
    incident: Incident | None
    risk: limits.Risk | None  # of a linked phone
    retry_seconds: int | None  # until a linked phone is tried again
    mark: str  # changes with anything that the page must show at once


def name_of(connection: Connection) -> str:
    """Return how a number is called: itself, once it is known."""
    return phones.show(connection.phone) or "Not linked yet"


def tone_of(connection: Connection) -> str:
    """Return how a number's state looks: good, wait or bad."""
    state = connection.state
    if state == State.CONNECTED:
        return "good" if connection.is_sending and not connection.undelivered_since else "wait"
    if state in (*_UNDER_WAY, State.SILENT, State.RECONNECTING):
        return "wait"
    return "bad"


def cards(*, workspace: Workspace) -> list[Card]:
    """Return the workspace's numbers, oldest first."""
    return _cards(Connection.objects.filter(workspace=workspace).order_by("pk"))


def _cards(connections: Iterable[Connection]) -> list[Card]:
    found = list(connections)
    jobs = OutboundJob.objects.filter(connection__in=found, message_id__isnull=False)
    waiting: dict[int, int] = {}
    # Asked apart: each has its own index.
    for states in (["queued", "sending"], ["unknown"]):
        counts = jobs.filter(state__in=states).values_list("connection_id").annotate(Count("pk"))
        for connection_id, count in counts:
            waiting[connection_id] = waiting.get(connection_id, 0) + count
    return [Card(connection, waiting.get(connection.pk, 0)) for connection in found]


def mark_of_all(*, workspace: Workspace) -> str:
    """Return what changes with the state of any number of the workspace."""
    rows = Connection.objects.filter(workspace=workspace).order_by("pk")
    return _mark(rows.values_list(*_TOLD))


def page(*, connection: Connection, now: datetime) -> Page:
    """Return a number with its log, its incident and its risk. Call in the workspace's scope."""
    (card,) = _cards([connection])
    log = ConnectionEvent.objects.filter(connection=connection).order_by("-at", "-pk")[:_READ]
    retry_at = lifecycle.get_status(connection=connection).retry_at
    return Page(
        card=card,
        log=_lines(log)[:_LOG],
        incident=Incident.objects.filter(connection=connection, closed_at__isnull=True).first(),
        risk=limits.risk(connection=connection, now=now) if card.is_linked else None,
        retry_seconds=max(0, round((retry_at - now).total_seconds())) if retry_at else None,
        mark=mark(connection=connection),
    )


@dataclass(frozen=True)
class LogPage:
    """A page of a number's log, and the event before which the next one is; None at the end."""

    lines: Sequence[LogLine]
    next_before: int | None


def log_page(*, connection: Connection, before: int | None) -> LogPage:
    """Return a page of everything that happened to a number, newest first."""
    rows = ConnectionEvent.objects.filter(connection=connection).order_by("-at", "-pk")
    last = rows.filter(pk=before).first() if before is not None else None
    if last is not None:
        rows = rows.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))
    found = list(rows[: _READ + 1])
    return LogPage(_lines(found[:_READ]), found[_READ - 1].pk if len(found) > _READ else None)


def mark(*, connection: Connection) -> str:
    """Return what changes with anything that a number's page must show at once."""
    newest = ConnectionEvent.objects.filter(connection=connection).aggregate(Max("pk"))["pk__max"]
    incident = Incident.objects.filter(connection=connection, closed_at__isnull=True)
    retry_at = lifecycle.get_status(connection=connection).retry_at
    told = [getattr(connection, name) for name in _TOLD]
    return _mark([(*told, newest, retry_at, incident.values_list("pk", flat=True).first())])


_TOLD = (
    "pk", "phone", "state", "state_code", "state_reason", "is_sending", "undelivered_since",
)  # fmt: skip


def _mark(rows: Iterable[Sequence[object]]) -> str:
    text = "\n".join("|".join(str(value) for value in row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def find(*, workspace: Workspace, connection_id: int) -> Connection:
    """Return a number of the workspace. Raises UnableToFindConnection."""
    found = Connection.objects.filter(Q(workspace=workspace), pk=connection_id).first()
    if found is None:
        raise UnableToFindConnection
    return found


def _lines(events: Iterable[ConnectionEvent]) -> list[LogLine]:
    """Put the log into words, newest first; what happened again and again is one line."""
    lines: list[LogLine] = []
    for event in events:
        line = _line(event)
        if lines and (lines[-1].what, lines[-1].event.detail) == (line.what, event.detail):
            lines[-1] = replace(lines[-1], count=lines[-1].count + 1)
        else:
            lines.append(line)
    return lines


def _line(event: ConnectionEvent) -> LogLine:
    if event.kind == "linking":
        return LogLine(event, f"Linking begun {_WAYS.get(event.code, '')}".strip(), "")
    if event.code == "scanned":
        return LogLine(event, "The phone has scanned", "")
    # Our own words for reasons are in the sentence; WhatsApp's numbers help support.
    is_ours = event.kind.startswith("state-") and not event.code.isdigit()
    return LogLine(event, _what(event.kind), "" if is_ours else event.code)


def _what(kind: str) -> str:
    if kind.startswith("state-"):
        state = kind.removeprefix("state-")
        known = {str(key): words for key, words in _STATE_WORDS.items()}
        return known.get(state, f"Now: {state.replace('_', ' ')}")
    if kind.startswith("whatsapp-"):
        field = kind.removeprefix("whatsapp-").replace("_", " ")
        return f"WhatsApp wrote about: {field}"
    return _WORDS.get(kind, kind.replace("-", " "))
