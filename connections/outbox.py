"""The outbox: what is to be sent, put there in the transaction that decided it."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import F
from psycopg.types.numeric import Int8

from connections import leases, pacing
from connections.events import Outbound, StatusWord
from connections.models import BEGUN, Connection, OutboundJob
from lib import jobs, records, sql
from workspaces.models import Workspace

State = OutboundJob.State
# How many wake-ups may wait for one number: several processes may share its work, and each
# sends many at once (connections.sender).
LANES = 2
# Of so many messages it is noted at once why they wait; of others with the next try.
_MOST_NOTED = 500
TOO_COLD = (
    "WhatsApp lets this number begin no conversations at the moment, so this was not sent. Wait "
    "until the customer writes."
)
# Words of a status that say it reached the customer's phone.
_ARRIVED = frozenset({StatusWord.DELIVERED, StatusWord.READ, "played"})


@dataclass(frozen=True)
class Item:
    """One send to put. `expires_at` is the end of the 24-hour window: never sent after that."""

    connection_id: int
    key: str
    message: Outbound
    conversation_key: str
    correlation: str
    message_id: int | None = None
    expires_at: datetime | None = None
    not_before: datetime | None = None


_PUT_COLUMNS = {
    "connection_id": "bigint", "key": "text", "kind": "text", "message_id": "bigint",
    "conversation_key": "text", "payload": "jsonb", "expires_at": "timestamptz",
    "correlation": "text", "due_at": "timestamptz", "place": "int",
}  # fmt: skip
_PUT = (
    "INSERT INTO connections_outboundjob (workspace_id, connection_id, key, kind, message_id,"  # noqa: S608
    " conversation_key, payload, state, attempts, claimed_by, provider_message_id, error_code,"
    " vendor_code, error, has_crashed, was_cut_off, has_status, expires_at, correlation,"
    " created_at, due_at)"
    " SELECT %s, connection_id, key, kind, message_id, conversation_key, payload, 'queued', 0, '',"
    " '', '', '', '', false, false, false, expires_at, correlation, %s, due_at"
    f" FROM {records.source(_PUT_COLUMNS)} ORDER BY place"
    " ON CONFLICT (workspace_id, key) DO NOTHING"
)


def put_all(*, workspace: Workspace, items: Sequence[Item], now: datetime) -> int:
    """Queue sends in one statement; wake their senders after the commit. Return how many were new."""
    if not items:
        return 0
    with database.cursor() as cursor:
        cursor.execute(_PUT, _values(workspace, items, now))
        count = int(cursor.rowcount)
    _wake_all(workspace, items)
    return count


def write(*, sheet: sql.Sheet, workspace: Workspace, items: Sequence[Item], now: datetime) -> None:
    """Do the same on a sheet, for a caller who need not know how many were new."""
    if items:
        sheet.add(_PUT, _values(workspace, items, now))
        _wake_all(workspace, items)


def _values(workspace: Workspace, items: Sequence[Item], now: datetime) -> list[Any]:
    rows = [
        (
            item.connection_id,
            item.key,
            str(item.message.kind),
            item.message_id,
            item.conversation_key,
            item.message.as_payload(),
            item.expires_at,
            item.correlation,
            item.not_before or now,
            place,
        )
        for place, item in enumerate(items)
    ]
    return [workspace.pk, now, records.written(_PUT_COLUMNS, rows)]


def _wake_all(workspace: Workspace, items: Sequence[Item]) -> None:
    for connection_id, lane in sorted(
        {(i.connection_id, _lane(i.conversation_key)) for i in items}
    ):
        wake(connection_id, lane=lane, workspace_id=workspace.pk)


def _lane(conversation_key: str) -> int:
    return zlib.crc32(conversation_key.encode()) % LANES


def lane_name(connection_id: int, lane: int) -> str:
    """Return the name under which a lane's wake-up waits in line at most once."""
    return f"send:{connection_id}:{lane}"


def wake(
    connection_id: int,
    *,
    lane: int = 0,
    workspace_id: int | None = None,
    anywhere: bool = False,
) -> None:
    """Ask a sender to see to this connection, after the commit.

    Who knows its workspace says so: that saves the question, and a worker that sends by itself
    does it, unless `anywhere` leaves it to the others.
    """
    jobs.enqueue(
        "connections.send",
        queue="send",
        once=lane_name(connection_id, lane),
        anywhere=anywhere,
        connection_id=connection_id,
        lane=lane,
        workspace_id=workspace_id,
    )


def claim_batch(
    *, workspace: Workspace, connection_id: int, limit: int, now: datetime
) -> pacing.Claimed:
    """Take the next due sends of a connection, as many as its pace and each customer's allow.

    At most one a conversation, its oldest; nothing while the number is off or rests. The claim
    names this process and the database backend: when both are gone, so is the sender.
    """
    return pacing.claim(
        workspace=workspace,
        connection_id=connection_id,
        token=leases.token(),
        limit=limit,
        now=now,
    )


def has_due(*, connection_id: int, now: datetime) -> bool:
    """Say whether sends of a connection are due; whether they may go out is the claim's to say."""
    found = sql.fetch(
        "SELECT EXISTS (SELECT FROM connections_outboundjob WHERE connection_id = %s"
        " AND state = 'queued' AND due_at <= %s)",
        [Int8(connection_id), now],
        prepare=True,
    )
    return bool(found[0][0])


def plan_anew() -> None:
    """Have the plans made anew that this session keeps (scope.mailboxes).

    One that was made while the table was small takes any index that the row wall may use, and
    reads it from end to end. Tables grow where a line is deep; else their next analysis does this.
    """
    sql.run("DISCARD PLANS")


def give_back(*, jobs: Sequence[OutboundJob], now: datetime) -> int:
    """Put claims back in line whose sending has not begun."""
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_outboundjob j SET state = 'queued', attempts = attempts - 1, due_at = %s"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS c(id, claimed_at)"
            " WHERE j.id = c.id AND j.state = 'sending' AND j.claimed_at = c.claimed_at",
            [now, [job.pk for job in jobs], [job.claimed_at for job in jobs]],
        )
        return int(cursor.rowcount)


def mark(
    *,
    job: OutboundJob,
    state: str,
    now: datetime,
    due_at: datetime | None = None,
    error_code: str = "",
    vendor_code: str = "",
    error: str = "",
    is_try: bool = True,
) -> bool:
    """Move a claimed send on: queued again, unknown, failed or dead. Compare-and-set.

    Also when the claim was given up meanwhile, but not when somebody else has claimed it since.
    What is no try (nobody was there to take it) counts as none.
    """
    is_over = state in (State.FAILED, State.DEAD)
    return bool(
        OutboundJob.objects.filter(
            pk=job.pk, state__in=[State.SENDING, State.UNKNOWN], claimed_at=job.claimed_at
        ).update(
            state=state,
            due_at=due_at or now,
            attempts=F("attempts") - (0 if is_try else 1),
            error_code=error_code,
            vendor_code=vendor_code[:30],
            error=error[:300],
            settled_at=now if is_over else None,
        )
    )


_HELD = """
SELECT j.id, j.message_id, j.state, j.attempts, j.provider_message_id, j.has_status, j.delivered_at
FROM connections_outboundjob j WHERE j.workspace_id = %s AND (j.id = ANY(%b::bigint[])
    OR (j.provider_message_id = ANY(%b::text[]) AND j.provider_message_id <> ''))
ORDER BY j.id FOR UPDATE
"""
_SETTLE = """
UPDATE connections_outboundjob j SET has_status = true, delivered_at = u.delivered_at,
    provider_message_id = u.name, state = u.state,
    settled_at = CASE WHEN u.is_settled THEN %s ELSE j.settled_at END,
    error_code = CASE WHEN u.is_settled THEN '' ELSE j.error_code END,
    error = CASE WHEN u.is_settled THEN '' ELSE j.error END
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::boolean[])
    AS u(id, state, name, delivered_at, is_settled)
WHERE j.id = u.id
"""


@dataclass
class Spoken:
    """A send that a status speaks of, as it is now; its row is locked until the commit."""

    pk: int
    message_id: int | None
    state: str
    attempts: int
    provider_message_id: str
    has_status: bool
    delivered_at: datetime | None

    def went_out(self) -> bool:
        """Say whether a status settles it: unknown until now, or refused as it seemed."""
        return self.state in (State.UNKNOWN, State.DEAD) or (
            self.state == State.QUEUED and self.attempts > 0
        )


def settle_by_statuses(
    *,
    workspace: Workspace,
    items: Sequence[tuple[str, str, str]],
    now: datetime,
    sheet: sql.Sheet,
) -> dict[int, Spoken]:
    """Find the sends that statuses speak of, by our own id in them or by the provider's.

    `items` are (opaque, subject, status word) each. A send whose outcome was unknown is known
    now: it was accepted. Returns the send of each item by its index, as it will be when the
    sheet is executed, in the same transaction; items that mean no send of this workspace are
    missing.
    """
    if not items:
        return {}
    own = [
        int(opaque) if opaque.isascii() and opaque.isdigit() and len(opaque) < 19 else 0
        for opaque, _, _ in items
    ]
    names = list({name for _, name, _ in items if name})
    held = [Spoken(*row) for row in sql.fetch(_HELD, (workspace.pk, list(set(own)), names))]
    by_id = {job.pk: job for job in held}
    by_name = {job.provider_message_id: job for job in reversed(held) if job.provider_message_id}
    found: dict[int, Spoken] = {}
    said: dict[int, tuple[set[str], set[str]]] = {}
    for place, (number, (_, subject, word)) in enumerate(zip(own, items, strict=True)):
        # By our own id in it; the provider's must not contradict it: our id in somebody else's
        # message. Else by the provider's.
        job = by_id.get(number)
        if job is None or (subject and job.provider_message_id not in ("", subject)):
            job = by_name.get(subject)
        if job is not None:
            found[place] = job
            subjects, words = said.setdefault(job.pk, (set(), set()))
            subjects.add(subject)
            words.add(word)
    _write([(by_id[pk], *what) for pk, what in said.items()], now, sheet)
    return found


def _write(
    said: Sequence[tuple[Spoken, set[str], set[str]]], now: datetime, sheet: sql.Sheet
) -> None:
    """Put down what the statuses change: mostly the first one, and the first delivery."""
    rows = []
    for job, subjects, words in said:
        subject = min(filter(None, subjects), default="")
        before = (job.has_status, job.delivered_at, job.provider_message_id, job.state)
        is_settled = bool(subject) and job.went_out()
        if is_settled:
            job.state = State.ACCEPTED
        if words & _ARRIVED:
            job.delivered_at = job.delivered_at or now
        job.provider_message_id = job.provider_message_id or subject
        job.has_status = True
        if before != (True, job.delivered_at, job.provider_message_id, job.state):
            name = job.provider_message_id
            rows.append((job.pk, str(job.state), name, job.delivered_at, is_settled))
    if rows:
        sheet.add(_SETTLE, [now, *(list(column) for column in zip(*rows, strict=True))])


def give_up(*, connection: Connection, now: datetime) -> list[OutboundJob]:
    """Fail what waits on a number that goes away; return those that carry a message."""
    waiting = OutboundJob.objects.filter(connection=connection, state=State.QUEUED)
    jobs_here = [job for job in waiting.select_for_update() if job.message_id is not None]
    waiting.update(state=State.FAILED, error_code="not_configured", settled_at=now)
    return jobs_here


def note_waiting(
    *, connection: Connection, error_code: str, vendor_code: str, error: str
) -> list[OutboundJob]:
    """Note why the messages of a number wait, on those that do not say so yet; return these.

    Call in a transaction. What somebody claims or settles at this moment is theirs to tell of.
    """
    waiting = OutboundJob.objects.filter(
        connection=connection, state=State.QUEUED, message_id__isnull=False
    ).exclude(error_code=error_code)
    found = list(
        waiting.select_for_update(skip_locked=True).defer("payload").order_by("pk")[:_MOST_NOTED]
    )
    OutboundJob.objects.filter(pk__in=[job.pk for job in found]).update(
        error_code=error_code, vendor_code=vendor_code[:30], error=error[:300]
    )
    return found


def fail_begun(*, connection: Connection, now: datetime) -> int:
    """Fail what waits of the conversations that the business begins: WhatsApp takes none now."""
    begun = OutboundJob.objects.filter(
        connection=connection, state=State.QUEUED, key__startswith=BEGUN
    )
    with transaction.atomic():
        found = list(begun.select_for_update(skip_locked=True).values_list("pk", flat=True))
        return OutboundJob.objects.filter(pk__in=found).update(
            state=State.FAILED, error_code="rejected", error=TOO_COLD, settled_at=now
        )


def find(*, workspace: Workspace, key: str) -> int:
    """Return the id of the send that was put under `key`. Raises OutboundJob.DoesNotExist."""
    return int(OutboundJob.objects.values_list("pk", flat=True).get(workspace=workspace, key=key))


def cancel(*, workspace: Workspace, key: str) -> bool:
    """Take back a send that has not begun. False when it is too late."""
    count, _ = OutboundJob.objects.filter(
        workspace=workspace, key=key, state=State.QUEUED, attempts=0
    ).delete()
    return bool(count)


def retire(*, workspace: Workspace, key: str) -> bool:
    """End a send that was given up for good: no replay brings it out again.

    False when it is on its way, or was put back in line; True also when its row is gone.
    """
    rows = OutboundJob.objects.filter(workspace=workspace, key=key)
    ended = rows.filter(state__in=[State.DEAD, State.FAILED, State.ACCEPTED])
    return bool(ended.update(payload=None)) or not rows.exists()


def replay(*, ids: Sequence[int], now: datetime) -> int:
    """Put dead or failed sends back in line (support, or an owner's retry)."""
    rows = OutboundJob.objects.filter(
        pk__in=ids, state__in=[State.DEAD, State.FAILED], payload__isnull=False
    )
    connection_ids = set(rows.values_list("connection_id", flat=True))
    count = rows.update(state=State.QUEUED, attempts=0, due_at=now, settled_at=None)
    for connection_id in connection_ids:
        wake(connection_id)
    return count


def queued_messages(*, workspace: Workspace) -> list[int]:
    """Return the ids of the messages whose sending has not begun."""
    waiting = OutboundJob.objects.filter(workspace=workspace, state=State.QUEUED)
    return [pk for pk in waiting.values_list("message_id", flat=True) if pk is not None]


def take_back(*, workspace: Workspace, message_ids: Sequence[int]) -> set[int]:
    """Take back the sends of these messages; return those that had not begun.

    Call in a transaction. What somebody claims at this moment goes out.
    """
    waiting = OutboundJob.objects.filter(
        workspace=workspace,
        key__in=[f"message:{pk}" for pk in message_ids],
        state=State.QUEUED,
    )
    found = dict(waiting.select_for_update(skip_locked=True).values_list("pk", "message_id"))
    OutboundJob.objects.filter(pk__in=found).delete()
    # Nobody shall see "typing…" for what does not come.
    OutboundJob.objects.filter(
        workspace=workspace,
        key__in=[f"typing-for:{pk}" for pk in found.values()],
        state=State.QUEUED,
    ).delete()
    return {pk for pk in found.values() if pk is not None}
