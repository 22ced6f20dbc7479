"""What support sees: search over the house, queues, and one workspace read-only. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from billing import plans
from connections import directory
from connections.models import Connection, DirectoryEntry, InboundEvent, OutboundJob
from lib import phones
from messaging import bot, inbox, waiting
from messaging.inbox import Talk
from workspaces import scope
from workspaces.models import Workspace

PAGE = 50


@dataclass(frozen=True)
class Found:
    """Where a phone number or a message id was found."""

    workspace: Workspace
    kind: str  # contact, message
    identifier: str  # for the link: contact id, or WhatsApp's message id
    at: datetime


@dataclass(frozen=True)
class Line:
    """A workspace in the list, with what waits in its queues."""

    workspace: Workspace
    oldest_inbound_at: datetime | None
    oldest_outbound_at: datetime | None
    dead_count: int


@dataclass(frozen=True)
class Overview:
    """The staff's home page."""

    query: str
    problem: str
    found: list[Found]
    lines: list[Line]
    next_page: int
    unrouted_count: int
    dead_inbound_count: int
    dead_outbound_count: int
    troubled: list[Connection]
    waiting: list[waiting.Waiting]


@dataclass(frozen=True)
class Look:
    """One workspace as support sees it."""

    mode: str
    standing: plans.Standing
    numbers: list[Connection]
    pending_count: int
    oldest_pending_at: datetime | None
    dead_inbound_count: int
    queued_count: int
    oldest_queued_at: datetime | None
    unknown_count: int
    dead_outbound_count: int
    needs_count: int
    talks: list[Talk]

    @property
    def verdict(self) -> str:
        """Return the most important thing about the workspace in one sentence."""
        return _verdict(self)


def overview(*, query: str, country: str = "NG", page: int = 1) -> Overview:
    """Return the home page of the staff: what was searched for, and what waits anywhere."""
    query = query.replace("\x00", "").strip()[:200]
    found, problem = _search(query, country) if query else ([], "")
    start = (min(max(page, 1), 10_000) - 1) * PAGE
    inbound, outbound = InboundEvent.objects, OutboundJob.objects
    with scope.system():
        spaces = Workspace.objects.order_by("name", "pk")
        if query and not found:
            spaces = spaces.filter(Q(name__icontains=query) | Q(slug__icontains=query))
        rows = list(spaces[start : start + PAGE + 1])
        ids = [space.pk for space in rows]
        unread = _oldest(inbound.filter(state="pending", workspace__in=ids), "received_at")
        unsent = _oldest(outbound.filter(state="queued", workspace__in=ids), "created_at")
        dead: dict[int, int] = {}
        for queue in (inbound, outbound):
            for pk, number in (
                queue.filter(state="dead", workspace__in=ids)
                .values_list("workspace_id")
                .annotate(Count("pk"))
            ):
                dead[pk] = dead.get(pk, 0) + number
        lines = [
            Line(space, unread.get(space.pk), unsent.get(space.pk), dead.get(space.pk, 0))
            for space in rows[:PAGE]
        ]
        return Overview(
            query=query,
            problem="" if lines else problem,
            found=found,
            lines=lines,
            next_page=page + 1 if len(rows) > PAGE else 0,
            unrouted_count=inbound.filter(state="unrouted").count(),
            dead_inbound_count=inbound.filter(state="dead").count(),
            dead_outbound_count=outbound.filter(state="dead").count(),
            troubled=list(
                Connection.objects.exclude(state=Connection.State.CONNECTED, is_sending=True)
                .select_related("workspace")
                .order_by("-state_changed_at")[:20]
            ),
            waiting=waiting.by_workspace(),
        )


def _oldest(rows: object, field: str) -> dict[int, datetime]:
    found = rows.values_list("workspace_id").annotate(Min(field))  # type: ignore[attr-defined]
    return dict(found)


def _search(query: str, country: str) -> tuple[list[Found], str]:
    """Look a message id or a phone number up; the sentence says why nothing was found."""
    with scope.system():
        messages = [
            Found(row.workspace, "message", query, row.received_at)
            for row in InboundEvent.objects.filter(subject=query, workspace__isnull=False)
            .select_related("workspace")
            .defer("payload")
            .order_by("-pk")[:10]
            if row.workspace is not None
        ] or [
            Found(job.workspace, "message", query, job.created_at)
            for job in OutboundJob.objects.filter(provider_message_id=query)
            .select_related("workspace")
            .defer("payload")[:10]
        ]
        if messages:
            return list({item.workspace.pk: item for item in messages}.values()), ""
    try:
        number = phones.parse(query, country=country)
    except phones.UnableToParsePhone as error:
        return [], str(error) if query[:1] in "+0123456789" else "Nothing found."
    entries: list[DirectoryEntry] = directory.find(phone=number)
    return [
        Found(entry.workspace, "contact", str(entry.contact_id), entry.last_at) for entry in entries
    ], f"No workspace knows {phones.show(number)}."


def look(*, workspace: Workspace, now: datetime, contact_id: int | None = None) -> Look:
    """Return one workspace; call within the staff's read-only look into it."""
    inbound = InboundEvent.objects.filter(workspace=workspace).aggregate(
        pending=Count("pk", filter=Q(state="pending")),
        oldest=Min("received_at", filter=Q(state="pending")),
        dead=Count("pk", filter=Q(state="dead")),
    )
    outbound = OutboundJob.objects.filter(workspace=workspace).aggregate(
        queued=Count("pk", filter=Q(state="queued")),
        oldest=Min("created_at", filter=Q(state="queued")),
        unknown=Count("pk", filter=Q(state="unknown")),
        dead=Count("pk", filter=Q(state="dead")),
    )
    listing = inbox.listing(country=workspace.country, size=20, contact_id=contact_id)
    return Look(
        mode=bot.settings_of().mode,
        standing=plans.standing(workspace=workspace, now=now),
        numbers=list(Connection.objects.filter(workspace=workspace).order_by("pk")),
        pending_count=inbound["pending"],
        oldest_pending_at=inbound["oldest"],
        dead_inbound_count=inbound["dead"],
        queued_count=outbound["queued"],
        oldest_queued_at=outbound["oldest"],
        unknown_count=outbound["unknown"],
        dead_outbound_count=outbound["dead"],
        needs_count=listing.needs_count,
        talks=listing.talks,
    )


def _verdict(found: Look) -> str:
    stopped = [number for number in found.numbers if not number.is_sending]
    if not found.standing.is_served:
        return "The subscription has ended: messages are kept, nothing is answered."
    if not found.numbers:
        return "No number is connected yet."
    if stopped:
        return f"Sending is stopped on {phones.show(stopped[0].phone)}: {stopped[0].state_reason or 'switched off by the owner.'}"
    if found.mode == "off":
        return "The bot is switched off; the team answers."
    if found.mode == "test":
        return "The bot is in test mode: it answers test phones only."
    if found.dead_inbound_count or found.dead_outbound_count:
        return "There are dead letters: look at them and replay what should go again."
    if found.unknown_count:
        return f"{found.unknown_count} sends wait for WhatsApp to say what became of them."
    return "All is well: numbers are connected and the bot is on."
