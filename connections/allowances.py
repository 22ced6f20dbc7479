"""What WhatsApp lets a number do: rests, no new conversations for a while, its pace."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Greatest

from connections import journal, outbox
from connections.models import MOST_PER_SECOND, Connection
from connections.providers.base import Slow
from lib import phones
from workspaces import audit, notices
from workspaces.models import User, Workspace


def cool_down(*, connection: Connection, until: datetime, now: datetime) -> None:
    """Begin no conversations on the number before `until`; answers go on. Tells the owners.

    Those that are in line fail: each further try makes the number's standing worse.
    """
    moved = Connection.objects.filter(
        Q(cold_until__isnull=True) | Q(cold_until__lt=until), pk=connection.pk
    ).update(cold_until=until)
    connection.cold_until = until
    outbox.fail_begun(connection=connection, now=now)
    if not moved:
        return
    moment = f"{until:%d %B, %H:%M} UTC"
    journal.note(connection, "linked-reachout", detail=f"until {moment}", now=now)
    notices.tell_owners(
        workspace=Workspace.objects.get(pk=connection.workspace_id),
        key=f"reachout:{connection.pk}:{now.date()}",
        text=f"{phones.show(connection.phone)}: WhatsApp lets this number begin no conversations "
        f"until {moment}. Answers to customers who write first go on.",
        now=now,
    )


def slow_down(
    *,
    connection: Connection,
    scope: Slow,
    until: datetime,
    now: datetime,
    is_noted: bool = True,
) -> None:
    """Let the number (or every number of its account in the workspace) rest until then."""
    rows = Connection.objects.filter(workspace_id=connection.workspace_id)
    if scope == Slow.ACCOUNT and connection.account_id:
        rows = rows.filter(account_id=connection.account_id)
    else:
        rows = rows.filter(pk=connection.pk)
    # Of several sends that were refused together, the longest rest counts.
    rows.update(slow_until=Greatest("slow_until", Value(until)))
    connection.slow_until = max(connection.slow_until or until, until)
    if is_noted:
        journal.note(connection, "slowed-down", detail=f"until {until:%H:%M:%S} UTC", now=now)


def set_pace(
    *, connection: Connection, rate_per_second: int, actor: User | None, now: datetime
) -> None:
    """Let staff say how many messages a second WhatsApp allows this number (1 to 1,000)."""
    if not 1 <= rate_per_second <= MOST_PER_SECOND:
        raise ValueError(f"A number sends 1 to {MOST_PER_SECOND:,} messages a second.")
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(rate_per_second=rate_per_second)
        journal.note(connection, "pace-changed", detail=f"{rate_per_second} a second", now=now)
        audit.record(
            action="connection.pace-changed",
            workspace=connection.workspace,
            actor=actor,
            actor_kind="staff",
            target=f"connection {connection.pk}",
            now=now,
        )
        outbox.wake(connection.pk)
