"""How the business is doing: what the shell of every page shows, and the figures of the home page."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from billing import metering, meters, plans
from connections.models import Connection
from faqs import browsing
from lib import clock
from messaging import bot, inbox
from messaging.models import Conversation, Message, OwnerNumber
from workspaces import notices
from workspaces.models import Notice, User, Workspace

DAYS = 30
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
class Figures:
    """What came in and what went out."""

    received: int = 0
    answered: int = 0  # replies written by the bot
    sent: int = 0
    delivered: int = 0
    settled: int = 0  # sent ones of which the outcome is known

    @property
    def delivered_share(self) -> str:
        """Return the delivered part of what WhatsApp took, in words of the page."""
        return f"{self.delivered / self.settled:.0%}" if self.settled else "–"

    @property
    def bot_share(self) -> str:
        """Return the part of what came in that the bot answered."""
        return f"{min(1, self.answered / self.received):.0%}" if self.received else "–"


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
    today: Figures
    month: Figures
    days: list[tuple[date, Figures]]
    entry_count: int
    has_messages: bool
    owner_number: OwnerNumber | None

    @property
    def done_count(self) -> int:
        """Return how many steps of the beginning are done."""
        return sum((bool(self.numbers), bool(self.entry_count), self.has_messages))

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
    days = by_day(workspace=workspace, now=now)
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
        today=days[-1][1],
        month=_sum([figures for _, figures in days]),
        days=days,
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


def by_day(*, workspace: Workspace, now: datetime) -> list[tuple[date, Figures]]:
    """Return the last 30 days in the workspace's time zone, oldest first, quiet days included."""
    zone = ZoneInfo(workspace.time_zone)
    today = clock.local_day(now, workspace.time_zone)
    first = today - timedelta(days=DAYS - 1)
    out = Q(direction=Message.Direction.OUT)
    taken = ("sent", "delivered", "read", "failed")
    rows = (
        Message.objects.filter(created_at__gte=datetime.combine(first, time(), tzinfo=zone))
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day")
        .annotate(
            received=Count(
                "pk",
                filter=Q(direction=Message.Direction.IN) & ~Q(author=Message.Author.SYSTEM),
            ),
            answered=Count("pk", filter=Q(author=Message.Author.BOT, answers__isnull=False)),
            sent=Count("pk", filter=out & Q(status__in=taken[:3])),
            delivered=Count("pk", filter=out & Q(status__in=("delivered", "read"))),
            settled=Count("pk", filter=out & Q(status__in=taken)),
        )
    )
    known = {
        row["day"]: Figures(
            row["received"], row["answered"], row["sent"], row["delivered"], row["settled"]
        )
        for row in rows
    }
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return [(day, known.get(day, Figures())) for day in days]


def _sum(days: list[Figures]) -> Figures:
    return Figures(
        sum(day.received for day in days),
        sum(day.answered for day in days),
        sum(day.sent for day in days),
        sum(day.delivered for day in days),
        sum(day.settled for day in days),
    )
