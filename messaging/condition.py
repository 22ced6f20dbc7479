"""How the house is, for everybody: each part in a word, now and over ninety days. No customer's data."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connections import condition
from connections.condition import Way
from lib import jobs
from messaging import waiting
from workspaces import scope
from workspaces.models import StatusDay

DAYS = 90
WELL, TROUBLE, DOWN, UNKNOWN = "well", "trouble", "down", "unknown"
_LATE = 10  # times READY_MAX_AGE_SECONDS: what waits so long is down, not slow
_FEW = 3  # lost sends that say nothing yet

Words = str | Promise
_NAMES: dict[str, Words] = {
    "pages": _("Pages and database"),
    "answers": _("Answers"),
    "sending": _("Sending"),
    "linked": _("Linked numbers"),
    "cloud_api": _("Cloud API"),
    "broker": _("Wake-ups"),
}


@dataclass(frozen=True)
class Day:
    """One day of a part: how many minutes were looked at, and in how many it had trouble."""

    day: date
    looked: int = 0
    troubled: int = 0

    @property
    def state(self) -> str:
        """Return the word for the day: well up to five minutes of trouble, down from an hour on."""
        if not self.looked:
            return UNKNOWN
        return WELL if self.troubled <= 5 else TROUBLE if self.troubled < 60 else DOWN


@dataclass(frozen=True)
class Part:
    """One part of the house."""

    code: str
    name: Words
    state: str
    sentence: Words
    days: list[Day] = field(default_factory=list)

    @property
    def share(self) -> str:
        """Return in which part of the minutes looked at there was no trouble."""
        looked = sum(day.looked for day in self.days)
        troubled = sum(day.troubled for day in self.days)
        return f"{1 - troubled / looked:.2%}" if looked else ""


def look(*, now: datetime) -> list[Part]:
    """Return how each part is at this moment. Never raises when the database is away."""
    try:
        with scope.system(), transaction.atomic():
            with database.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = '2s'")
            ways = condition.ways(now=now)
            ages = waiting.ages(now=now)
    except DatabaseError:
        return [_part("pages", DOWN, _("The database does not answer. Messages wait at WhatsApp’s side and are delivered again."))] + [
            _part(code, UNKNOWN, _("Cannot be measured at the moment.")) for code in _NAMES if code != "pages"
        ]  # fmt: skip
    return [
        _part("pages", WELL, _("Pages open and keep what you save.")),
        _late(
            "answers", ages.unanswered_seconds,
            _("Messages are answered as they come."),
            _("Messages wait longer than usual for their answers. None is lost."),
        ),
        _late(
            "sending", ages.queues["sends"],
            _("Messages leave without waiting."),
            _("Messages wait longer than usual to leave. None is lost."),
        ),
        _linked(ways["linked_device"]),
        _cloud(ways.get("cloud_api", Way())),
        _part("broker", WELL, _("Work begins at once."))
        if jobs.broker_answers()
        else _part("broker", TROUBLE, _("Work begins some seconds later than usual.")),
    ]  # fmt: skip


def _part(code: str, state: str, sentence: Words) -> Part:
    return Part(code, _NAMES[code], state, sentence)


def _late(code: str, age: int | None, well: Words, late: Words) -> Part:
    limit = settings.READY_MAX_AGE_SECONDS
    if age is None or age <= limit:
        return _part(code, WELL, well)
    return _part(code, TROUBLE if age <= limit * _LATE else DOWN, late)


def _linked(way: Way) -> Part:
    if way.lines and way.down == way.lines:
        return _part(
            "linked", DOWN, _("Linked phones are cut off from us. They come back by themselves.")
        )
    if way.down * 4 > way.lines or _is_losing(way):
        return _part("linked", TROUBLE, _("Some linked phones come and go."))
    return _part("linked", WELL, _("Linked phones are reached."))


def _cloud(way: Way) -> Part:
    if _is_losing(way):
        state = TROUBLE if way.accepted else DOWN
        return _part(
            "cloud_api",
            state,
            _("WhatsApp’s Cloud API does not take all messages. They are tried again."),
        )
    return _part("cloud_api", WELL, _("WhatsApp’s Cloud API takes messages."))


def _is_losing(way: Way) -> bool:
    return way.lost >= _FEW and way.lost * 5 > way.accepted


def record(*, now: datetime) -> None:
    """Note how each part is in the day's tally; called once a minute."""
    with scope.system():
        for part in look(now=now):
            if part.state == UNKNOWN:
                continue
            row, _is_new = StatusDay.objects.get_or_create(
                day=now.astimezone(UTC).date(), part=part.code
            )
            StatusDay.objects.filter(pk=row.pk).update(
                looked=F("looked") + 1, troubled=F("troubled") + int(part.state != WELL)
            )
        StatusDay.objects.filter(day__lt=now.date() - timedelta(days=DAYS + 10)).delete()


def page(*, now: datetime) -> list[Part]:
    """Return each part with its last days, as far as they were recorded."""
    parts = look(now=now)
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    try:
        with scope.system(), transaction.atomic():
            rows = list(StatusDay.objects.filter(day__gte=first))
    except DatabaseError:
        return parts
    known = {(row.part, row.day): Day(row.day, row.looked, row.troubled) for row in rows}
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return [
        Part(
            part.code, part.name, part.state, part.sentence,
            [known.get((part.code, day), Day(day)) for day in days],
        )
        for part in parts
    ]  # fmt: skip
