"""How the business is doing: what the shell of every page shows, and the figures of the home page."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse

from billing import metering, meters, plans
from connections import pretend
from connections.models import Connection
from faqs import browsing
from messaging import bot, days, inbox
from messaging.models import Conversation, Message, OwnerNumber
from workspaces import notices
from workspaces.models import Notice, User, Workspace

_WELL = (
    Connection.State.CONNECTED,
    Connection.State.CONNECTING,
    Connection.State.SILENT,
    Connection.State.RECONNECTING,
)


@dataclass(frozen=True)
class Shell:
    """What every page of a workspace says at its edge."""

    mode: str
    has_test_phones: bool
    needs_count: int
    number_state: str  # "", "none", "trouble"


@dataclass(frozen=True)
class Home:
    """Everything the home page shows."""

    mode: str
    needs_count: int
    oldest: Conversation | None
    oldest_name: str
    numbers: list[Connection]
    notices: list[Notice]
    standing: plans.Standing
    used_today: int
    per_day: int | None
    today: days.Figures
    month: days.Figures
    days: "list[tuple[date, days.Figures]]"
    entry_count: int
    has_messages: bool
    owner_number: OwnerNumber | None

    @property
    def chart(self) -> list[tuple[date, int, int]]:
        """Return the days as the chart takes them: received and answered by the bot."""
        return [(day, figures.received, figures.answered) for day, figures in self.days]


def shell(*, workspace: Workspace) -> Shell:
    """Return the state of the bot, the numbers and the waiting conversations."""
    numbers = Connection.objects.filter(workspace=workspace).aggregate(
        all=Count("pk"),
        well=Count("pk", filter=Q(is_sending=True, state__in=_WELL)),
    )
    state = "none" if not numbers["all"] else "trouble" if numbers["well"] < numbers["all"] else ""
    how = bot.settings_of()
    return Shell(how.mode, bool(how.test_phones), inbox.waiting().count(), state)


def home(*, workspace: Workspace, user: User, now: datetime) -> Home:
    """Return the home page of a workspace."""
    latest = days.latest(workspace=workspace, now=now)
    oldest = inbox.oldest_waiting()
    standing = plans.standing(workspace=workspace, now=now)
    return Home(
        mode=bot.settings_of().mode,
        needs_count=inbox.waiting().count() if oldest else 0,
        oldest=oldest,
        oldest_name=inbox.shown_name(oldest.contact) if oldest else "",
        numbers=list(Connection.objects.filter(workspace=workspace).order_by("pk")),
        notices=notices.standing(workspace=workspace),
        standing=standing,
        used_today=metering.used_today(workspace=workspace, meter=meters.MESSAGES_SENT, now=now),
        per_day=standing.per_day(meters.MESSAGES_SENT),
        today=latest[-1][1],
        month=days.total([figures for _, figures in latest]),
        days=latest,
        entry_count=browsing.count(),
        has_messages=Message.objects.exists(),
        owner_number=owner_number(user=user),
    )


def owner_number(*, user: User) -> OwnerNumber | None:
    """Return the phone from which `user` commands the bot, confirmed or not."""
    return OwnerNumber.objects.filter(user_id=user.pk).first()


def business_phones(*, workspace: Workspace) -> list[str]:
    """Return the numbers that customers (and commanding owners) write to."""
    return list(
        Connection.objects.filter(workspace=workspace)
        .order_by("pk")
        .values_list("phone", flat=True)
    )


def pretend_page(*, workspace: Workspace) -> str:
    """Return the path of the page that plays a customer's phone; empty where there is none."""
    number = (
        Connection.objects.filter(workspace=workspace, provider__in=("simulator", "linked_device"))
        .order_by("pk")
        .first()
    )
    if number is not None and number.provider == "simulator" and settings.SIMULATOR_URL:
        return f"{settings.SIMULATOR_URL}/"
    if number is not None and number.provider == "linked_device" and pretend.is_available():
        return reverse("connections:pretend-show", args=[workspace.slug, number.pk])
    return ""
