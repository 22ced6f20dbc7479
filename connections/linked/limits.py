"""WhatsApp's limits on a linked number, first contacts, and how near a ban it may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database

from connections import allowances, journal
from connections.models import Connection, ConnectionEvent, FirstContact, OutboundJob
from connections.providers.linked_events import moment_of
from lib import crypto

DAY = timedelta(days=1)
_UNREADABLE_EVERY = timedelta(minutes=10)


class UnableToBegin(Exception):
    """The number may not write first now; the message is a sentence for the person who tried."""


def take(*, connection: Connection, data: Mapping[str, object], now: datetime) -> None:
    """Take in a `limit` event: a time-lock on new conversations, or how many are used up."""
    details = data.get("details")
    until = moment_of(dict(details) if isinstance(details, dict) else {}, "until")
    kind = str(data.get("event") or "limit")
    if kind == "reachout" and (until is None or until > now):
        allowances.cool_down(connection=connection, until=until or now + DAY, now=now)
    else:
        detail = str(data.get("text") or "")
        journal.note(connection, f"linked-{kind}", detail=detail, now=now)


def note_unreadable(*, connection: Connection, now: datetime) -> None:
    """Note that a message could not be decrypted (yet); once in ten minutes is enough."""
    was_said = ConnectionEvent.objects.filter(
        connection=connection, kind="linked-unreadable", at__gt=now - _UNREADABLE_EVERY
    ).exists()
    if not was_said:
        journal.note(connection, "linked-unreadable", now=now)


# --- First contacts ------------------------------------------------------------------------


def _linked_for(connection: Connection, now: datetime) -> timedelta:
    """Return for how long it is this phone: another one on the same row begins anew."""
    return now - (connection.linked_at or connection.created_at)


def first_contacts_a_day(*, connection: Connection, now: datetime) -> int:
    """Return how many conversations the number may begin a day: few at first, then more."""
    first, more = settings.LINKED_DEVICE_FIRST_CONTACTS
    age_days = max(0, _linked_for(connection, now).days)
    return int(min(first + more * age_days, first * 10))


def may_begin(*, connection: Connection, phone: str, now: datetime) -> None:
    """Count a conversation that the business begins with `phone` (E.164), once a customer.

    Others who begin one on this number wait until the transaction ends: two at once would not
    see each other, and go beyond the cap. Raises UnableToBegin when WhatsApp or the day's cap
    is against it.
    """
    if connection.cold_until is not None and connection.cold_until > now:
        raise UnableToBegin(
            "WhatsApp lets this number begin no conversations at the moment. Wait until "
            f"{connection.cold_until:%d %B, %H:%M} UTC, or until the customer writes first."
        )
    digest = crypto.digest(phone, purpose=f"first-contact:{connection.pk}")
    _one_at_a_time(connection)
    rows = FirstContact.objects.filter(connection=connection)
    if rows.filter(digest=digest).exists():
        return
    most = first_contacts_a_day(connection=connection, now=now)
    if rows.filter(at__gt=now - DAY).count() >= most:
        raise UnableToBegin(
            f"A linked phone begins at most {most} conversations a day for now, so that WhatsApp "
            "does not take it for spam. Try again tomorrow, or let the customer write first."
        )
    FirstContact.objects.create(
        workspace_id=connection.workspace_id, connection=connection, digest=digest, at=now
    )


def _one_at_a_time(connection: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('first contact', %s))", [connection.pk]
        )


# --- How near a ban ------------------------------------------------------------------------


@dataclass(frozen=True)
class Risk:
    """How likely WhatsApp is to restrict the number: 0 to 100, a word, and why."""

    score: int
    level: str  # low, raised, high
    reasons: Sequence[str]


def risk(*, connection: Connection, now: datetime) -> Risk:
    """Return the ban risk of a linked number, by what is known to lead to restrictions."""
    points: list[tuple[int, str]] = []
    if _linked_for(connection, now) < 7 * DAY:
        points.append((15, "The number was linked less than a week ago."))
    begun = FirstContact.objects.filter(connection=connection, at__gt=now - DAY).count()
    if begun:
        points.append((min(40, begun * 3), f"{begun} conversations begun by you in 24 hours."))
    if connection.cold_until is not None and connection.cold_until > now - 7 * DAY:
        points.append((40, "WhatsApp has limited new conversations within the last week."))
    logged = ConnectionEvent.objects.filter(connection=connection, at__gt=now - DAY)
    cuts = logged.filter(kind=f"state-{Connection.State.RECONNECTING}").count()
    if cuts >= 10:
        points.append((15, f"The line was cut {cuts} times in 24 hours."))
    sends = OutboundJob.objects.filter(
        connection=connection, created_at__gt=now - DAY, message_id__isnull=False
    )
    count = sends.count()
    if count > 500:
        points.append((20, f"{count:,} messages in 24 hours is much for a linked phone."))
    failed = sends.filter(state__in=["failed", "dead"]).count()
    if failed >= 5 and failed * 10 > count:
        points.append((20, f"{failed} of {count} messages were refused."))
    score = min(100, sum(weight for weight, _ in points))
    level = "high" if score >= 60 else "raised" if score >= 30 else "low"
    return Risk(score, level, [reason for _, reason in points])
